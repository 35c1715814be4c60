"""Families of failures as rows of a list: one query for the rows, one for the servers' names."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.models import FailureFamily
from history.words import STATE_LABELS, FailureState
from telemetry.models import Server, Team
from telemetry.text import MISSING, plural
from telemetry.words import OUTCOME_LABELS, Outcome

# So many of each are named in a row.
NAMED = 2
STATE_ICONS = {
    FailureState.OPEN: ("s-failed", "bad"),
    FailureState.RESOLVED: ("s-completed", "ok"),
    FailureState.IGNORED: ("s-skipped", "mute"),
}


@dataclass(frozen=True, slots=True)
class State:
    """A state as it is shown."""

    label: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A family as a row. Texts are "–" where nothing is known."""

    pk: int
    title: str
    pattern: str
    node_type: str
    seen: str
    runs: str
    servers: str
    gpus: str
    state: State
    first_seen_at: datetime
    last_seen_at: datetime


def families_of(team: Team) -> Any:
    """Return the families of a team that an attempt was seen of."""
    return FailureFamily.objects.filter(team=team, count__gt=0)


def listed(families: list[FailureFamily]) -> list[Listed]:
    """Return families as rows, in their order."""
    names = names_of(families)
    return [_row(family, names) for family in families]


def names_of(families: Iterable[FailureFamily]) -> dict[str, str]:
    """Return the servers' names by the ids that families count them by; deleted ones too."""
    ids = {key for family in families for key in family.servers if key.isdigit()}
    rows = Server.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
    return {str(pk): name for pk, name in rows}


def _row(family: FailureFamily, names: dict[str, str]) -> Listed:
    return Listed(
        pk=family.pk,
        title=title_of(family),
        pattern=family.pattern or "no reason told",
        node_type=family.node_type or MISSING,
        seen=f"{family.count:,}",
        runs=plural(family.run_count, "run"),
        servers=mostly(
            [(names.get(key, key), n) for key, n in most(family.servers, "server not known")]
        ),
        gpus=mostly(most(family.gpus, "GPU not known")),
        state=state_of(family),
        first_seen_at=family.first_seen_at,
        last_seen_at=family.last_seen_at,
    )


def title_of(family: FailureFamily) -> str:
    """Return what to call a family: its error; without one, how it ended."""
    return family.error_type or OUTCOME_LABELS[Outcome(family.outcome)]


def state_of(family: FailureFamily) -> State:
    """Return the family's state as it is shown."""
    state = FailureState(family.state)
    return State(STATE_LABELS[state], *STATE_ICONS[state])


def most(counts: dict[str, int], unknown: str = "not known") -> list[tuple[str, int]]:
    """Return what is counted, most first; what nobody could name last, as `unknown`."""
    named = sorted(
        ((n, key) for key, n in counts.items() if key), key=lambda one: (-one[0], one[1])
    )
    rest = [(unknown, counts[""])] if "" in counts else []
    return [(key, n) for n, key in named] + rest


def mostly(counted: list[tuple[str, int]]) -> str:
    """Return the most frequent by name, and how many more there are."""
    words = ", ".join(f"{name} {n:,}" for name, n in counted[:NAMED])
    more = len(counted) - NAMED
    return f"{words}, {more} more" if more > 0 else words or MISSING

"""When the attempts that a team's servers hold should end, from what is on record. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from telemetry.outlook import Eta, Outlook, after, eta_of
from telemetry.prompt_rows import EtaText
from telemetry.text import plural
from telemetry.words import Status

LookUp = Callable[[int, str], Outlook | None]


@dataclass(frozen=True, slots=True)
class Open:
    """An attempt that runs or waits."""

    pk: int
    server_id: int
    scene_id: int
    run_id: int
    source: str
    status: str
    number: float | None
    started_at: datetime | None
    workload: str | None

    @property
    def runs(self) -> bool:
        """Say whether it is at work."""
        return self.status == Status.RUNNING


def etas(attempts: Iterable[Open], look_up: LookUp, at: datetime) -> dict[int, Eta | None]:
    """Return, by primary key, when each open attempt should end; None where nobody can tell.

    Servers work beside each other, the prompts of one in the order of its queue: everything behind
    a prompt of unknown or surprising length is unknown too.
    """
    told: dict[int, Eta | None] = {}
    known = cache(look_up)
    queue = sorted(attempts, key=_place)
    for server_id, waiting in groupby(queue, key=lambda attempt: attempt.server_id):
        clear: Eta | None = Eta(at, at, at, 0)
        for attempt in waiting:
            outlook = known(server_id, attempt.workload) if attempt.workload else None
            clear = _end(attempt, clear, outlook, at)
            told[attempt.pk] = clear
    return told


def _place(attempt: Open) -> tuple[int, bool, float, int]:
    return attempt.server_id, not attempt.runs, attempt.number or 0.0, attempt.pk


def _end(attempt: Open, clear: Eta | None, outlook: Outlook | None, at: datetime) -> Eta | None:
    if clear is None or outlook is None:
        return None
    if not attempt.runs:
        return after(clear, outlook)
    if attempt.started_at is None:
        return None
    eta = eta_of(attempt.started_at, outlook, at)
    return None if eta.overdue else eta


def last_of(ends: Iterable[Eta | None]) -> EtaText:
    """Return when the last of several should be over, with the range; unknown where one is."""
    known = list(ends)
    unknown = sum(end is None for end in known)
    found = [end for end in known if end is not None]
    if unknown or not found:
        why = f"{plural(unknown, 'prompt')} of unknown length" if unknown else ""
        return EtaText(None, None, None, why)
    middle, earliest, latest = (
        max(getattr(end, name) for end in found) for name in ("middle", "earliest", "latest")
    )
    return EtaText(middle, earliest, latest, f"n = {min(end.count for end in found)}")

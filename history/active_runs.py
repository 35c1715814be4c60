"""The runs at work on a team's servers, as rows of the wall.

At work is what has a prompt that runs; a batch (a run that names itself) also while all of its
prompts wait. What ended stays for GRACE, so that its end is seen.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery

from history.forecast import Open, last_of
from history.models import Attempt, Run, Scene
from history.run_rows import PROMPT_SOURCE
from history.strip import SceneNow, cells, done_of, in_order, outcome_of, sentence, status_of
from telemetry.identity import Identity
from telemetry.outlook import Eta
from telemetry.overview import RunRow
from telemetry.prompt_rows import EtaText
from telemetry.titles import title_of
from telemetry.transitions import Key
from telemetry.words import OUTCOME_LABELS, Outcome

GRACE = timedelta(seconds=60)
RUNS_LIMIT = 20
# A longer strip would be a bar of hairs: the numbers tell it.
STRIP_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Team:
    """A team's watched servers by primary key, what is open on them, and when each should end."""

    names: dict[int, str]
    attempts: list[Open]
    ends: dict[int, Eta | None]
    at: datetime

    def last_end(self, attempts: Iterable[Open]) -> EtaText:
        """Return when the last of some open attempts should end."""
        return last_of(self.ends.get(attempt.pk) for attempt in attempts)


def rows(team: Team) -> tuple[list[RunRow], int]:
    """Return the runs at work, in the order in which they came on record, and how many more."""
    by_run: defaultdict[int, list[Open]] = defaultdict(list)
    for attempt in team.attempts:
        by_run[attempt.run_id].append(attempt)
    at_work = {pk for pk, attempts in by_run.items() if any(a.runs for a in attempts)}
    batches = {pk for pk, attempts in by_run.items() if attempts[0].source != PROMPT_SOURCE}
    wanted = at_work | batches | _just_ended(team)
    # Who is at work comes before who waits, where there are too many.
    shown = sorted(wanted, key=lambda pk: (pk not in at_work, pk))[:RUNS_LIMIT]
    scenes = _scenes(shown, team)
    found = _runs(shown)
    return [_row(run, by_run[run.pk], scenes[run.pk], team) for run in found], (
        len(wanted) - len(shown)
    )


def _just_ended(team: Team) -> set[int]:
    ended = Attempt.objects.filter(
        server__in=team.names,
        ended_at__gt=team.at - GRACE,
        ended_at__lte=team.at,
        found_later=False,
        scene__run__deleted_at=None,
    )
    return set(ended.order_by().values_list("scene__run", flat=True).distinct()[: RUNS_LIMIT * 5])


def counted(team: Team, since: datetime, kinds: dict[str, Q]) -> list[int]:
    """Return how many attempts of the team's servers that ended since then are of each kind."""
    ended = Attempt.objects.filter(server__in=team.names, ended_at__gt=since).order_by()
    told = ended.aggregate(**{name: Count("pk", filter=kind) for name, kind in kinds.items()})
    return list(told.values())


def _runs(shown: list[int]) -> list[Any]:
    """Return runs with what their newest attempt says of itself, and when the last one ended."""
    newest = Attempt.objects.filter(scene__run=OuterRef("pk")).order_by("-pk")
    return list(
        Run.objects.filter(pk__in=shown)
        .annotate(
            words=Subquery(newest.values("extra_data")[:1]),
            prompt_id=Subquery(newest.values("prompt_id")[:1]),
            last_ended_at=Max("scenes__attempts__ended_at"),
        )
        .order_by("pk")
    )


def _scenes(shown: list[int], team: Team) -> dict[int, list[SceneNow] | Counter[str]]:
    """Return the scenes of runs by run, of those with too many only how many there are of each."""
    running = {a.scene_id for a in team.attempts if a.runs}
    waiting = {a.scene_id for a in team.attempts} - running
    counts = dict(
        Scene.objects.filter(run__in=shown).order_by().values_list("run").annotate(Count("pk"))
    )
    few = [pk for pk in shown if counts.get(pk, 0) <= STRIP_LIMIT]
    told: dict[int, Any] = {pk: [] for pk in shown}
    found = Scene.objects.filter(run__in=few).order_by()
    for run, scene, name, outcome, opens, tries in found.values_list(
        "run", "pk", "external_id", "outcome", "open_count", "attempt_count"
    ):
        # Open on a server that nobody watches is waiting too, as far as anybody knows.
        waits = scene in waiting or opens > 0
        status = status_of(outcome, scene in running, waits, tries > 0)
        told[run].append(SceneNow(name, status))
    for pk in set(shown) - set(few):
        told[pk] = _counted(pk, running, waiting)
    return told


def _counted(run: int, running: set[int], waiting: set[int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    found = Scene.objects.filter(run=run).order_by()
    for scene, outcome, opens, tries in found.values_list(
        "pk", "outcome", "open_count", "attempt_count"
    ).iterator():
        waits = scene in waiting or opens > 0
        counts[status_of(outcome, scene in running, waits, tries > 0)] += 1
    return counts


def _row(run: Any, attempts: list[Open], scenes: Any, team: Team) -> RunRow:
    ordered = in_order(scenes) if isinstance(scenes, list) else []
    counts = scenes if isinstance(scenes, Counter) else Counter(scene.status for scene in ordered)
    status = _status(attempts, counts)
    name, of = _title(run)
    return RunRow(
        pk=run.pk,
        name=name,
        of=of,
        submitter=run.submitter or "",
        status=status,
        label=_label(status),
        cells=cells(ordered),
        strip=sentence(counts),
        done=done_of(counts),
        where=_where(attempts, team),
        eta=team.last_end(attempts),
        ended_at=None if attempts else run.last_ended_at,
        alone=run.source == PROMPT_SOURCE,
    )


def _status(attempts: list[Open], counts: Counter[str]) -> str:
    if not attempts:
        return outcome_of(counts)
    return "executing" if any(attempt.runs for attempt in attempts) else "queued"


def _label(status: str) -> str:
    if status == "completed":
        return OUTCOME_LABELS[Outcome.SUCCESS]
    return OUTCOME_LABELS[Outcome(status)] if status in set(Outcome) else status.capitalize()


def _title(run: Any) -> tuple[str, str]:
    """Return what to call a run: its story and its own id, or the prompt that is all of it."""
    words = {k: v for k, v in (run.words or {}).items() if isinstance(v, str)}
    if run.source == PROMPT_SOURCE:
        title = title_of(Key(run.prompt_id or "", 0), Identity(words=words))
        return title.name, title.of
    name = words.get("story_title") or run.story_id
    return (name, run.external_id) if name else (run.external_id, "")


def _where(attempts: list[Open], team: Team) -> str:
    """Return the servers at work on it, else those where it waits."""
    at_work = [a for a in attempts if a.runs] or attempts
    names = sorted({team.names[attempt.server_id] for attempt in at_work})
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"on {', '.join(names[:3])}{more}"

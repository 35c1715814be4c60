"""Runs as rows of a list: what each shows is in the run's own row, but for its scenes and servers.

Seven queries, however many rows.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from history.active_runs import STRIP_LIMIT
from history.charts.sparkline import Sparkline
from history.explore.found import found_in_words, found_tone
from history.explore.panel import percent
from history.explore.trends import time_line
from history.judged.judging import judge_runs
from history.judged.words import Delta, delta_of
from history.models import Attempt, Run, RunServer, Scene
from history.run_rows import PROMPT_SOURCE
from history.strip import SceneNow, cells, in_order, sentence, status_of
from telemetry.identity import Identity
from telemetry.overview import Cell
from telemetry.readable import Readable
from telemetry.text import MISSING, duration, plural
from telemetry.titles import title_of
from telemetry.transitions import Key
from telemetry.words import OUTCOME_LABELS, Outcome, Status


@dataclass(frozen=True, slots=True)
class Listed(Readable):
    """A run as a row. Texts carry their unit, and are "–" where nothing is known.

    Its row is drawn once for each value (telemetry/templatetags/drawn.py): whatever the row shows
    of the run, or of who reads it, is here.
    """

    pk: int
    name: str
    of: str
    status: str
    label: str
    cells: tuple[Cell, ...]
    strip: str
    success: str
    duration: str
    is_work: bool
    so_far: bool
    attempts: str
    where: str
    gpu: str
    submitter: str
    began: str
    began_iso: str
    found: str = ""
    found_tone: str = ""
    delta: Delta | None = None
    line: Sparkline | None = None


def listed(runs: list[Run], at: datetime) -> list[Listed]:
    """Return runs as rows, in their order."""
    scenes, servers, names = _scenes(runs), _servers(runs), names_of_runs(runs)
    judged = judge_runs(runs)
    rows = [_row(run, scenes[run.pk], servers[run.pk], names.get(run.pk), at) for run in runs]
    deltas = {pk: delta_of(one) for pk, one in judged.items()}
    lines = {pk: time_line(one) for pk, one in judged.items()}
    return [replace(row, delta=deltas.get(row.pk), line=lines.get(row.pk)) for row in rows]


def _scenes(runs: list[Run]) -> dict[int, list[SceneNow]]:
    """Return the scenes of the runs that have not too many for a strip."""
    few = [run.pk for run in runs if run.scene_count <= STRIP_LIMIT]
    at_work = scenes_at_work([run.pk for run in runs if run.open_count])
    told: defaultdict[int, list[SceneNow]] = defaultdict(list)
    found = Scene.objects.filter(run__in=few).order_by()
    for run, pk, name, outcome, waits, tries in found.values_list(
        "run", "pk", "external_id", "outcome", "open_count", "attempt_count"
    ):
        status = status_of(outcome, pk in at_work, bool(waits), bool(tries))
        told[run].append(SceneNow(name, status))
    return told


def scenes_at_work(open_runs: list[int]) -> set[int]:
    """Return the scenes of these runs that have a prompt at work."""
    if not open_runs:
        return set()
    at_work = Attempt.objects.filter(scene__run__in=open_runs, status=Status.RUNNING)
    return set(at_work.order_by().values_list("scene", flat=True))


def _servers(runs: list[Run]) -> dict[int, list[str]]:
    told: defaultdict[int, list[str]] = defaultdict(list)
    found = RunServer.objects.filter(run__in=[run.pk for run in runs])
    for run, name in found.order_by("server__name").values_list("run", "server__name"):
        told[run].append(name)
    return told


def names_of_runs(runs: list[Run]) -> dict[int, tuple[str, str]]:
    """Return what to call the runs that are one prompt each."""
    alone = [run.pk for run in runs if run.source == PROMPT_SOURCE]
    if not alone:
        return {}
    found = Attempt.objects.filter(scene__run__in=alone).order_by("pk")
    told = {}
    for run, prompt_id, extra in found.values_list("scene__run", "prompt_id", "extra_data"):
        words = {k: v for k, v in extra.items() if isinstance(v, str)}
        title = title_of(Key(prompt_id, 0), Identity(words=words))
        told[run] = title.name, title.of
    return told


def _row(
    run: Run,
    scenes: list[SceneNow],
    servers: list[str],
    named: tuple[str, str] | None,
    at: datetime,
) -> Listed:
    ordered = in_order(scenes)
    status, label = status_of_run(run, ordered)
    name, of = named or title_of_run(run)
    return Listed(
        pk=run.pk,
        name=name,
        of=of,
        status=status,
        label=label,
        cells=cells(ordered),
        strip=sentence(Counter(scene.status for scene in ordered) or _counts(run)),
        success=percent(run.success_rate),
        duration=duration(_lasted_s(run, at)),
        is_work=not run.open_count and run.duration_s is None and run.work_s is not None,
        so_far=run.open_count > 0,
        attempts=f"{run.attempt_count / run.scene_count:.1f}" if run.scene_count else MISSING,
        where=_where(servers),
        gpu=run.gpu_model or "",
        submitter=run.submitter or "",
        began=_moment(run.began_at),
        began_iso=run.began_at.isoformat(),
        found=found_in_words(run) if run.finding_count else "",
        found_tone=found_tone(run),
    )


def _lasted_s(run: Run, at: datetime) -> float | None:
    """Return how long a run took; where nobody told its times, how long its scenes worked."""
    if run.open_count:
        return (at - run.began_at).total_seconds()
    return run.work_s if run.duration_s is None else run.duration_s


def _moment(at: datetime) -> str:
    """Return a time in the reader's zone as templates/history/_time.html tells it: 5 Mar 23:59."""
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %H:%M}"


def _where(servers: list[str]) -> str:
    """Return the server, or how many; "–" where none is known, as of runs that files told of."""
    if not servers:
        return MISSING
    return servers[0] if len(servers) == 1 else plural(len(servers), "server")


def title_of_run(run: Run) -> tuple[str, str]:
    """Return what to call a run: its title or story, and its own id where that is another."""
    name = run.title or run.story_id
    return (name, run.external_id) if name else (run.external_id, "")


def status_of_run(run: Run, scenes: list[SceneNow]) -> tuple[str, str]:
    """Return the status of a run and what it is called."""
    if run.open_count:
        waits = scenes and not any(scene.status == "executing" for scene in scenes)
        return ("queued", "Queued") if waits else ("executing", "Executing")
    if run.outcome is None:
        return "unknown", "Unknown"
    outcome = Outcome(run.outcome)
    return "completed" if outcome is Outcome.SUCCESS else outcome.value, OUTCOME_LABELS[outcome]


def _counts(run: Run) -> Counter[str]:
    """Return how many scenes a run has of each kind, where they are too many to be shown."""
    told = {
        "completed": run.success_count,
        "queued": run.open_count,
        **{o.value: getattr(run, f"{o.value}_count") for o in Outcome if o is not Outcome.SUCCESS},
    }
    return Counter(told)

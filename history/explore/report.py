"""What a sweep of runs came to: its runs, scenes and frames, and how many need a look.

A sweep is whatever a list's filters leave, or the files of one import. Frames are those of each
scene's best attempt, where somebody counted them: a scene without a count has none, and no 0. Notes
are fallback notes; warnings are those that a file told, of the story or of a scene.

Three queries. Of more than MOST runs the newest are taken, so that a page costs the same however
long the history is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Sum

from history.explore.figures import MOST
from history.explore.listing import names_of_runs, title_of_run
from history.models import Run, RunReport, Scene, SceneReport
from telemetry.text import MISSING, plural

SHOWN = 100
COUNTS = ("runs", "scenes", "frames", "counted", "told", "with_notes", "with_warnings")
COLUMNS = ("pk", "began_at", "revision", "scene_count", "fallback_note_count")


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of runs; `counted` are the scenes whose frames are told, `told` the runs of files."""

    runs: int = 0
    scenes: int = 0
    frames: int = 0
    counted: int = 0
    told: int = 0
    with_notes: int = 0
    with_warnings: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_part: bool = False

    @property
    def frames_a_scene(self) -> float | None:
        """Return frames per scene, of the scenes whose frames are told."""
        return self.frames / self.counted if self.counted else None


def report_of(runs: "QuerySet[Run]") -> Report:
    """Return the report of runs, which are not sliced; of the newest MOST of them."""
    rows = list(runs.order_by("-began_at").values_list(*COLUMNS, named=True)[:MOST])
    # By their ids: of a subquery the planner expects so many scenes that it reads all there are.
    ids = [row.pk for row in rows]
    frames = Scene.objects.filter(run__in=ids).aggregate(counted=Count("frames"), all=Sum("frames"))
    told = [row.pk for row in rows if row.revision]
    return Report(
        runs=len(rows),
        scenes=sum(row.scene_count for row in rows),
        frames=frames["all"] or 0,
        counted=frames["counted"],
        told=len(told),
        with_notes=sum(row.fallback_note_count > 0 for row in rows),
        with_warnings=len(_warned(told)) if told else 0,
        first_at=min((row.began_at for row in rows), default=None),
        last_at=max((row.began_at for row in rows), default=None),
        is_part=len(rows) >= MOST,
    )


def report_of_ids(ids: Iterable[int]) -> Report:
    """Return the report of all of these runs, however many."""
    every, step = sorted(set(ids)), MOST - 1
    some = (every[place : place + step] for place in range(0, len(every), step))
    parts = [report_of(Run.objects.filter(pk__in=part)) for part in some]
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in COUNTS}
    return Report(**sums)


def _warned(ids: list[int]) -> set[int]:
    """Return those of these runs of which a file told a warning, of the story or of a scene."""
    of_story = RunReport.objects.filter(run__in=ids).exclude(warnings=[])
    of_scenes = SceneReport.objects.filter(scene__run__in=ids).exclude(warnings=[])
    both = of_story.values_list("run").union(of_scenes.values_list("scene__run"))
    return {run for (run,) in both}


def said_of(report: Report) -> dict[str, str]:
    """Return the report's counts by name, as a page tells them."""
    return {name: f"{getattr(report, name):,}" for name in COUNTS}


def sentence(report: Report) -> str:
    """Return the report in a sentence, as a command prints it."""
    return (
        f"{plural(report.runs, 'run')}, {plural(report.scenes, 'scene')}, {frames_of(report)}; "
        f"{report.with_notes:,} with notes, {report.with_warnings:,} with warnings."
    )


def frames_of(report: Report) -> str:
    """Return the frames, and how many a scene, in words."""
    a_scene = report.frames_a_scene
    if a_scene is None:
        return "frames not reported"
    of = "" if report.counted == report.scenes else f" of {report.counted:,} whose frames are told"
    return f"{plural(report.frames, 'frame')} ({a_scene:.1f} a scene{of})"


@dataclass(frozen=True, slots=True)
class Row:
    """A run of the sweep; texts are "not reported" where nobody told."""

    pk: int
    name: str
    of: str
    began_at: datetime
    scenes: str
    frames: str
    a_scene: str
    notes: str
    warnings: str


def rows_of(runs: "QuerySet[Run]") -> list[Row]:
    """Return the newest SHOWN runs as rows; four queries."""
    newest = list(runs.order_by("-began_at")[:SHOWN])
    names, ids = names_of_runs(newest), [run.pk for run in newest]
    frames = _frames(ids)
    warnings = dict(_warnings(ids))
    return [_row(run, names.get(run.pk), frames.get(run.pk), warnings) for run in newest]


def _frames(ids: list[int]) -> dict[int, tuple[int, int]]:
    found = Scene.objects.filter(run__in=ids, frames__isnull=False).order_by()
    rows = found.values_list("run").annotate(Sum("frames"), Count("frames"))
    return {run: (frames, counted) for run, frames, counted in rows}


def _warnings(ids: list[int]) -> Iterator[tuple[int, int]]:
    """Yield how many warnings were told of each run that has any: of its story and its scenes."""
    of_story = RunReport.objects.filter(run__in=ids).exclude(warnings=[])
    of_scenes = SceneReport.objects.filter(scene__run__in=ids).exclude(warnings=[])
    counts: dict[int, int] = {}
    for run, told in of_story.values_list("run", "warnings"):
        counts[run] = counts.get(run, 0) + len(told)
    for run, told in of_scenes.values_list("scene__run", "warnings"):
        counts[run] = counts.get(run, 0) + len(told)
    yield from counts.items()


def _row(
    run: Run,
    named: tuple[str, str] | None,
    frames: tuple[int, int] | None,
    warnings: dict[int, int],
) -> Row:
    name, of = named or title_of_run(run)
    untold = "not reported"
    total, counted = frames or (0, 0)
    return Row(
        run.pk,
        name,
        of,
        run.began_at,
        f"{run.scene_count:,}",
        f"{total:,}" if counted else untold,
        f"{total / counted:.1f}" if counted else MISSING,
        f"{run.fallback_note_count:,}" if run.revision else untold,
        f"{warnings.get(run.pk, 0):,}" if run.revision else untold,
    )

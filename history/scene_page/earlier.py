"""The scene in earlier runs: a row each, over what is usual for it."""

from dataclasses import dataclass
from datetime import datetime

from history.baseline.ladder import refusal
from history.explore.listing import names_of_runs, title_of_run
from history.judged.candidates import work_of_scene
from history.judged.judging import Judged
from history.judged.words import Delta, delta_of
from history.models import Scene
from history.run_page.scenes import LABELS, Peak, peak_of
from history.scene_page.reading import Read
from history.strip import status_of
from telemetry.text import MISSING, duration
from telemetry.words import OUTCOME_LABELS, Outcome


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """The scene in an earlier run; `delta` is against the baseline of this one."""

    scene: int
    run: int
    name: str
    of: str
    status: str
    label: str
    took: str
    delta: Delta
    attempts: str
    where: str
    gpu: str
    peak: Peak | None
    began_at: datetime | None


def rows(read: Read) -> list[EarlierRow]:
    """Return the earlier runs as rows, the newest first; one query for names of single prompts."""
    names = names_of_runs([scene.run for scene in read.earlier])
    return [_row(scene, names.get(scene.run_id), read) for scene in read.earlier]


def _row(scene: Scene, named: tuple[str, str] | None, read: Read) -> EarlierRow:
    name, of = named or title_of_run(scene.run)
    status, label = status_of_scene(scene)
    return EarlierRow(
        scene=scene.pk,
        run=scene.run_id,
        name=name,
        of=of,
        status=status,
        label=label,
        took=duration(scene.duration_s),
        delta=_delta(scene, read),
        attempts=f"{scene.attempt_count:,}" if scene.attempt_count else MISSING,
        where=scene.server.name if scene.server else MISSING,
        gpu=scene.gpu_model or "",
        peak=peak_of(read.peaks.get(scene.pk)),
        began_at=scene.began_at,
    )


def status_of_scene(scene: Scene, running: bool = False) -> tuple[str, str]:
    """Return where a scene is, and what that is called."""
    if scene.outcome is None and not scene.open_count:
        return "unknown", "Unknown"
    status = status_of(scene.outcome, running, scene.open_count > 0)
    return status, LABELS.get(status) or OUTCOME_LABELS[Outcome(status)]


def _delta(scene: Scene, read: Read) -> Delta:
    """Return how an earlier time stands against this one's baseline; why not, if that is unfair."""
    from history.baseline.standing import deviation_of  # here, for it loads numpy

    mine, baseline = read.judged.work, read.judged.baseline
    known = {scene.workload or "": mine.fingerprint} if _is_same(scene, read.scene) else {}
    other = work_of_scene(scene, known, scene.run.archived_at is not None)
    reason = refusal(mine, other)
    if reason is None and scene.timed_by == read.scene.timed_by:
        return delta_of(Judged(mine, baseline, deviation=deviation_of(other.value, baseline)))
    why = reason.value if reason else "not timed by the same"
    return Delta("t-flat", MISSING, "", f"not compared: {why}", why.capitalize(), baseline.n, "Low")


def _is_same(one: Scene, other: Scene) -> bool:
    return one.workload is not None and one.workload == other.workload


def usual(read: Read) -> str:
    """Return the baseline in words: its median, and between what the middle half lies."""
    baseline = read.judged.baseline
    if not baseline.n:
        return "no baseline"
    told = f"baseline {duration(baseline.median)}"
    if baseline.n >= 4:
        low, high = middle_half(baseline.values)
        told += f", the middle half {duration(low)} to {duration(high)}"
    on = f" on {read.scene.gpu_model}" if read.scene.gpu_model else ""
    return f"{told}{on}, n = {baseline.n}"


def middle_half(values: tuple[float, ...]) -> tuple[float, float]:
    """Return the first and third quartile, between neighbours in proportion."""
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return at(0.25), at(0.75)

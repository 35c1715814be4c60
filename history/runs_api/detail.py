"""One run whole: its scenes with their attempts, what it is set against, what was said of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import Self

from pydantic import Field

from history.judged.judging import JudgedRun, judge_run
from history.models import Attempt, AttemptMemory, Finding, Run, RunNote, RunServer, Scene
from history.run_page.cards import period_of
from history.run_page.reading import FINDINGS, SCENES, lowest_of_runs
from history.run_page.success import success_of
from history.runs_api.compared import Comparison, MemoryDelta, RunComparison, SuccessDelta
from history.runs_api.shapes import RunOut, SceneOut, ServerRef
from history.runs_api.units import count, key, of_bytes, seconds
from history.words import Level
from telemetry.api_shapes import Shape
from telemetry.words import Grade, Outcome, Status

NOTES = 100
SUMMED = (
    *("scene", "server", "prompt_id", "repeat", "attempt_number", "status", "outcome"),
    *("outcome_grade", "started_at", "ended_at", "duration_s", "error_type"),
)


class AttemptSummary(Shape):
    """An attempt in short; /attempts/{id} has the rest."""

    id: int = key("Ours.")
    server_id: int | None = key("The server that it was on.")
    prompt_id: str | None
    repeat: int = count("How often ComfyUI took this prompt_id before.")
    attempt_number: int | None = count("Which try it is, as its submitter counts.")
    status: Status
    outcome: Outcome | None
    outcome_grade: Grade | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None = seconds("From start to end.")
    error_type: str | None
    vram_free_lowest_bytes: int | None = of_bytes("Least memory that was free, on any device.")


class SceneDetail(SceneOut):
    """A scene with its attempts, oldest first, and against its baseline."""

    attempts: list[AttemptSummary]
    comparison: Comparison | None = Field(
        description=f"Null beyond the first {SCENES} scenes of a run."
    )


class PolicyOut(Shape):
    """By which knobs its submitter waits and retries; null is untold."""

    max_wait_s: float | None = seconds("Longest wait for a scene.")
    max_polls: int | None = count("Most questions to ComfyUI's history; 0: unlimited.")
    poll_interval_s: float | None = seconds("Between two of them.")
    grace_s: float | None = seconds("Goes on asking so long after the end.")
    retry_budget: int | None = count("Most retries of a scene; 0: none.")


class FindingTold(Shape):
    """Something odd in one of its files: docs/imports.md has the codes."""

    code: str
    level: Level
    path: str | None
    message: str
    scene_id: int | None = key("The scene that it is about.")


class NoteTold(Shape):
    """What a member wrote about it."""

    who: str
    at: datetime
    text: str


class RunDetail(RunOut):
    """A run whole; findings and notes: the first, or newest, hundred."""

    scene_duration_mean_s: float | None = seconds("Mean of its scenes whose duration is known.")
    vram_free_lowest_bytes: int | None = of_bytes("Least memory that was free in any attempt.")
    vram_free_mean_bytes: int | None = of_bytes(
        "Mean, over its attempts, of the least memory that was free."
    )
    policy: PolicyOut | None
    comparison: RunComparison
    scenes: list[SceneDetail]
    findings: list[FindingTold]
    notes: list[NoteTold]

    @classmethod
    def whole(cls, run: Run, at: datetime) -> Self:
        """Return a run whose policy is loaded, as it is at a time."""
        below = _below(run)
        judged = judge_run(run, below.scenes[:SCENES], at)
        known = [one.duration_s for one in below.scenes if one.duration_s is not None]
        free = list(below.lowest.values())
        return cls.told(
            run,
            servers=below.servers,
            scene_duration_mean_s=fmean(known) if known else None,
            vram_free_lowest_bytes=min(free, default=None),
            vram_free_mean_bytes=round(fmean(free)) if free else None,
            policy=PolicyOut.told(run.policy) if run.policy else None,
            comparison=_compared(run, judged),
            scenes=[_scene(scene, below, judged) for scene in below.scenes],
            findings=_findings(run),
            notes=[NoteTold.told(one) for one in _notes(run)],
        )


@dataclass(frozen=True, slots=True)
class _Below:
    """What is below a run: `lowest` is the least free memory of each attempt, by its id."""

    servers: list[ServerRef]
    scenes: list[Scene]
    attempts: dict[int, list[Attempt]]
    lowest: dict[int, int] = field(default_factory=dict)


def _below(run: Run) -> _Below:
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    for one in Attempt.objects.filter(scene__run=run).order_by("pk").only(*SUMMED):
        attempts[one.scene_id].append(one)
    scenes = list(Scene.objects.filter(run=run).order_by("position", "pk"))
    return _Below(servers_of([run.pk])[run.pk], scenes, attempts, _lowest(run))


def _lowest(run: Run) -> dict[int, int]:
    told: dict[int, int] = {}
    known = AttemptMemory.objects.filter(attempt__scene__run=run).order_by()
    for attempt, free in known.values_list("attempt", "free_lowest_bytes"):
        if free is not None:
            told[attempt] = min(free, told.get(attempt, free))
    return told


def servers_of(runs: Iterable[int]) -> defaultdict[int, list[ServerRef]]:
    """Return the servers that runs were on, by their names; one query."""
    told: defaultdict[int, list[ServerRef]] = defaultdict(list)
    found = RunServer.objects.filter(run__in=list(runs)).order_by("server__name", "server")
    for run, pk, name in found.values_list("run", "server", "server__name"):
        told[run].append(ServerRef(id=pk, name=name))
    return told


def _scene(scene: Scene, below: _Below, judged: JudgedRun) -> SceneDetail:
    against = judged.scenes.get(scene.pk)
    attempts = [
        AttemptSummary.told(one, vram_free_lowest_bytes=below.lowest.get(one.pk))
        for one in below.attempts.get(scene.pk, [])
    ]
    return SceneDetail.told(
        scene, attempts=attempts, comparison=Comparison.of(against) if against else None
    )


def _compared(run: Run, judged: JudgedRun) -> RunComparison:
    period = period_of(judged)
    told = Comparison.of(judged.run, (period.first, period.last) if period else None)
    return RunComparison.told(told, success=_success(run, judged), memory=_memory(run, judged))


def _success(run: Run, judged: JudgedRun) -> SuccessDelta | None:
    told = success_of(run, judged.earlier)
    if told is None:
        return None
    change = told.judged.change
    return SuccessDelta(
        success_rate_before=told.usual.share,
        scene_n=told.usual.n,
        run_n=len(told.runs),
        success_rate_delta_points=None if change is None else 100 * change,
        verdict=str(told.judged.verdict),
        confidence_percent=told.judged.confidence,
        confidence=told.level or "Low",
        why=str(told.judged.why) if told.judged.why else None,
    )


def _memory(run: Run, judged: JudgedRun) -> MemoryDelta | None:
    before = [int(str(pk)) for pk in judged.run.baseline.ids]
    lowest = lowest_of_runs([run.pk, *before])
    own = lowest.get(run.pk)
    if own is None:
        return None
    usual = [lowest[pk] for pk in before if pk in lowest]
    middle = median(usual) if usual else None
    return MemoryDelta(
        n=len(usual),
        vram_free_lowest_median_bytes=None if middle is None else round(middle),
        vram_free_lowest_delta_bytes=None if middle is None else round(own - middle),
    )


def _findings(run: Run) -> list[FindingTold]:
    found = Finding.objects.filter(run=run).order_by("place")[:FINDINGS]
    return [FindingTold.told(one) for one in found] if run.finding_count else []


def _notes(run: Run) -> list[RunNote]:
    return list(run.notes.order_by("-pk")[:NOTES])[::-1]

"""Invented runs as the rows of five tables, with ids that were reserved for them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from history.failures.signature import FAILING
from history.invented.runs import InventedAttempt, InventedRun, InventedScene
from telemetry.words import Outcome

SOURCE = "made-up"
RUN = (
    *("id", "team", "source", "external_id", "story_id", "title", "submitter", "began_at"),
    *("touched_at", "outcome", "ended_at", "duration_s", "work_s", "scene_count"),
    *("success_count", "partial_count", "failed_count", "cancelled_count", "lost_count"),
    *("success_rate", "attempt_count", "retried_count", "workload", "gpu_model", "work"),
)
SCENE = (
    *("id", "team", "run", "external_id", "outcome", "attempt_count", "began_at", "ended_at"),
    *("waited_s", "duration_s", "timed_by", "frames", "workload", "server", "gpu_model"),
    *("position", "warmth", "frame_floor"),
)
ATTEMPT = (
    *("id", "server", "scene", "prompt_id", "repeat", "attempt_number", "submitter", "workload"),
    *("extra_data", "status", "outcome", "outcome_grade", "reason", "found_later", "seen_at"),
    *("submitted_at", "started_at", "ended_at", "waited_s", "duration_s", "frames"),
    *("error_type", "error_message", "error_node", "error_node_type"),
)
MEMORY = (
    *("attempt", "index", "uuid", "name", "total_bytes"),
    *("free_before_bytes", "free_lowest_bytes", "free_after_bytes", "grade", "samples"),
)
SERVER = ("run", "server", "began_at")
COUNTED = (
    *(Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED),
    *(Outcome.CANCELLED, Outcome.LOST),
)
REASONS = {Outcome.CANCELLED: "interrupted", Outcome.LOST: "ComfyUI restarted"}


@dataclass(frozen=True, slots=True)
class Place:
    """Whose they are to be: the team, its servers by name, the seed that prompts are named by."""

    team: int
    servers: dict[str, int]
    seed: int


@dataclass(frozen=True, slots=True)
class Ids:
    """Of runs, scenes and attempts: how many, or the first of so many."""

    runs: int
    scenes: int
    attempts: int


def count(runs: Sequence[InventedRun]) -> Ids:
    """Return how many ids they need."""
    attempts = sum(len(scene.attempts) for run in runs for scene in run.scenes)
    return Ids(len(runs), sum(len(run.scenes) for run in runs), attempts)


class Rows:
    """The rows of some runs, from these ids on; `failed` are attempts that did."""

    def __init__(self, place: Place, first: Ids, runs: Sequence[InventedRun]) -> None:
        self.place = place
        self.runs: list[tuple[Any, ...]] = []
        self.scenes: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []
        self.memory: list[tuple[Any, ...]] = []
        self.of_servers: list[tuple[Any, ...]] = []
        self.failed: list[int] = []
        self._run, self._scene, self._attempt = first.runs, first.scenes, first.attempts
        for run in runs:
            self._take(run)

    def tables(self) -> tuple[list[tuple[Any, ...]], ...]:
        """Return the rows of each table, in the order in which they can be loaded."""
        return self.runs, self.of_servers, self.scenes, self.attempts, self.memory

    def _take(self, run: InventedRun) -> None:
        server = self.place.servers[run.machine.name]
        workload = run.workload.sha256 if run.is_identified else None
        for place, scene in enumerate(run.scenes):
            self._take_scene(run, scene, place, server, workload)
        self.runs.append(_run_row(self._run, self.place.team, run, workload))
        self.of_servers.append((self._run, server, run.began_at))
        self._run += 1

    def _take_scene(
        self, run: InventedRun, scene: InventedScene, place: int, server: int, workload: str | None
    ) -> None:
        last, floor = scene.attempts[-1], run.workload.frames
        self.scenes.append(
            (
                *(self._scene, self.place.team, self._run, scene.name, last.outcome.value),
                *(len(scene.attempts), last.started_at or last.submitted_at, last.ended_at),
                *(_waited_s(last), last.duration_s, "comfyui", last.frames, workload, server),
                *(run.machine.card, place, _warmth(scene, place), floor),
            )
        )
        for number, attempt in enumerate(scene.attempts, 1):
            self._take_attempt(run, attempt, number, server, workload)
        self._scene += 1

    def _take_attempt(
        self,
        run: InventedRun,
        attempt: InventedAttempt,
        number: int,
        server: int,
        workload: str | None,
    ) -> None:
        fault = attempt.fault
        why = (fault.type, fault.message, fault.node, fault.node_type) if fault else (None,) * 4
        prompt_id = _prompt_id((self.place.seed % 2**64) << 64 | self._attempt)
        grade = "polled" if attempt.outcome is Outcome.LOST else "measured"
        # ComfyUI calls a prompt a success of which too few frames came.
        partial = attempt.outcome is Outcome.PARTIAL
        outcome = Outcome.SUCCESS if partial else attempt.outcome
        self.attempts.append(
            (
                *(self._attempt, server, self._scene, prompt_id, 0, number, run.person, workload),
                *("{}", "ended", outcome.value, grade, REASONS.get(attempt.outcome, ""), False),
                *(attempt.submitted_at, attempt.submitted_at, attempt.started_at),
                *(attempt.ended_at, _waited_s(attempt), attempt.duration_s, attempt.frames, *why),
            )
        )
        if attempt.outcome in FAILING:
            self.failed.append(self._attempt)
        if attempt.free_bytes is not None:
            card = "", run.machine.card, run.machine.total_bytes
            self.memory.append((self._attempt, 0, *card, *attempt.free_bytes, "measured", 9))
        self._attempt += 1


def _prompt_id(number: int) -> str:
    """Return a number as the id of a prompt: str(UUID(int=number)), sooner."""
    told = f"{number:032x}"
    return f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"


def _waited_s(attempt: InventedAttempt) -> float | None:
    if attempt.started_at is None:
        return None
    return (attempt.started_at - attempt.submitted_at).total_seconds()


def _run_row(pk: int, team: int, run: InventedRun, workload: str | None) -> tuple[Any, ...]:
    """Return a run's row with its sums, as history/settling.py has them."""
    last = [scene.attempts[-1] for scene in run.scenes]
    outcomes = [attempt.outcome for attempt in last]
    counts = {outcome: outcomes.count(outcome) for outcome in COUNTED}
    every = (attempt for scene in run.scenes for attempt in scene.attempts)
    began_at = min(attempt.started_at or attempt.submitted_at for attempt in every)
    ended_at = max(attempt.ended_at for attempt in last)
    known = [attempt.duration_s for attempt in last if attempt.duration_s is not None]
    return (
        *(pk, team, SOURCE, run.name, run.workload.story, run.workload.title, run.person),
        *(run.began_at, ended_at, _outcome(counts, len(last)), ended_at),
        *((ended_at - began_at) / timedelta(seconds=1), sum(known) if known else None, len(last)),
        *counts.values(),
        *(counts[Outcome.SUCCESS] / len(last), sum(len(s.attempts) for s in run.scenes)),
        *(sum(len(s.attempts) > 1 for s in run.scenes), workload, run.machine.card),
        workload and sha256(",".join([workload] * len(run.scenes)).encode()).hexdigest(),
    )


def _warmth(scene: InventedScene, place: int) -> str:
    """Return whether a scene began warm: the first of a run loads the models."""
    if scene.attempts[-1].duration_s is None:
        return "unknown"
    return "warm" if place or len(scene.attempts) > 1 else "cold"


def _outcome(counts: dict[Outcome, int], scenes: int) -> str:
    if counts[Outcome.SUCCESS] == scenes:
        return Outcome.SUCCESS.value
    if counts[Outcome.SUCCESS] + counts[Outcome.PARTIAL]:
        return Outcome.PARTIAL.value
    worst = (Outcome.FAILED, Outcome.LOST, Outcome.CANCELLED)
    return next(outcome.value for outcome in worst if counts[outcome])

"""Runs that never were, from a seed: a daily rhythm, cold starts, failures, gaps in the known."""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from history.invented.farm import (
    FAULTS,
    HOURS,
    MACHINES,
    PEOPLE,
    REGRESSION,
    SLOWER,
    WEEKEND,
    WORKLOADS,
    Fault,
    Machine,
    Workload,
)
from telemetry.words import Outcome

DAY_S = 86_400
COLD = (1.08, 1.16)
RETRIED = 0.5
# Shares of scenes: what people cancel, what is lost with a server, what no file told of.
CANCELLED, LOST, UNMEASURED, UNIDENTIFIED = 0.006, 0.004, 0.08, 0.02
PARTIAL = 0.012


@dataclass(slots=True)
class InventedAttempt:
    """A prompt that never was; None is what nobody knows."""

    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime
    duration_s: float | None
    outcome: Outcome
    frames: int | None
    fault: Fault | None
    free_bytes: tuple[int, int, int] | None


@dataclass(slots=True)
class InventedScene:
    """A scene with its attempts, the last of which decides."""

    name: str
    attempts: list[InventedAttempt] = field(default_factory=list)


@dataclass(slots=True)
class InventedRun:
    """A run of one workload on one machine."""

    name: str
    workload: Workload
    machine: Machine
    person: str
    began_at: datetime
    is_identified: bool
    scenes: list[InventedScene] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when the history goes, and since when one workload is slower."""

    begin: datetime
    until: datetime
    regression_at: datetime

    @classmethod
    def of(cls, until: datetime, days: int) -> "Span":
        """Return the span of so many days; the regression is at a midnight of its last quarter."""
        begin, at = until - timedelta(days=days), until - timedelta(days=days / 4)
        midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
        return cls(begin, until, max(midnight, begin))


class Inventor:
    """Invents runs in the order of their begin; the same for the same seed, span and numbers."""

    def __init__(self, runs: int, scenes: int, seed: int, span: Span) -> None:
        self._random = random.Random(seed)
        self._scenes, self._runs, self._span = scenes, runs, span
        self._seed = seed
        self._workloads = list(accumulate(one.share for one in WORKLOADS))
        self._machines = list(accumulate(one.share for one in MACHINES))

    @property
    def run_count(self) -> int:
        """Return how many runs there will be."""
        return self._runs

    def runs(self) -> Iterator[InventedRun]:
        """Yield the runs."""
        begins = self._begins()
        sizes = self._sizes()
        for number, (began_at, size) in enumerate(zip(begins, sizes, strict=True)):
            yield self._run(number, began_at, size)

    def _begins(self) -> list[datetime]:
        """Return when runs begin: by the hour of the day, fewer at weekends."""
        hours = int((self._span.until - self._span.begin).total_seconds() // 3600) or 1
        weights = []
        for hour in range(hours):
            at = self._span.begin + timedelta(hours=hour)
            weights.append(HOURS[at.hour] * (WEEKEND if at.weekday() > 4 else 1))
        sums = list(accumulate(weights))
        draw, begin = self._random.random, self._span.begin
        seconds = [
            bisect(sums, draw() * sums[-1]) * 3600 + draw() * 3600 for _ in range(self._runs)
        ]
        return [begin + timedelta(seconds=min(one, hours * 3600 - 1)) for one in sorted(seconds)]

    def _sizes(self) -> list[int]:
        """Return how many scenes each run has: at least one, together as many as are wanted."""
        sizes = [1] * self._runs
        cuts = sorted(self._random.random() for _ in range(max(0, self._runs - 1)))
        left, taken = max(0, self._scenes - self._runs), 0
        # Between even and by chance: most runs are near the mean, some much larger.
        for place in range(self._runs):
            even = left * (place + 1) / self._runs
            by_chance = left * cuts[place] if place < len(cuts) else float(left)
            upto = min(left, max(taken, round(0.7 * even + 0.3 * by_chance)))
            sizes[place] += upto - taken
            taken = upto
        sizes[-1] += left - taken
        return sizes

    def _run(self, number: int, began_at: datetime, size: int) -> InventedRun:
        draw = self._random.random
        workload = WORKLOADS[bisect(self._workloads, draw() * self._workloads[-1])]
        machine = MACHINES[bisect(self._machines, draw() * self._machines[-1])]
        person = PEOPLE[int(draw() * len(PEOPLE))]
        run = InventedRun(
            f"made-up-{self._seed}-{number:06}",
            workload,
            machine,
            person,
            began_at,
            draw() >= UNIDENTIFIED,
        )
        at = began_at
        for place in range(size):
            scene = self._scene(run, place, at)
            run.scenes.append(scene)
            at = scene.attempts[-1].ended_at
        return run

    def _scene(self, run: InventedRun, place: int, at: datetime) -> InventedScene:
        scene = InventedScene(f"scene-{place + 1:03}")
        first = self._attempt(run, place, run.began_at, at)
        scene.attempts.append(first)
        if first.outcome is Outcome.FAILED and self._random.random() < RETRIED:
            scene.attempts.append(self._attempt(run, place, first.ended_at, first.ended_at))
        return scene

    def _attempt(
        self, run: InventedRun, place: int, submitted_at: datetime, at: datetime
    ) -> InventedAttempt:
        draw, workload = self._random.random, run.workload
        started_at = at + timedelta(milliseconds=round(400 + 1600 * draw()))
        seconds = workload.seconds * run.machine.pace * self._factor(run, place, started_at)
        outcome, fault, done = self._end(workload)
        lasted_s = round(max(0.2, seconds * done), 3)
        ended_at = started_at + timedelta(seconds=lasted_s)
        frames = {Outcome.SUCCESS: workload.frames, Outcome.FAILED: 0}.get(outcome)
        if outcome is Outcome.PARTIAL:
            frames = 1 + int(draw() * (workload.frames - 1))
        return InventedAttempt(
            submitted_at,
            started_at if outcome is not Outcome.LOST else None,
            ended_at,
            None if outcome is Outcome.LOST else lasted_s,
            outcome,
            frames,
            fault,
            None if draw() < UNMEASURED else self._memory(run, place),
        )

    def _factor(self, run: InventedRun, place: int, at: datetime) -> float:
        """Return how much longer than usual it takes: chance, a cold start, the regression."""
        factor = self._random.lognormvariate(0.0, run.workload.spread)
        if place == 0:
            factor *= self._random.uniform(*COLD)
        slower = run.workload is REGRESSION and at >= self._span.regression_at
        return factor * SLOWER if slower else factor

    def _end(self, workload: Workload) -> tuple[Outcome, Fault | None, float]:
        """Return how it ends, by which fault, and how much of the work was done by then."""
        chance = self._random.random()
        for outcome, share in (
            (Outcome.CANCELLED, CANCELLED),
            (Outcome.LOST, LOST),
            (Outcome.PARTIAL, PARTIAL),
        ):
            if chance < share:
                return outcome, None, 1.0 if outcome is Outcome.PARTIAL else self._random.random()
            chance -= share
        if chance >= workload.fails:
            return Outcome.SUCCESS, None, 1.0
        fault = self._random.choices(FAULTS, [one.share for one in FAULTS])[0]
        return Outcome.FAILED, fault, fault.done

    def _memory(self, run: InventedRun, place: int) -> tuple[int, int, int]:
        """Return free bytes before, at their lowest, and after: the first scene loads the model."""
        machine, workload = run.machine, run.workload
        held = min(workload.memory_bytes, machine.total_bytes - (1 << 29))
        resting = round(held * (0.6 + 0.02 * self._random.random()))
        before = machine.total_bytes - (700 << 20) if place == 0 else machine.total_bytes - resting
        return before, machine.total_bytes - held, machine.total_bytes - resting

"""By how much scenes and runs vary from run to run, known from earlier ones. Loads numpy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import nan, sqrt

import numpy as np

from history.baseline.ladder import ENOUGH, SIZE, find_baseline
from history.baseline.logs import spread_of
from history.baseline.work import Work
from history.compare.align import Row
from history.compare.reading import Read
from history.judged.candidates import Kind, kind_of, work_of_run
from history.models import Run, Scene
from telemetry.words import Outcome

# The row of a scene that is alike in both runs, and its seconds in the base and in the other.
Fair = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class Noise:
    """The run-to-run deviation of log values, from n earlier ones; NaN where nobody knows."""

    spread: float = nan
    n: int = 0

    @property
    def is_known(self) -> bool:
        """Say whether it rests on enough."""
        return self.n >= ENOUGH


def noise_of(values: Sequence[float]) -> Noise:
    """Return the spread of the values of a baseline."""
    if len(values) < 2:
        return Noise(n=len(values))
    return Noise(float(spread_of(np.log(np.asarray(values)))), len(values))


# Scenes that are alike, at one place of a run: so each earlier one is of a run of its own, and
# what they spread by is how much runs vary, not the scenes of one.
Alike = tuple[Kind, str, int | None]


def by_sort(like: Mapping[Kind, Iterable[Work]]) -> dict[Alike, list[Work]]:
    """Return earlier scenes that have a figure by what they have in common, newest first."""
    found: defaultdict[Alike, list[Work]] = defaultdict(list)
    for kind, works in like.items():
        for work in works:
            is_left_out = work.cached or work.archived or not work.value
            if work.outcome is Outcome.SUCCESS and not is_left_out:
                found[kind, work.warmth, work.position].append(work)
    return found


def last_before(works: Sequence[Work], before: datetime) -> list[float]:
    """Return the values of the last SIZE before a time, or where they are too few of the last.

    What changed between the runs that are compared must not hide itself as noise.
    """
    old = [work for work in works if work.ended_at is not None and work.ended_at < before]
    chosen = old if len(old) >= ENOUGH else works
    return [work.value for work in chosen[:SIZE] if work.value]


def noise_of_run(run: Run, earlier: Iterable[Work]) -> Noise:
    """Return how far the runs before one spread that are like it."""
    baseline = find_baseline(work_of_run(run), earlier)
    return noise_of(baseline.values) if baseline.judges else Noise()


def _like(row: Row, base: Scene | None, found: Mapping[Alike, list[Work]]) -> list[Work]:
    kind = kind_of(base) if base else None
    return found.get((kind, base.warmth, row.place), []) if base and kind else []


class Noises:
    """By how much scenes vary from run to run, row by row, and runs as a whole."""

    def __init__(self, read: Read) -> None:
        found, before = by_sort(read.like), min(run.began_at for run in read.runs)
        self.rows = [
            noise_of(last_before(_like(row, row.scenes[read.base], found), before))
            for row in read.rows
        ]
        self._read = read
        self._runs: dict[int, Noise] = {}

    def of_pair(self, place: int, fair: Sequence[Fair]) -> Noise:
        """Return how much the fair scenes of two runs vary together, from what is known best.

        That is from most earlier runs. Either the runs as a whole: some scenes of a run vary more
        than all together, at most as if nothing but chance of their own moved them. Or scene by
        scene: all together vary no more than if one fate moved all of them.
        """
        read = self._read
        whole = max(len(read.scenes[read.base]), len(read.scenes[place]))
        run = self._of_runs(place)
        known = [Noise(run.spread * sqrt(whole / len(fair)), run.n), self._of_scenes(fair)]
        return max(known, key=lambda noise: noise.n)

    def _of_scenes(self, fair: Sequence[Fair]) -> Noise:
        noises = [self.rows[row] for row, _, _ in fair]
        weights = [base + other for _, base, other in fair]
        shares = [noise.spread * w for noise, w in zip(noises, weights, strict=True)]
        return Noise(sum(shares) / sum(weights), min(noise.n for noise in noises))

    def _of_runs(self, place: int) -> Noise:
        """Return how far runs like both vary: those before the earlier one, if they are enough."""
        read = self._read
        pair = sorted((read.runs[read.base], read.runs[place]), key=_age)
        noises = [self._of_run(run) for run in pair]
        return next((one for one in noises if one.is_known), max(noises, key=lambda one: one.n))

    def _of_run(self, run: Run) -> Noise:
        if run.pk not in self._runs:
            self._runs[run.pk] = noise_of_run(run, self._read.earlier.get(run.pk, ()))
        return self._runs[run.pk]


def _age(run: Run) -> tuple[float, int]:
    return run.began_at.timestamp(), run.pk

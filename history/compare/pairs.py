"""Each run against the base: slower, faster, not distinguishable, or nobody can tell. Loads numpy.

Two runs are one value each: no test can tell from them alone whether they differ. What they took
for the scenes that are alike is held against how much such runs vary, known from earlier ones; the
rule is that of history/baseline/compare.py.

Swapping the two runs gives the mirrored statement: differences are shares of the mean of both, what
is alike is asked both ways, and the noise is that of the earlier of the two.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import log, nan, sqrt, tanh

import numpy as np

from history.baseline.compare import compare
from history.baseline.ladder import SIZE
from history.baseline.standing import unusual_from
from history.baseline.verdict import DEFAULT
from history.compare.align import Row
from history.compare.likeness import Likeness
from history.compare.noise import Fair, Noise, Noises
from history.compare.reading import Read
from history.models import Scene


class Way(StrEnum):
    """How a run stands against the base."""

    SLOWER = "slower"
    FASTER = "faster"
    ALIKE = "not distinguishable"
    UNSURE = "unsure"
    UNFAIR = "cannot be compared fairly"


@dataclass(frozen=True, slots=True)
class Cell:
    """A scene beside the base's: `unlike` says why they are not compared, None where they are.

    `change` is the difference as a share of the mean of both. `stands_out`: more than such scenes
    vary; None where nobody knows how much they do.
    """

    unlike: str | None = None
    change: float | None = None
    stands_out: bool | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A run against the base over the `fair` of the scenes that both have (`shared`).

    `seconds` and `change` are of the fair scenes together: the run's less the base's, and that as a
    share of the mean of both. `limit` is the share from which on it is more than such runs vary,
    None where nobody knows; `n` the earlier runs that this rests on. `left_out` counts the scenes
    that are not compared, by reason. `is_whole`: neither run has any other scene.
    """

    way: Way
    fair: int = 0
    shared: int = 0
    seconds: float | None = None
    change: float | None = None
    limit: float | None = None
    n: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    is_whole: bool = False


def symmetric(mine: float | None, theirs: float | None) -> float | None:
    """Return the difference as a share of the mean of both, so that there and back cancel out.

    None where one is missing or both are nothing.
    """
    if mine is None or theirs is None or mine + theirs <= 0:
        return None
    return 2 * (mine - theirs) / (mine + theirs)


def share_of(log_ratio: float) -> float:
    """Return a log ratio as a share of the mean of both."""
    return 2 * tanh(log_ratio / 2)


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows of cells and a pair for each run; the base has neither."""

    cells: list[list[Cell | None]]
    pairs: list[Pair | None]


def compare_runs(read: Read) -> Compared:
    """Compare each of the runs with the base."""
    unlike = _unlike(read)
    noises = Noises(read)
    pairs = [
        None if place == read.base else _pair(read, place, [row[place] for row in unlike], noises)
        for place in range(len(read.runs))
    ]
    return Compared(_cells(read, unlike, noises.rows), pairs)


# --- scenes ---------------------------------------------------------------------------------------


def _unlike(read: Read) -> list[list[str | None]]:
    """Return of each scene of each row why it is not compared with the base's; "": missing."""
    likeness = Likeness(read.known)

    def why(row: Row, scene: Scene | None) -> str | None:
        base = row.scenes[read.base]
        return "" if scene is None or base is None else likeness.unlike(base, scene)

    return [[why(row, scene) for scene in row.scenes] for row in read.rows]


def _cells(
    read: Read, unlike: list[list[str | None]], noises: Sequence[Noise]
) -> list[list[Cell | None]]:
    if not read.rows:
        return []
    values = np.array(
        [
            [
                s.duration_s if s and why is None else nan
                for s, why in zip(row.scenes, whys, strict=True)
            ]
            for row, whys in zip(read.rows, unlike, strict=True)
        ],
        dtype=float,
    )
    told = compare(values.T, read.base, np.array([_as_of_twenty(one) for one in noises]))
    return [
        [
            None if place == read.base else _cell(why, change, stands_out, own.is_known)
            for place, (why, change, stands_out) in enumerate(zip(whys, shares, out, strict=True))
        ]
        for whys, shares, out, own in zip(
            unlike, told.symmetric.T.tolist(), told.stands_out.T.tolist(), noises, strict=True
        )
    ]


def _as_of_twenty(noise: Noise) -> float:
    """Return a spread as compare() takes it, which thinks that each is of SIZE earlier values."""
    return noise.spread * unusual_from(noise.n) / unusual_from(SIZE) if noise.is_known else nan


def _cell(why: str | None, change: float, stands_out: bool, is_known: bool) -> Cell:
    if why is not None:
        return Cell(unlike=why)
    return Cell(change=change, stands_out=stands_out if is_known else None)


# --- runs -----------------------------------------------------------------------------------------


def _pair(read: Read, place: int, unlike: Sequence[str | None], noises: Noises) -> Pair:
    both = [(row.scenes[read.base], row.scenes[place]) for row in read.rows]
    fair: list[Fair] = [
        (number, base.duration_s or 0, other.duration_s or 0)
        for number, ((base, other), why) in enumerate(zip(both, unlike, strict=True))
        if base and other and why is None
    ]
    shared = sum(base is not None and other is not None for base, other in both)
    left_out = Counter(why for why in unlike if why)
    if not fair or 2 * len(fair) < shared:
        return Pair(Way.UNFAIR, len(fair), shared, left_out=left_out)
    is_whole = len(fair) == len(read.scenes[read.base]) == len(read.scenes[place])
    told = _judged(fair, noises.of_pair(place, fair))
    return replace(told, shared=shared, left_out=left_out, is_whole=is_whole)


def _judged(fair: Sequence[Fair], noise: Noise) -> Pair:
    """Judge the times of the scenes that are alike, together."""
    _, base, other = (sum(times) for times in zip(*fair, strict=True))
    spread = noise.spread if noise.is_known else nan
    told = compare(np.array([[base], [other]]), 0, np.array([spread]), max(noise.n, 1))
    limit = max(DEFAULT.limit, sqrt(2) * unusual_from(max(noise.n, 1)) * spread)
    return Pair(
        _way(log(other / base), bool(told.stands_out[1][0]), noise.is_known),
        fair=len(fair),
        seconds=other - base,
        change=float(told.symmetric[1][0]),
        limit=share_of(limit) if noise.is_known else None,
        n=noise.n,
    )


def _way(ratio: float, stands_out: bool, is_known: bool) -> Way:
    if stands_out:
        return Way.SLOWER if ratio > 0 else Way.FASTER
    if abs(ratio) < DEFAULT.limit or is_known:
        return Way.ALIKE
    return Way.UNSURE

"""Several runs side by side, scene by scene: what differs, and whether it matters. Pure.

Runs are compared in pairs with one of them, the base, over the scenes that both have.
"""

from dataclasses import dataclass
from functools import cache
from math import expm1, sqrt

import numpy as np
from numpy.typing import NDArray

from history.baseline.ladder import ENOUGH
from history.baseline.logs import spread_of
from history.baseline.ranks import Floats
from history.baseline.standing import unusual_from
from history.baseline.verdict import DEFAULT, Judgement, Rules, Verdict, Why, decided, surely

# The two runs of a pair vary both.
_BOTH = sqrt(2)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A matrix of runs (rows) by scenes (columns) against the base's row; NaN where one is missing.

    `delta` is in the values' unit. `symmetric` is the difference as a share of the mean of both:
    from A to B it is the negative of B to A. `stands_out` marks the cells that differ by more than
    scenes of that kind vary, and by more than matters; never without a known variation.
    `runs` judges each row as a whole: `n` and `recent` are the scenes that both have.
    """

    delta: Floats
    symmetric: Floats
    stands_out: NDArray[np.bool_]
    runs: tuple[Judgement, ...]


def compare(
    values: Floats,
    base: int = 0,
    variation: Floats | None = None,
    earlier: int = 20,
    rules: Rules = DEFAULT,
) -> Comparison:
    """Compare runs by scenes with the base's row; missing is NaN, and what is not positive.

    `variation` is each scene's run-to-run deviation of log values, known from `earlier` runs;
    NaN where it is not known.
    """
    values = np.where(values > 0, values, np.nan)
    others = values[base]
    logs = np.log(values) - np.log(others)
    variation = np.full(values.shape[1], np.nan) if variation is None else variation
    noise = _BOTH * unusual_from(earlier) * variation
    away = np.abs(logs)
    return Comparison(
        values - others,
        (values - others) / ((values + others) / 2),
        (away >= rules.limit) & (away > noise),
        tuple(_judged(row[~np.isnan(row)], rules) for row in logs),
    )


def _judged(logs: Floats, rules: Rules) -> Judgement:
    """Judge the log ratios of the scenes that two runs share, by Wilcoxon's signed-rank test."""
    n = logs.size
    if not n:
        return Judgement(Verdict.NOT_COMPARABLE, 0, 0, why=Why.NOTHING)
    walsh = np.sort(np.add.outer(logs, logs)[np.tril_indices(n)] / 2)
    center, index = float(np.median(walsh)), critical(n, 1 - rules.level)
    interval = (float(walsh[index - 1]), float(walsh[-index])) if index else None
    verdict, why = decided(center, interval, n >= ENOUGH, rules)
    sure = surely(center, interval, float(spread_of(logs)) / sqrt(n), n, rules)
    low, high = (None, None) if interval is None else map(expm1, interval)
    return Judgement(verdict, n, n, expm1(center), low, high, confidence=sure, why=why)


@cache
def critical(n: int, alpha: float) -> int:
    """Return how many ordered Walsh averages lie outside on each side, at most alpha; 0 for none.

    The signed-rank sum's distribution: each rank counts or not, with equal chances.
    """
    counts = np.ones(1)
    for rank in range(1, n + 1):
        counts = np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))
        counts /= 2
    return int(np.searchsorted(np.cumsum(counts), alpha / 2, side="right"))

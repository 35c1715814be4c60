"""The rank test of two samples: shift, interval, effect size, p; over many pairs at once. Pure.

Samples lie in the last axis, pairs in the ones before. Sources: docs/statistics.md.
"""

from dataclasses import dataclass
from functools import cache
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Above so many pairs of values the normal approximation is as good as counting.
LARGEST_COUNTED = 900


@dataclass(frozen=True, slots=True)
class Shifts:
    """How far the first samples lie from the second, in the samples' unit.

    `low` and `high` hold the shift with the level asked for; NaN where the samples are too small
    for any such interval. `cliff` is in -1..1: the share of pairs in which the first is larger,
    less the share in which it is smaller. `p` is two-sided and as if values were independent.
    """

    center: Floats
    low: Floats
    high: Floats
    cliff: Floats
    p: Floats


def shifts(first: Floats, second: Floats, level: float) -> Shifts:
    """Return the Hodges-Lehmann shift of each pair of samples, with Moses' interval."""
    m, n = first.shape[-1], second.shape[-1]
    pairs = first[..., :, None] - second[..., None, :]
    differences = np.sort(pairs.reshape(*first.shape[:-1], m * n), axis=-1)
    cliff = np.sign(differences).mean(axis=-1)
    low, high = _interval(differences, critical(m, n, 1 - level))
    u = (1 + cliff) / 2 * m * n
    return Shifts(np.median(differences, axis=-1), low, high, cliff, _p(u, m, n))


def _interval(differences: Floats, index: int) -> tuple[Floats, Floats]:
    """Return the differences between which the shift lies (Moses); NaN for an index of 0."""
    if index == 0:
        unknown = np.full(differences.shape[:-1], np.nan)
        return unknown, unknown
    return differences[..., index - 1], differences[..., -index]


@cache
def critical(m: int, n: int, alpha: float) -> int:
    """Return how many of the m x n ordered differences lie outside on each side, at most alpha.

    0 where even the two extreme ones leave out too much: the samples are too small.
    """
    if m * n <= LARGEST_COUNTED:
        return int(np.searchsorted(_distribution(m, n), alpha / 2, side="right"))
    z = NormalDist().inv_cdf(1 - alpha / 2)
    return max(0, int(m * n / 2 + 0.5 - z * _deviation(m, n)))


def _p(u: Floats, m: int, n: int) -> Floats:
    """Return the two-sided p of Mann and Whitney's U; ties count towards no difference."""
    smaller = np.ceil(np.minimum(u, m * n - u) - 1e-9)
    if m * n <= LARGEST_COUNTED:
        p = 2 * _distribution(m, n)[smaller.astype(int)]
    else:
        z = (m * n / 2 - smaller - 0.5) / _deviation(m, n)
        p = np.vectorize(erfc, otypes=[float])(z / sqrt(2))
    capped: Floats = np.minimum(1.0, p)
    return capped


@cache
def _distribution(m: int, n: int) -> Floats:
    """Return P(U <= u) for u from 0 to m x n, by Mann and Whitney's recurrence.

    The largest of all values is among the first sample (and exceeds all n of the second) or not:
    counts(m, n, u) = counts(m - 1, n, u - n) + counts(m, n - 1, u).
    """
    row = [np.ones(1) for _ in range(n + 1)]
    for i in range(1, m + 1):
        above, row = row, [np.ones(1)]
        for j in range(1, n + 1):
            counts = np.zeros(i * j + 1)
            counts[j:] += above[j]
            counts[: row[-1].size] += row[-1]
            row.append(counts)
    cumulated: Floats = np.cumsum(row[n]) / row[n].sum()
    return cumulated


def _deviation(m: int, n: int) -> float:
    return sqrt(m * n * (m + n + 1) / 12)

"""How sure a statement is: one scale from 0 to 100 (docs/statistics.md). Pure."""

from enum import StrEnum
from math import isnan, sqrt
from statistics import NormalDist

from history.baseline.ladder import ENOUGH

_NORMAL = NormalDist()
# Nobody is surer than this.
MOST = 99
# What each run short of ENOUGH may give at most, so that fewer than five are never above Low.
PER_RUN = 12
MEDIUM, HIGH = 60, 80


class Level(StrEnum):
    """The scale in words."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


def level_of(confidence: int, n: int) -> Level:
    """Return the word for a confidence that rests on n earlier runs."""
    if n < ENOUGH or confidence < MEDIUM:
        return Level.LOW
    return Level.HIGH if confidence >= HIGH else Level.MEDIUM


def confidence_of(shift: float, error: float, threshold: float, beyond: bool, n: int) -> int:
    """Return how sure it is that a shift lies beyond the threshold, or within, 0 to 99.

    `shift` was measured with a standard error, both and the threshold in one unit; beyond means on
    the side on which it was measured. The share of Normal(shift, error) there, in percent. With
    fewer than ENOUGH earlier runs it is capped at PER_RUN each; without an error it is 0.
    """
    if n == 0 or isnan(error):
        return 0
    outside, other_side = (
        _above(abs(shift), error, threshold),
        _above(-abs(shift), error, threshold),
    )
    share = outside if beyond else 1 - outside - other_side
    return min(MOST if n >= ENOUGH else PER_RUN * n, int(100 * share))


def _above(shift: float, error: float, threshold: float) -> float:
    if error == 0:
        return float(shift > threshold)
    return 1 - _NORMAL.cdf((threshold - shift) / error)


def confidence_within(
    shift: float, interval: tuple[float, float], level: float, threshold: float, n: int
) -> int:
    """Return the confidence that a shift is on the side of the threshold on which it was measured.

    The error is that of the interval's side towards the threshold.
    """
    beyond = abs(shift) >= threshold
    low, high = interval
    width = shift - low if (shift > 0) == beyond else high - shift
    error = width / _NORMAL.inv_cdf((1 + level) / 2)
    return confidence_of(shift, error, threshold, beyond, n)


def error_of_means(spread: float, m: int, n: int) -> float:
    """Return the standard error of the difference between two samples' centres."""
    return spread * sqrt(1 / m + 1 / n)

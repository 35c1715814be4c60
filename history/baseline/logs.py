"""Values as logarithms, their robust centre and spread. Pure.

Durations are compared as ratios: run-to-run variation is so many percent, of short work and long.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from history.baseline.ranks import Floats

# What makes the MAD of a normal distribution its standard deviation: 1 / Phi^-1(3/4).
MAD_TO_SD = 1.4826
# The same of the mean absolute deviation: sqrt(pi / 2).
MEAN_TO_SD = 1.2533
CLIP = 2.5


def logs_of(values: Sequence[Any] | Floats) -> Floats:
    """Return the natural logarithms; raises ValueError unless all values are positive."""
    array = np.asarray(values, dtype=float)
    if not np.all(array > 0) or not np.all(np.isfinite(array)):
        raise ValueError("only positive, finite values can be compared as ratios")
    logs: Floats = np.log(array)
    return logs


def deviation_of_rest(rest: Floats) -> Floats:
    """Return the MAD of values around zero, scaled to a standard deviation; keeps the last axis.

    Of rounded times more than half are often equal, and the MAD is 0: then it is the mean absolute
    deviation.
    """
    away = np.abs(rest)
    middle = MAD_TO_SD * np.median(away, axis=-1, keepdims=True)
    scaled: Floats = np.where(middle > 0, middle, MEAN_TO_SD * away.mean(axis=-1, keepdims=True))
    return scaled


def clipped(rest: Floats) -> Floats:
    """Return values around zero with outliers drawn in to CLIP deviations."""
    limit = CLIP * deviation_of_rest(rest)
    inside: Floats = np.clip(rest, -limit, limit)
    return inside


def spread_of(logs: Floats) -> Floats:
    """Return the standard deviation of samples without their outliers.

    The larger of the scaled MAD and the deviation of the clipped values: the MAD alone is small by
    chance too often in samples of five to ten. NaN for less than two values.
    """
    n = logs.shape[-1]
    if n < 2:
        return np.full(logs.shape[:-1], np.nan)
    rest = logs - np.median(logs, axis=-1, keepdims=True)
    deviation = np.sqrt((clipped(rest) ** 2).sum(axis=-1) / (n - 1))
    larger: Floats = np.maximum(deviation, deviation_of_rest(rest)[..., 0])
    return larger

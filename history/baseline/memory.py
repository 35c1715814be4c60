"""How much a run is like the one before it, and what that does to a comparison. Pure.

Runs in a row are not independent: a warm room, a busy disk, somebody else's job last for several.
Taken as independent, some twenty of them look like a shift far too often (docs/statistics.md).
"""

from functools import cache

import numpy as np

from history.baseline.logs import clipped
from history.baseline.ranks import Floats

# The estimate is rounded to a grid, so that the factors are reckoned once.
GRID = 20
LARGEST = 0.95


def memory_of(recent: Floats, before: Floats) -> Floats:
    """Return the lag-one autocorrelation, 0..0.95, of samples around each sample's own median.

    `before` ends where `recent` begins. Outliers are clipped; the bias of two fitted medians is
    added back: (2 + 4 r) / n after Marriott and Pope, found large enough in simulation.
    """
    parts = [part - np.median(part, axis=-1, keepdims=True) for part in (before, recent)]
    rest = clipped(np.concatenate(parts, axis=-1))
    n, cut = rest.shape[-1], before.shape[-1]
    products = rest[..., :-1] * rest[..., 1:]
    products[..., cut - 1] = 0.0
    power = (rest * rest).sum(axis=-1)
    r = products.sum(axis=-1) / np.where(power > 0, power, 1.0) * n / max(1, n - 2)
    memory: Floats = np.clip(r + (2 + 4 * r) / n, 0.0, LARGEST) * (power > 0)
    return memory


def widening(memory: Floats, m: int, n: int) -> Floats:
    """Return how many times as wide an interval of a shift is for the memory that runs have."""
    factors = np.array([_factor(m, n, step) for step in range(GRID)])
    chosen: Floats = factors[np.rint(memory * GRID).astype(int)]
    return chosen


@cache
def _factor(m: int, n: int, step: int) -> float:
    """Return the ratio of the deviations of two neighbouring means' difference, AR(1) to none."""
    weights = np.concatenate([np.full(n, -1 / n), np.full(m, 1 / m)])
    apart = np.abs(np.subtract.outer(np.arange(m + n), np.arange(m + n)))
    correlations = (step / GRID) ** apart
    return float(np.sqrt(weights @ correlations @ weights / (weights @ weights)))

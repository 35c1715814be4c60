"""Made-up histories: a level, noise around it, and a step whose size and place are known.

A value is level x (1 + variation x e), never below a tenth of the level; e has deviation 1.

normal           e is normal
heavy-tailed     e is Student's t with 3 degrees of freedom, scaled to deviation 1
autocorrelated   e is normal and remembers: e(t) = phi e(t-1) + sqrt(1 - phi^2) noise, phi 0.5
outliers         e is normal, and one value in ten takes 1.3 to 3 times as long
polled           e is normal, and values are rounded to POLL_S, as who polls sees them
"""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from history.baseline.ranks import Floats

LEVEL_S = 120.0
MEMORY = 0.5
LEAST = 0.1
POLL_S = 4.0

Noise = Callable[[np.random.Generator, int, int], Floats]


def normal(random: np.random.Generator, count: int, length: int) -> Floats:
    """Return independent normal noise."""
    return random.standard_normal((count, length))


def heavy_tailed(random: np.random.Generator, count: int, length: int) -> Floats:
    """Return independent noise with Student's t of 3 degrees of freedom, of deviation 1."""
    tailed: Floats = random.standard_t(3, (count, length)) / sqrt(3)
    return tailed


def remembering(phi: float) -> Noise:
    """Return the noise of an autoregression of first order, of deviation 1."""

    def noise(random: np.random.Generator, count: int, length: int) -> Floats:
        fresh = random.standard_normal((count, length))
        fresh[:, 1:] *= sqrt(1 - phi**2)
        for place in range(1, length):
            fresh[:, place] += phi * fresh[:, place - 1]
        return fresh

    return noise


NOISES: dict[str, Noise] = {
    "normal": normal,
    "heavy-tailed": heavy_tailed,
    "autocorrelated": remembering(MEMORY),
    "outliers": normal,
    "polled": normal,
}


def histories(
    random: np.random.Generator,
    noise: str | Noise,
    variation: float,
    count: int,
    length: int,
) -> Floats:
    """Return so many histories of durations in seconds, from old to new, on one level."""
    make = NOISES[noise] if isinstance(noise, str) else noise
    values = LEVEL_S * np.maximum(LEAST, 1 + variation * make(random, count, length))
    if noise == "outliers":
        late = random.random(values.shape) < 0.1
        values = np.where(late, values * random.uniform(1.3, 3.0, values.shape), values)
    if noise == "polled":
        values = np.maximum(1, np.round(values / POLL_S)) * POLL_S
    unchanged: Floats = values
    return unchanged


def stepped(values: Floats, places: NDArray[np.int64], effect: float) -> Floats:
    """Return histories whose values are (1 + effect) times as large from each one's place on."""
    after = np.arange(values.shape[1]) >= places[:, None]
    changed: Floats = np.where(after, values * (1 + effect), values)
    return changed

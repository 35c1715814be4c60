"""The evidence for a step at each place of a history, if noise has a memory. Pure.

The model is y(t) = level + step from a place on + u(t), u(t) = phi u(t-1) + noise. For each phi of
a grid, history and step are made free of memory (Cochrane and Orcutt, the first value after Prais
and Winsten), and the step fitted by least squares. Likelihoods with and without the step are each
averaged over phi, under a prior; what is returned is twice the difference of their logs.

Slow for a week and well again is no step, and noise that remembers explains it well. So windows of
the history are searched too (seeded binary segmentation), and have to show more the more there are.
"""

from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np

from history.baseline.logs import deviation_of_rest
from history.baseline.ranks import Floats

PHIS = np.arange(0.0, 0.91, 0.1)
# Normal(0.2, 0.2) on the memory: twenty runs tell little of it; most work remembers a little (a
# warm card, a busy disk), hardly any much.
PRIOR_MEMORY, PRIOR_DEVIATION = 0.2, 0.2
WINDOW = 7
CLIP = 3.0
# Durations are polled and rounded: below a thousandth nothing is noise.
LEAST_NOISE = 1e-3
# The shortest windows that are searched; others are twice as long, and so on.
SHORTEST_WINDOW = 20
# What a window's evidence is lowered by for each e-fold of windows: keeps chance where it was.
PER_WINDOWS = 6.0


@dataclass(frozen=True, slots=True)
class Clearest:
    """The clearest step of a history: the index of its first value, and how clear it is.

    `score` is the evidence less what the number of windows costs. Before and after are its values
    on either side, within the window that showed it; it may lie anywhere from earliest to latest.
    """

    index: int
    score: float
    before: Floats
    after: Floats
    earliest: int
    latest: int


def clearest(logs: Floats, shortest: int, dating: float) -> list[Clearest]:
    """Return the clearest step of each row, with at least `shortest` values on either side.

    Places with no more than `dating` less evidence than the best one may be the true one as well.
    """
    best: list[Clearest | None] = [None] * len(logs)
    for starts, length, cost in windows(logs.shape[-1]):
        parts = logs[:, np.asarray(starts)[:, None] + np.arange(length)]
        evidence = scan(without_outliers(parts), shortest)
        highest = evidence.max(axis=-1)
        for row, window in enumerate(highest.argmax(axis=-1)):
            score, known = float(highest[row, window]) - cost, best[row]
            if known is None or score > known.score:
                shown = evidence[row, window], logs[row], starts[window], length
                best[row] = _placed(*shown, score, shortest, dating)
    return [step for step in best if step is not None]


def _placed(
    evidence: Floats,
    logs: Floats,
    start: int,
    length: int,
    score: float,
    shortest: int,
    dating: float,
) -> Clearest:
    first = start + shortest
    index = first + int(evidence.argmax())
    likely = np.flatnonzero(evidence >= evidence.max() - dating)
    before, after = logs[start:index], logs[index : start + length]
    return Clearest(index, score, before, after, first + int(likely[0]), first + int(likely[-1]))


@cache
def windows(n: int) -> tuple[tuple[tuple[int, ...], int, float], ...]:
    """Return starts, length and cost of what is searched in n values: all of them, and windows.

    Windows of a length overlap by half, so that each place lies well inside one.
    """
    lengths: list[int] = []
    while SHORTEST_WINDOW * 2 ** len(lengths) < n:
        lengths.append(SHORTEST_WINDOW * 2 ** len(lengths))
    searched = [((0,), n, 0.0)]
    for length in lengths:
        starts = tuple(sorted({*range(0, n - length + 1, length // 2), n - length}))
        searched.append((starts, length, PER_WINDOWS * log(len(starts) * len(lengths))))
    return tuple(searched)


def without_outliers(logs: Floats) -> Floats:
    """Return rows in which no value lies more than CLIP deviations from its neighbours' median.

    Hampel's filter, drawing in and not replacing; a step passes a running median unharmed.
    """
    wide = np.pad(logs, [(0, 0)] * (logs.ndim - 1) + [(WINDOW // 2, WINDOW // 2)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(wide, WINDOW, axis=-1)
    middle = np.median(windows, axis=-1)
    limit = CLIP * np.maximum(1.2 * deviation_of_rest(logs - middle), LEAST_NOISE)
    drawn_in: Floats = np.clip(logs, middle - limit, middle + limit)
    return drawn_in


def scan(logs: Floats, shortest: int, phis: Floats = PHIS) -> Floats:
    """Return the evidence for a step before each value from `shortest` to n - `shortest`.

    Rows in, rows out; their lengths are at least twice `shortest`.
    """
    n = logs.shape[-1]
    places = np.arange(shortest, n - shortest + 1)
    steps = (np.arange(n) >= places[:, None]).astype(float)
    fits = [_fit(logs, steps, phi) for phi in phis.tolist()]
    without = _averaged(np.stack([flat for flat, _ in fits]))
    evidence: Floats = without[..., None] - _averaged(np.stack([step for _, step in fits]))
    return evidence


def _averaged(fits: Floats) -> Floats:
    """Return -2 log of the mean of what is given as -2 log, along the first axis.

    The best one is taken out first: exp() of the others is then at most 1.
    """
    best = fits.min(axis=0)
    mean: Floats = best - 2 * np.log(np.exp((best - fits) / 2).mean(axis=0))
    return mean


def _fit(logs: Floats, steps: Floats, phi: float) -> tuple[Floats, Floats]:
    """Return -2 log posterior of rows for one phi: without a step, and with each of the steps."""
    n = logs.shape[-1]
    level = _whitened(np.ones(n), phi)
    level /= np.sqrt(level @ level)
    rest, bent = (_without(_whitened(rows, phi), level) for rows in (logs, steps))
    bent /= np.sqrt((bent * bent).sum(axis=-1, keepdims=True))
    power = (rest * rest).sum(axis=-1) + n * LEAST_NOISE**2
    explained = (rest @ bent.T) ** 2
    penalty = ((phi - PRIOR_MEMORY) / PRIOR_DEVIATION) ** 2 - np.log(1 - phi**2)
    return (
        n * np.log(power) + penalty,
        n * np.log(power[..., None] - explained) + penalty,
    )


def _whitened(rows: Floats, phi: float) -> Floats:
    white = rows.copy()
    white[..., 1:] -= phi * rows[..., :-1]
    white[..., 0] *= np.sqrt(1 - phi**2)
    return white


def _without(rows: Floats, direction: Floats) -> Floats:
    along: Floats = rows - (rows @ direction)[..., None] * direction
    return along

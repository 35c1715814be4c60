"""Whether work takes longer or shorter lately: the last runs against those before them. Pure.

A verdict is stated only where the shift is beyond what matters (the practical threshold) and its
interval, from the rank test and widened for the memory that runs have, leaves out no shift at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import expm1, isnan, log1p

import numpy as np

from history.baseline.confidence import (
    Level,
    confidence_of,
    confidence_within,
    error_of_means,
    level_of,
)
from history.baseline.ladder import ENOUGH, SIZE
from history.baseline.logs import logs_of, spread_of
from history.baseline.memory import memory_of, widening
from history.baseline.ranks import Floats, shifts

# What matters: a tenth.
THRESHOLD = 0.10
LEVEL = 0.99
# The last so many runs are "lately".
RECENT = 8
# Fewer are no trend.
FEWEST_RECENT = 3

Values = Sequence[float | None]


class Verdict(StrEnum):
    """Where a figure goes; `unclear` is a difference that may be chance."""

    IMPROVING = "improving"
    DEGRADING = "degrading"
    STABLE = "stable"
    UNCLEAR = "unclear"
    NOT_COMPARABLE = "cannot be compared"


class Why(StrEnum):
    """Why nothing is asserted."""

    NOTHING = "there is nothing to compare with"
    UNLIKE = "only similar work is on record"
    FEW = "there are too few runs"
    NOISE = "runs vary too much to tell"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a judgement goes by: which way is better, what matters, and how sure it has to be.

    `threshold` is a relative change, or one of shares where `in_shares`; `allowance` is a log ratio
    added to it, for scaled baselines.
    """

    less_is_better: bool = True
    threshold: float = THRESHOLD
    level: float = LEVEL
    allowance: float = 0.0
    in_shares: bool = False

    @property
    def limit(self) -> float:
        """Return the shift from which on it matters: a log ratio, or a difference of shares."""
        return self.threshold if self.in_shares else log1p(self.threshold) + self.allowance

    def verdict(self, shift: float) -> Verdict:
        """Return which way a shift goes."""
        return Verdict.IMPROVING if (shift < 0) == self.less_is_better else Verdict.DEGRADING


DEFAULT = Rules()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it rests on.

    `change` is the relative shift of the last `recent` runs against the `n` before them (0.18: 18 %
    more), `low` and `high` its interval at the level asked for, None where there are too few runs
    for one. `cliff` is the effect size, -1..1; `p` that of the rank test as if runs were
    independent; `memory` their autocorrelation, for which the interval was widened.
    """

    verdict: Verdict
    n: int
    recent: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    cliff: float | None = None
    p: float | None = None
    memory: float | None = None
    confidence: int = 0
    why: Why | None = None

    @property
    def level(self) -> Level:
        """Return the confidence in a word."""
        return level_of(self.confidence, self.n)


def split(
    values: Values, recent: int = RECENT, size: int = SIZE
) -> tuple[list[float], list[float]]:
    """Return the last values and those before them, of a history that runs from old to new.

    Missing values are left out, not counted as 0. Of fewer than twice `recent`, half are the last.
    """
    known = [value for value in values if value is not None and not isnan(value)]
    cut = len(known) - min(recent, len(known) // 2)
    return known[cut:], known[max(0, cut - size) : cut]


def trend_of(values: Values, rules: Rules = DEFAULT) -> Judgement:
    """Judge the last RECENT values of a history, from old to new, against SIZE before them."""
    return judge(*split(values), rules)


def judge(recent: Sequence[float], before: Sequence[float], rules: Rules = DEFAULT) -> Judgement:
    """Judge values against those before them, both from old to new, all positive."""
    return judge_all([(recent, before)], rules)[0]


def judge_all(
    pairs: Iterable[tuple[Sequence[float], Sequence[float]]], rules: Rules = DEFAULT
) -> list[Judgement]:
    """Judge many pairs of recent and earlier values, those of equal lengths at once."""
    wanted = [(tuple(recent), tuple(before)) for recent, before in pairs]
    by_shape: dict[tuple[int, int], list[int]] = {}
    for place, (recent, before) in enumerate(wanted):
        by_shape.setdefault((len(recent), len(before)), []).append(place)
    judged: dict[int, Judgement] = {}
    for (m, n), places in by_shape.items():
        if not m or not n:
            nothing = Judgement(Verdict.NOT_COMPARABLE, n, m, why=Why.NOTHING)
            judged.update(dict.fromkeys(places, nothing))
            continue
        recents = logs_of([wanted[place][0] for place in places])
        befores = logs_of([wanted[place][1] for place in places])
        judged.update(zip(places, judge_logs(recents, befores, rules), strict=True))
    return [judged[place] for place in range(len(wanted))]


def judge_logs(recent: Floats, before: Floats, rules: Rules = DEFAULT) -> list[Judgement]:
    """Judge rows of logarithms, (rows, m) against (rows, n), each from old to new."""
    found = shifts(recent, before, rules.level)
    memory = memory_of(recent, before)
    wider = widening(memory, recent.shape[-1], before.shape[-1])
    low = found.center - (found.center - found.low) * wider
    high = found.center + (found.high - found.center) * wider
    rest = error_of_means(1.0, recent.shape[-1], before.shape[-1]) * wider * spread_of(before)
    columns = (found.center, low, high, found.cliff, found.p, memory, rest)
    sizes = recent.shape[-1], before.shape[-1]
    return [_judged(_Row(*row), *sizes, rules) for row in np.stack(columns, axis=-1).tolist()]


@dataclass(frozen=True, slots=True)
class _Row:
    """What was reckoned of one pair; `error` is for where the rank test gives no interval."""

    center: float
    low: float
    high: float
    cliff: float
    p: float
    memory: float
    error: float


def _judged(row: _Row, m: int, n: int, rules: Rules) -> Judgement:
    known = not isnan(row.low)
    enough = n >= ENOUGH and m >= FEWEST_RECENT
    interval = (row.low, row.high) if known else None
    verdict, why = decided(row.center, interval, enough, rules)
    return Judgement(
        verdict,
        n,
        m,
        expm1(row.center),
        expm1(row.low) if known else None,
        expm1(row.high) if known else None,
        row.cliff,
        row.p,
        row.memory,
        surely(row.center, interval, row.error, n, rules),
        why,
    )


def decided(
    shift: float, interval: tuple[float, float] | None, enough: bool, rules: Rules
) -> tuple[Verdict, Why | None]:
    """Return the verdict on a shift: only one that matters and is certain is asserted."""
    if abs(shift) < rules.limit:
        return Verdict.STABLE, None
    if not enough or interval is None:
        return Verdict.UNCLEAR, Why.FEW
    if interval[0] <= 0 <= interval[1]:
        return Verdict.UNCLEAR, Why.NOISE
    return rules.verdict(shift), None


def surely(
    shift: float, interval: tuple[float, float] | None, error: float, n: int, rules: Rules
) -> int:
    """Return the confidence in a verdict on a shift; by its error where there is no interval."""
    if interval is None:
        return confidence_of(shift, error, rules.limit, abs(shift) >= rules.limit, n)
    return confidence_within(shift, interval, rules.level, rules.limit, n)

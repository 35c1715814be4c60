"""How one run or scene stands against its baseline: as usual, or not. Pure.

One value has no rank test: among twenty it is the largest in one of twenty-one cases by mere
chance. What is usual is told by the baseline's median and spread instead.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, log

from history.baseline.confidence import Level, confidence_of, error_of_means, level_of
from history.baseline.ladder import ENOUGH, Baseline
from history.baseline.logs import logs_of, spread_of
from history.baseline.verdict import DEFAULT, Rules, Verdict, Why


class Standing(StrEnum):
    """Where one value lies."""

    USUAL = "as usual"
    BETTER = "better than usual"
    WORSE = "worse than usual"
    UNCLEAR = "unclear"
    UNKNOWN = "cannot be compared"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A value against its baseline's median, in the metric's unit; `change` is relative to it.

    What lies between `low` and `high` is usual. `z` is the distance in spreads of the baseline.
    None: unknown. `n` is the baseline's.
    """

    standing: Standing
    n: int
    delta: float | None = None
    change: float | None = None
    z: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: int = 0
    why: Why | None = None

    @property
    def level(self) -> Level:
        """Return the confidence in a word."""
        return level_of(self.confidence, self.n)


def unusual_from(n: int) -> float:
    """Return how many spreads away from the median of n values is unusual.

    3 of many, 5.4 of five: so that heavy-tailed noise is called unusual in at most 4 % of runs
    (docs/statistics.md).
    """
    return 3 * (1 + 20 / n**2)


def deviation_of(value: float | None, baseline: Baseline, rules: Rules = DEFAULT) -> Deviation:
    """Return how a value stands against its baseline."""
    return deviations_of([(value, baseline)], rules)[0]


def deviations_of(
    pairs: Sequence[tuple[float | None, Baseline]], rules: Rules = DEFAULT
) -> list[Deviation]:
    """Return how each value stands against its baseline.

    Baselines of one size are reckoned together: numpy takes as long for twenty numbers as for
    thousands.
    """
    of_size: defaultdict[int, list[int]] = defaultdict(list)
    for place, (value, baseline) in enumerate(pairs):
        if value is not None and 0 < value < inf and baseline.n:
            of_size[baseline.n].append(place)
    spreads: dict[int, float] = {}
    for places in of_size.values():
        found = spread_of(logs_of([pairs[place][1].values for place in places]))
        spreads.update(zip(places, found.tolist(), strict=True))
    return [
        _deviation(value or 0.0, baseline, spreads[place], rules)
        if place in spreads
        else Deviation(Standing.UNKNOWN, baseline.n, why=Why.NOTHING)
        for place, (value, baseline) in enumerate(pairs)
    ]


def _deviation(value: float, baseline: Baseline, spread: float, rules: Rules) -> Deviation:
    middle = baseline.median or 0.0
    rules = _with_allowance(rules, baseline)
    away = log(value / middle)
    noise = unusual_from(baseline.n) * spread
    usual = max(rules.limit, noise) if baseline.n > 1 else rules.limit
    standing, why = _standing(away, usual, baseline, rules)
    error = error_of_means(spread, 1, baseline.n)
    return Deviation(
        standing,
        baseline.n,
        value - middle,
        value / middle - 1,
        _in_spreads(away, spread),
        middle * exp(-usual),
        middle * exp(usual),
        confidence_of(away, error, rules.limit, standing is not Standing.USUAL, baseline.n),
        why,
    )


def _with_allowance(rules: Rules, baseline: Baseline) -> Rules:
    return Rules(rules.less_is_better, rules.threshold, rules.level, baseline.allowance)


def _standing(
    away: float, usual: float, baseline: Baseline, rules: Rules
) -> tuple[Standing, Why | None]:
    if not baseline.judges:
        return Standing.UNKNOWN, Why.UNLIKE
    if abs(away) < usual:
        return Standing.USUAL, None
    if baseline.n < ENOUGH:
        return Standing.UNCLEAR, Why.FEW
    worse = rules.verdict(away) is Verdict.DEGRADING
    return Standing.WORSE if worse else Standing.BETTER, None


def _in_spreads(away: float, spread: float) -> float | None:
    if spread != spread:
        return None
    if spread == 0:
        return 0.0 if away == 0 else inf if away > 0 else -inf
    return away / spread

"""Success rates: their intervals, and whether they change. Pure.

A rate is a share of scenes that were tried, never without n. 5 of 5 is not 100 % for sure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from statistics import NormalDist

from history.baseline.confidence import Level, level_of
from history.baseline.ladder import ENOUGH
from history.baseline.verdict import Rules, Verdict, Why, decided, surely
from telemetry.words import Outcome

# What matters: ten points.
RULES = Rules(less_is_better=False, threshold=0.10, in_shares=True)
SHOWN_LEVEL = 0.95
# Yes and no tell less than a duration does: four times as many make a trend.
RECENT, BEFORE = 20, 80
# What was never tried, taken back or lost from sight says nothing of success.
TRIED = frozenset({Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED, Outcome.TIMEOUT})


@dataclass(frozen=True, slots=True)
class Rate:
    """So many successes of so many tried, the share 0..1, and Wilson's interval of it.

    Share and interval are None where nothing was tried.
    """

    successes: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RateJudgement:
    """Whether the rate of the last `recent` tries differs from that of the `n` before them.

    `change` is in shares, recent less before (-0.1: ten points less), with Newcombe's interval.
    """

    verdict: Verdict
    n: int
    recent: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: int = 0
    why: Why | None = None

    @property
    def level(self) -> Level:
        """Return the confidence in a word."""
        return level_of(self.confidence, self.n)


def rate_of(outcomes: Iterable[Outcome | None], level: float = SHOWN_LEVEL) -> Rate:
    """Return the success rate of outcomes; what is open or was not tried does not count."""
    tried = [outcome for outcome in outcomes if outcome in TRIED]
    return rate(sum(outcome is Outcome.SUCCESS for outcome in tried), len(tried), level)


def rate(successes: int, n: int, level: float = SHOWN_LEVEL) -> Rate:
    """Return a rate with Wilson's score interval."""
    if not n:
        return Rate(0, 0, None, None, None)
    low, high = wilson(successes, n, level)
    return Rate(successes, n, successes / n, low, high)


def wilson(successes: int, n: int, level: float = SHOWN_LEVEL) -> tuple[float, float]:
    """Return Wilson's score interval (1927) of a share, without a continuity correction."""
    z, share = _z(level), successes / n
    middle = share + z**2 / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    low = (middle - half) / scale if successes else 0.0
    return low, (middle + half) / scale if successes < n else 1.0


def newcombe(
    first: tuple[int, int], second: tuple[int, int], level: float = SHOWN_LEVEL
) -> tuple[float, float]:
    """Return the interval of the difference of two shares, each (successes, n).

    Newcombe (1998), method 10: the squares of the distances to both Wilson intervals' ends.
    """
    (p, q), ((p_low, p_high), (q_low, q_high)) = (
        (first[0] / first[1], second[0] / second[1]),
        (wilson(*first, level), wilson(*second, level)),
    )
    below = sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    above = sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return p - q - below, p - q + above


def rate_trend_of(outcomes: Sequence[Outcome | None], rules: Rules = RULES) -> RateJudgement:
    """Judge the last RECENT tries of a history, from old to new, against BEFORE before them."""
    tried = [outcome is Outcome.SUCCESS for outcome in outcomes if outcome in TRIED]
    cut = len(tried) - min(RECENT, len(tried) // 2)
    recent, before = tried[cut:], tried[max(0, cut - BEFORE) : cut]
    return judge_rates((sum(recent), len(recent)), (sum(before), len(before)), rules)


def judge_rates(
    recent: tuple[int, int], before: tuple[int, int], rules: Rules = RULES
) -> RateJudgement:
    """Judge (successes, n) of the last tries against those before them.

    As with durations both have to hold: the change matters, and its interval leaves out none.
    """
    if not recent[1] or not before[1]:
        return RateJudgement(Verdict.NOT_COMPARABLE, before[1], recent[1], why=Why.NOTHING)
    # Shares of tenths are no binary fractions: 0.9 - 0.8 is a little less than 0.1.
    change = round(recent[0] / recent[1] - before[0] / before[1], 12)
    interval = newcombe(recent, before, rules.level)
    enough = min(before[1], recent[1]) >= ENOUGH
    verdict, why = decided(change, interval, enough, rules)
    sure = surely(change, interval, nan, before[1], rules)
    return RateJudgement(verdict, before[1], recent[1], change, *interval, sure, why)


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)

"""Success rates: intervals against scipy and Newcombe's own table, and whether they change."""

import pytest
from scipy import stats

from history.baseline.confidence import Level
from history.baseline.proportions import judge_rates, newcombe, rate, rate_of, rate_trend_of, wilson
from history.baseline.verdict import Verdict, Why
from telemetry.words import Outcome

OK, BAD = Outcome.SUCCESS, Outcome.FAILED


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 1), (0, 20), (1, 29), (15, 148), (81, 263), (7, 7)]
)
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_its_interval_is_wilsons(successes, n, level):
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")

    assert wilson(successes, n, level) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "interval"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(first, second, interval):
    assert newcombe(first, second) == pytest.approx(interval, abs=5e-5)


def test_five_of_five_is_not_a_hundred_percent_for_sure():
    five = rate(5, 5)

    assert (five.share, five.high) == (1.0, 1.0)
    assert five.low == pytest.approx(0.5655, abs=1e-4)


def test_only_what_was_tried_counts():
    outcomes = [OK, OK, BAD, Outcome.PARTIAL, Outcome.TIMEOUT]
    untried = [None, Outcome.SKIPPED, Outcome.CANCELLED, Outcome.LOST]

    assert rate_of([*outcomes, *untried]) == rate(2, 5)


def test_of_nothing_tried_there_is_no_rate():
    assert rate_of([Outcome.SKIPPED]) == rate(0, 0)
    assert rate(0, 0).share is None


@pytest.mark.parametrize("count", [2, 3, 5, 10, 40, 200])
def test_a_flat_history_of_a_hundred_percent_is_stable(count):
    judgement = rate_trend_of([OK] * count)

    assert (judgement.verdict, judgement.change) == (Verdict.STABLE, 0)


def test_two_recent_failures_are_no_improvement():
    assert rate_trend_of([*[OK] * 98, BAD, BAD]).verdict is not Verdict.IMPROVING


def test_it_says_where_success_goes():
    fine, poor = [OK] * 80, [OK, BAD] * 10

    assert rate_trend_of([*fine, *poor]).verdict is Verdict.DEGRADING
    assert rate_trend_of([*[OK, BAD] * 40, *[OK] * 20]).verdict is Verdict.IMPROVING


def test_a_change_that_may_be_chance_is_unclear():
    judgement = judge_rates((8, 10), (38, 40))

    assert (judgement.verdict, judgement.why) == (Verdict.UNCLEAR, Why.NOISE)


def test_a_change_of_ten_points_matters():
    assert judge_rates((8_000, 10_000), (9_000, 10_000)).verdict is Verdict.DEGRADING
    assert judge_rates((8_100, 10_000), (9_000, 10_000)).verdict is Verdict.STABLE


def test_four_tries_are_low_and_assert_nothing():
    judgement = judge_rates((0, 4), (4, 4))

    assert (judgement.verdict, judgement.why) == (Verdict.UNCLEAR, Why.FEW)
    assert judgement.level is Level.LOW


def test_with_nothing_tried_it_cannot_be_compared():
    assert rate_trend_of([]).verdict is Verdict.NOT_COMPARABLE
    assert rate_trend_of([OK]).verdict is Verdict.NOT_COMPARABLE


def test_more_tries_make_it_surer():
    assert judge_rates((90, 100), (360, 400)).confidence > judge_rates((9, 10), (36, 40)).confidence

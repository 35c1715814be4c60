"""Where a figure goes."""

from math import nan

import pytest

from history.baseline.confidence import Level
from history.baseline.verdict import Rules, Verdict, Why, judge, judge_all, split, trend_of

STEADY = [100.0, 103.0, 98.0, 101.0, 97.0, 102.0, 99.0]
BEFORE = (STEADY * 3)[:20]


def lately(factor, count=8):
    return [value * factor for value in (STEADY * 2)[:count]]


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.3, Verdict.DEGRADING), (1 / 1.3, Verdict.IMPROVING), (1.0, Verdict.STABLE)],
)
def test_it_says_where_durations_go(factor, verdict):
    judgement = judge(lately(factor), BEFORE)

    assert judgement.verdict is verdict
    assert judgement.change == pytest.approx(factor - 1, abs=0.02)
    assert judgement.low < judgement.change < judgement.high


def test_more_may_be_better():
    rules = Rules(less_is_better=False)

    assert judge(lately(1.3), BEFORE, rules).verdict is Verdict.IMPROVING
    assert judge(lately(1 / 1.3), BEFORE, rules).verdict is Verdict.DEGRADING


def test_what_does_not_matter_is_stable_however_certain():
    judgement = judge(lately(1.08), BEFORE)

    assert judgement.low > 0
    assert judgement.verdict is Verdict.STABLE


def test_the_threshold_is_a_setting():
    assert judge(lately(1.08), BEFORE, Rules(threshold=0.05)).verdict is Verdict.DEGRADING
    assert judge(lately(1.3), BEFORE, Rules(threshold=0.5)).verdict is Verdict.STABLE


def test_a_scaled_baseline_has_to_be_left_further_behind():
    assert judge(lately(1.2), BEFORE, Rules(allowance=0.2)).verdict is Verdict.STABLE


def test_what_may_be_chance_is_unclear():
    wild = [60.0, 140.0, 95.0, 180.0, 70.0, 120.0, 50.0, 160.0, 85.0, 110.0]

    judgement = judge([value * 1.25 for value in wild[:8]], wild * 2)

    assert (judgement.verdict, judgement.why) == (Verdict.UNCLEAR, Why.NOISE)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fewer_than_five_runs_before_are_low_and_assert_nothing(count):
    judgement = judge(lately(1.5), BEFORE[:count])

    assert (judgement.verdict, judgement.why) == (Verdict.UNCLEAR, Why.FEW)
    assert (judgement.n, judgement.level) == (count, Level.LOW)
    assert judgement.confidence < 60


def test_two_runs_are_no_trend():
    assert judge(lately(1.5, 2), BEFORE).verdict is Verdict.UNCLEAR


def test_with_nothing_before_it_cannot_be_compared():
    judgement = judge(lately(1.5), [])

    assert (judgement.verdict, judgement.why) == (Verdict.NOT_COMPARABLE, Why.NOTHING)
    assert (judgement.change, judgement.confidence) == (None, 0)


def test_an_unchanged_history_is_stable_and_surely_so():
    judgement = trend_of([124.8] * 28)

    assert (judgement.verdict, judgement.change, judgement.confidence) == (Verdict.STABLE, 0, 99)


def test_the_last_values_are_the_newest():
    assert trend_of([*BEFORE, *lately(1.3)]).verdict is Verdict.DEGRADING
    assert trend_of([*lately(1.3), *BEFORE]).verdict is Verdict.STABLE


def test_one_slow_run_is_no_trend():
    assert trend_of([*BEFORE, *lately(1.0, 7), 400.0]).verdict is Verdict.STABLE


def test_missing_values_are_left_out_and_not_zero():
    history = [*BEFORE, *lately(1.3)]
    holes = [value for pair in zip(history, [None, nan] * 14, strict=True) for value in pair]

    assert trend_of(holes) == trend_of(history)


@pytest.mark.parametrize("value", [0.0, -3.0, float("inf")])
def test_it_refuses_values_that_have_no_ratio(value):
    with pytest.raises(ValueError, match="positive"):
        judge([value], BEFORE)


@pytest.mark.parametrize(
    ("length", "sizes"), [(0, (0, 0)), (1, (0, 1)), (9, (4, 5)), (60, (8, 20))]
)
def test_it_splits_a_history(length, sizes):
    recent, before = split(list(range(1, length + 1)))

    assert (len(recent), len(before)) == sizes
    assert before + recent == list(range(length - sum(sizes) + 1, length + 1))


def test_many_are_judged_as_one_by_one():
    pairs = [
        (lately(1.3), BEFORE),
        (lately(1.0, 4), BEFORE[:9]),
        ([], BEFORE),
        (lately(0.7), BEFORE),
    ]

    assert judge_all(pairs) == [judge(*pair) for pair in pairs]


def test_narrower_intervals_make_it_surer():
    wide = [value + (value - 100) * 4 for value in BEFORE]
    wide_lately = [value + (value - 100) * 4 for value in lately(1.0)]

    assert judge(lately(1.0), BEFORE).confidence > judge(wide_lately, wide).confidence


def test_more_runs_make_it_surer():
    wild = [70.0, 130.0, 95.0, 118.0, 84.0, 104.0]
    few, many = judge(wild[:4], wild), judge(wild * 2, wild * 4)

    assert many.confidence > few.confidence


def test_the_confidence_of_a_change_is_that_it_matters():
    just, clearly = judge(lately(1.11), BEFORE), judge(lately(1.3), BEFORE)

    assert (just.verdict, just.level) == (Verdict.DEGRADING, Level.MEDIUM)
    assert clearly.level is Level.HIGH

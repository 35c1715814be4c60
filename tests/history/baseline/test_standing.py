"""One run against its baseline."""

import pytest

from history.baseline.confidence import Level
from history.baseline.ladder import Baseline, Rung
from history.baseline.standing import Standing, deviation_of, deviations_of, unusual_from
from history.baseline.verdict import Rules, Why

USUAL = (60.0, 62.0, 59.0, 61.0, 63.0, 58.0, 60.5, 61.5, 59.5, 62.5)


def against(value, values=USUAL, rung=Rung.EXACT, rules=None, allowance=0.0):
    return deviation_of(value, Baseline(rung, values, allowance=allowance), rules or Rules())


@pytest.mark.parametrize(
    ("value", "standing"),
    [(60.0, Standing.USUAL), (96.0, Standing.WORSE), (40.0, Standing.BETTER)],
)
def test_it_says_how_a_run_stands(value, standing):
    deviation = against(value)

    assert deviation.standing is standing
    assert deviation.delta == pytest.approx(value - 60.75)
    assert deviation.n == 10


def test_more_may_be_better():
    assert against(96.0, rules=Rules(less_is_better=False)).standing is Standing.BETTER


def test_what_is_usual_has_bounds_and_beyond_them_it_is_not():
    bounds = against(60.0)

    assert against(bounds.low * 1.001).standing is Standing.USUAL
    assert against(bounds.high * 0.999).standing is Standing.USUAL
    assert against(bounds.low * 0.999).standing is Standing.BETTER
    assert against(bounds.high * 1.001).standing is Standing.WORSE


def test_noise_makes_more_usual():
    noisy = tuple(60 + 4 * (value - 60) for value in USUAL)

    assert against(75.0).standing is Standing.WORSE
    assert against(75.0, noisy).standing is Standing.USUAL


def test_a_time_that_came_up_before_is_usual_though_most_were_equal():
    assert against(80.0, (60.0, 60.0, 60.0, 80.0, 80.0)).standing is Standing.USUAL


def test_what_does_not_matter_is_usual_however_far_in_spreads():
    deviation = against(64.0, (60.0,) * 20)

    assert (deviation.standing, deviation.z) == (Standing.USUAL, float("inf"))


def test_one_slow_run_in_the_baseline_hides_nothing():
    assert against(96.0, (*USUAL, 300.0)).standing is Standing.WORSE


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_fewer_than_five_are_low_and_assert_nothing(count):
    deviation = against(96.0, USUAL[:count])

    assert (deviation.standing, deviation.why) == (Standing.UNCLEAR, Why.FEW)
    assert deviation.level is Level.LOW


def test_similar_work_is_no_measure_but_its_figures_are_told():
    deviation = against(96.0, rung=Rung.FAMILY)

    assert (deviation.standing, deviation.why) == (Standing.UNKNOWN, Why.UNLIKE)
    assert deviation.delta == pytest.approx(96.0 - 60.75)


def test_a_scaled_baseline_allows_for_its_error():
    assert against(75.0).standing is Standing.WORSE
    assert against(75.0, allowance=0.2, rung=Rung.SCALED).standing is Standing.USUAL


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_without_a_value_it_cannot_be_compared(value):
    assert against(value).standing is Standing.UNKNOWN
    assert against(value).delta is None


def test_without_a_baseline_it_cannot_be_compared():
    deviation = deviation_of(60.0, Baseline())

    assert (deviation.standing, deviation.why, deviation.n) == (Standing.UNKNOWN, Why.NOTHING, 0)


def test_few_runs_need_more_to_be_unusual():
    assert unusual_from(5) == pytest.approx(5.4)
    assert unusual_from(20) == pytest.approx(3.15)


def test_many_are_told_as_each_by_itself():
    few = Baseline(Rung.EXACT, USUAL[:6])
    scaled = Baseline(Rung.SCALED, tuple(2 * value for value in USUAL), allowance=0.1)
    pairs = [
        *((96.0, Baseline(Rung.EXACT, USUAL)), (61.0, few), (None, few), (0.0, few)),
        *((60.0, Baseline()), (40.0, scaled), (60.0, Baseline(Rung.EXACT, (60.0,)))),
    ]

    told = deviations_of(pairs)

    assert told == [deviation_of(value, baseline) for value, baseline in pairs]
    assert [one.standing for one in told[:3]] == ["worse than usual", "as usual", Standing.UNKNOWN]

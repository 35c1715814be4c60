"""Since when work takes longer or shorter."""

from datetime import timedelta

import numpy as np
import pytest

from benchmarks._verdicts.histories import histories, stepped
from history.baseline.change_points import EnvironmentChange, clearest_steps, steps_of
from history.baseline.step_scan import scan, without_outliers
from history.baseline.verdict import Rules, Verdict
from tests.history.baseline.works import BEGAN

STEADY = [100.0, 103.0, 98.0, 101.0, 97.0, 102.0, 99.0]


def steady(count, factor=1.0):
    return [value * factor for value in (STEADY * count)[:count]]


def hours(count):
    return [BEGAN + timedelta(hours=number) for number in range(count)]


def test_it_dates_a_step():
    (step,) = steps_of([*steady(20), *steady(20, 1.2)])

    assert step.index == 20
    assert step.earliest <= 20 <= step.latest
    assert step.verdict is Verdict.DEGRADING
    assert step.low < 0.2 < step.high


def test_an_improvement_is_one():
    (step,) = steps_of([*steady(20, 1.25), *steady(20)])

    assert (step.verdict, step.index) == (Verdict.IMPROVING, 20)
    assert step.change == pytest.approx(-0.2, abs=0.02)


def test_more_may_be_better():
    (step,) = steps_of([*steady(20), *steady(20, 1.2)], rules=Rules(less_is_better=False))

    assert step.verdict is Verdict.IMPROVING


def test_what_does_not_matter_is_no_step():
    assert steps_of([*steady(40), *steady(40, 1.06)]) == []


@pytest.mark.parametrize(
    "values", [[], [60.0], steady(9), steady(4) + steady(5, 1.5), [124.8] * 40]
)
def test_without_a_step_or_enough_runs_there_is_none(values):
    assert steps_of(values) == []


def test_five_runs_on_a_new_level_are_enough():
    (step,) = steps_of([*steady(15), *steady(5, 1.3)])

    assert step.index == 15


@pytest.mark.parametrize("at", [3, 20, 30, 38])
def test_one_run_that_took_long_is_no_step(at):
    values = steady(40)
    values[at] = 900.0

    assert steps_of(values) == []


def test_outliers_do_not_move_the_date():
    values = [*steady(20), *steady(20, 1.2)]
    values[10], values[18], values[30] = 400.0, 20.0, 700.0

    (step,) = steps_of(values)

    assert step.index == 20


def test_it_finds_both_ends_of_a_bad_week():
    steps = steps_of([*steady(25), *steady(20, 1.3), *steady(25)])

    assert [(step.index, step.verdict) for step in steps] == [
        (25, Verdict.DEGRADING),
        (45, Verdict.IMPROVING),
    ]


def test_values_that_were_rounded_alike_have_a_clear_step():
    (step,) = steps_of([124.8] * 15 + [149.8] * 15)

    assert (step.index, step.earliest, step.latest) == (15, 15, 15)


def test_only_the_last_runs_count():
    values = [*steady(100, 2.0), *steady(550)]

    assert steps_of(values) == []


def test_an_index_counts_from_the_first_run_even_if_that_is_not_looked_at():
    (step,) = steps_of([*steady(500), *steady(100, 1.3)])

    assert step.index == 500


def test_it_names_what_changed_at_that_time():
    values, times = [*steady(20), *steady(20, 1.2)], hours(40)
    update = EnvironmentChange(times[19] + timedelta(minutes=30), "ComfyUI 0.3.49 → 0.3.50")
    others = [
        EnvironmentChange(times[5], "torch 2.4 → 2.5"),
        EnvironmentChange(times[35], "driver 550 → 560"),
    ]

    (step,) = steps_of(values, times, [*others, update])

    assert (step.last_before_at, step.first_after_at) == (times[19], times[20])
    assert step.environment == ("ComfyUI 0.3.49 → 0.3.50",)


def test_where_nothing_is_known_to_have_changed_it_names_nothing():
    (step,) = steps_of([*steady(20), *steady(20, 1.2)], hours(40))

    assert step.environment == ()


def test_of_several_changes_the_nearest_comes_first():
    random = np.random.default_rng(3)
    values = stepped(histories(random, "normal", 0.08, 1, 60), np.array([30]), 0.25)[0].tolist()
    times = hours(60)
    (step,) = steps_of(values, times)
    first, last = times[step.earliest - 1], times[step.latest]
    between = times[step.index - 1] + timedelta(minutes=1)
    changes = [EnvironmentChange(at, at.isoformat()) for at in (first, last, between)]

    (named,) = steps_of(values, times, changes)

    assert named.environment[0] == between.isoformat()
    assert len(named.environment) == len({first, last, between})


def test_times_belong_to_values():
    with pytest.raises(ValueError, match="39 times for 40 values"):
        steps_of(steady(40), hours(39))


def test_a_memory_of_the_noise_is_no_step():
    """Runs that drift and come back look like steps to whoever takes them for independent."""
    random = np.random.default_rng(8)
    drifting = np.log(histories(random, "autocorrelated", 0.15, 200, 40))

    evidence = scan(without_outliers(drifting), 5).max(axis=-1)

    assert np.mean(evidence > 15) < 0.12


def test_it_dates_a_fifth_among_twenty_runs_that_remember():
    """The least that twenty runs have to tell, and the most that they may tell by chance."""
    random = np.random.default_rng(9)
    places = random.integers(5, 16, 2_000)
    unchanged = histories(random, "autocorrelated", 0.05, 2_000, 20)
    unsteady = histories(random, "autocorrelated", 0.15, 2_000, 20)

    found, _ = clearest_steps(np.log(stepped(unchanged, places, 0.2)))
    by_chance, _ = clearest_steps(np.log(unsteady))

    assert np.mean(np.abs(found - places) <= 2) >= 0.95
    assert np.mean(~np.isnan(by_chance)) <= 0.05


def test_the_parts_of_a_history_show_as_much_as_the_whole():
    """Who cuts a history looks more often: a part of twenty runs is not asked for less."""
    random = np.random.default_rng(11)
    values = histories(random, "autocorrelated", 0.15, 400, 40)
    values[:, 20:] *= 3

    found = np.array([len(steps_of(row)) for row in values.tolist()])

    assert np.mean(found > 1) <= 0.06


def test_a_step_passes_the_filter_of_outliers_unharmed():
    values = np.log([[*steady(20), *steady(20, 1.5)]])

    assert without_outliers(values) == pytest.approx(values, abs=0.02)


def test_the_filter_draws_in_an_outlier():
    values = np.log([steady(20)])
    spiked = values.copy()
    spiked[0, 10] += 3

    assert without_outliers(spiked)[0, 10] < values[0].max() + 0.1


def test_the_evidence_without_memory_is_that_of_least_squares():
    """With phi 0 alone it is n log(RSS without / RSS with a step), the likelihood ratio."""
    random = np.random.default_rng(5)
    values = random.normal(4, 0.05, 30)
    flat = ((values - values.mean()) ** 2).sum()
    cut = 12
    parts = (values[:cut], values[cut:])
    split = sum(((part - part.mean()) ** 2).sum() for part in parts)

    evidence = scan(values, 5, phis=np.zeros(1))

    assert evidence[cut - 5] == pytest.approx(30 * np.log(flat / split), abs=0.02)

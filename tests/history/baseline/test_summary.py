"""The figures of a list."""

from math import nan
from statistics import mean, median, pstdev, stdev

import numpy as np
import pytest

from history.baseline.proportions import rate
from history.baseline.summary import insights, summary_of

VALUES = [61.0, 58.5, 64.2, 60.1, 59.9, 140.0, 62.3]


def test_its_figures_are_those_of_the_standard_library():
    summary = summary_of(VALUES)

    assert summary.n == 7
    assert summary.total == pytest.approx(sum(VALUES))
    assert summary.mean == pytest.approx(mean(VALUES))
    assert summary.median == pytest.approx(median(VALUES))
    assert summary.sd == pytest.approx(stdev(VALUES))
    assert summary.population_sd == pytest.approx(pstdev(VALUES))
    assert (summary.minimum, summary.maximum) == (58.5, 140.0)


def test_its_percentiles_are_interpolated():
    """As PostgreSQL's percentile_cont: of 1 to 11 the 90th is 10, of 1 to 10 it is 9.1."""
    assert summary_of(range(1, 12)).p95 == pytest.approx(10.5)
    assert summary_of(range(1, 12)).p90 == pytest.approx(10)
    assert summary_of(range(1, 11)).p90 == pytest.approx(9.1)


def test_missing_values_are_counted_and_not_zero():
    summary = summary_of([*VALUES, None, nan, float("inf")])

    assert summary.missing == 3
    assert (summary.n, summary.minimum) == (7, 58.5)


def test_of_nothing_there_are_no_figures():
    summary = summary_of([None])

    assert (summary.n, summary.missing) == (0, 1)
    assert (summary.mean, summary.sd, summary.minimum, summary.total) == (None,) * 4


def test_one_value_has_no_deviation():
    summary = summary_of([60.0])

    assert (summary.sd, summary.population_sd, summary.p95) == (None, 0, 60)


def test_the_variation_from_run_to_run_has_no_outliers_in_it():
    random = np.random.default_rng(4)
    values = 100 * np.exp(0.05 * random.standard_normal(400))
    values[::20] *= 5

    assert summary_of(values).variation == pytest.approx(0.05, abs=0.012)


def test_of_four_values_nothing_is_said():
    assert insights(summary_of(VALUES[:4]), rate(4, 4)) == []


def test_it_says_what_five_values_allow():
    said = " ".join(insights(summary_of(VALUES), rate(29, 30)))

    assert "Half of 7 runs took 61.0 s or less." in said
    assert "The longest, 140.0 s, took 2.3 times the median." in said
    assert "29 of 30 completed (96.7%; 95 % interval 83% to 99%)." in said
    assert "One in" not in said


@pytest.mark.parametrize(("count", "words"), [(9, None), (10, "ten"), (19, "ten"), (20, "twenty")])
def test_it_speaks_of_one_in_so_many_only_if_there_are_so_many(count, words):
    said = [text for text in insights(summary_of(range(1, count + 1))) if "One in" in text]

    assert [text.split()[2] for text in said] == ([words] if words else [])

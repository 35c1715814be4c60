"""Several runs side by side."""

import numpy as np
import pytest

from history.baseline.compare import compare
from history.baseline.verdict import Verdict, Why

VARIATION = 0.03


def matrix(runs=3, scenes=20, seed=2):
    random = np.random.default_rng(seed)
    level = np.linspace(40, 200, scenes)
    return level * np.exp(VARIATION * random.standard_normal((runs, scenes)))


def test_runs_that_differ_by_chance_are_not_distinguished():
    assert {run.verdict for run in compare(matrix()).runs} == {Verdict.STABLE}


def test_a_slower_run_is_worse_by_so_much():
    values = matrix()
    values[2] *= 1.3

    judged = compare(values).runs[2]

    assert judged.verdict is Verdict.DEGRADING
    assert judged.low < 0.3 < judged.high
    assert judged.n == 20


def test_from_one_to_the_other_is_the_negative_of_the_way_back():
    values = matrix()

    there, back = compare(values, 0), compare(values, 1)

    assert there.delta[1] == pytest.approx(-back.delta[0])
    assert there.symmetric[1] == pytest.approx(-back.symmetric[0])
    assert there.runs[1].low == pytest.approx(1 / (1 + back.runs[0].high) - 1)


@pytest.mark.parametrize("missing", [np.nan, 0.0, -1.0])
def test_missing_scenes_stay_missing_and_do_not_count(missing):
    values = matrix()
    values[1, :4] = missing

    comparison = compare(values)

    assert np.isnan(comparison.delta[1, :4]).all()
    assert not np.isnan(comparison.delta[1, 4:]).any()
    assert comparison.runs[1].n == 16
    assert not comparison.stands_out[1, :4].any()


def test_runs_without_a_common_scene_cannot_be_compared():
    values = matrix()
    values[0, :10], values[1, 10:] = np.nan, np.nan

    assert compare(values).runs[1].verdict is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize("scenes", [1, 3, 4, 7])
def test_of_few_scenes_nothing_is_asserted(scenes):
    values = matrix(scenes=scenes)
    values[1] *= 2

    judged = compare(values).runs[1]

    assert (judged.verdict, judged.why) == (Verdict.UNCLEAR, Why.FEW)


def test_a_cell_stands_out_beyond_what_its_scene_varies():
    values = matrix()
    values[1, 5] *= 1.4
    known = np.full(20, VARIATION)

    assert np.argwhere(compare(values, 0, known).stands_out).tolist() == [[1, 5]]
    assert not compare(values, 0, 5 * known).stands_out.any()


def test_without_a_known_variation_nothing_stands_out():
    values = matrix()
    values[1, 5] *= 1.4

    assert not compare(values).stands_out.any()


def test_the_base_is_compared_with_itself():
    base = compare(matrix(), 1).runs[1]

    assert (base.verdict, base.change) == (Verdict.STABLE, 0)

"""The rank test, held against scipy's."""

import numpy as np
import pytest
from scipy import stats

from history.baseline.compare import critical as critical_walsh
from history.baseline.ranks import LARGEST_COUNTED, shifts

SIZES = [(1, 20), (3, 7), (5, 5), (5, 20), (8, 20), (12, 30), (30, 31), (60, 80)]


def samples(m, n, seed=0, rows=8):
    random = np.random.default_rng([seed, m, n])
    return random.normal(0.5, 1, (rows, m)), random.normal(0, 1, (rows, n))


@pytest.mark.parametrize(("m", "n"), SIZES)
def test_its_p_is_that_of_mann_and_whitneys_test(m, n):
    first, second = samples(m, n)
    method = "exact" if m * n <= LARGEST_COUNTED else "asymptotic"

    expected = stats.mannwhitneyu(first, second, axis=-1, method=method).pvalue

    assert shifts(first, second, 0.99).p == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("m", "n"), SIZES)
def test_cliffs_delta_is_what_u_says(m, n):
    first, second = samples(m, n)

    u = stats.mannwhitneyu(first, second, axis=-1).statistic

    assert shifts(first, second, 0.99).cliff == pytest.approx(2 * u / (m * n) - 1)


@pytest.mark.parametrize(("m", "n"), [size for size in SIZES if size[0] >= 5])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_its_interval_ends_where_the_test_begins_to_reject(m, n, level):
    first, second = samples(m, n)
    found = shifts(first, second, level)
    method = "exact" if m * n <= LARGEST_COUNTED else "asymptotic"

    def p(shift):
        moved = first - shift[:, None]
        return stats.mannwhitneyu(moved, second, axis=-1, method=method).pvalue

    for end, outwards in ((found.low, -1e-9), (found.high, 1e-9)):
        assert np.all(p(end + outwards) <= 1 - level)
        assert np.all(p(end - outwards) > 1 - level)


@pytest.mark.parametrize(("m", "n", "level"), [(3, 7, 0.99), (4, 4, 0.99), (1, 20, 0.95)])
def test_samples_may_be_too_small_for_any_interval(m, n, level):
    found = shifts(*samples(m, n), level)

    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()
    assert stats.mannwhitneyu(range(m), range(m, m + n), method="exact").pvalue > 1 - level


def test_the_shift_is_the_median_of_all_differences():
    found = shifts(np.array([[1.0, 4.0]]), np.array([[0.0, 1.0, 10.0]]), 0.95)

    assert found.center == pytest.approx([(1 + 0) / 2])


def test_equal_values_are_no_difference():
    found = shifts(np.ones((1, 8)), np.ones((1, 20)), 0.99)

    assert (found.center, found.low, found.high, found.cliff, found.p) == (0, 0, 0, 0, 1)


@pytest.mark.parametrize("n", [5, 7, 8, 12, 25, 50])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_the_signed_rank_test_rejects_where_wilcoxons_does(n, level):
    index = critical_walsh(n, 1 - level)
    signs = np.arange(1, n + 1, dtype=float)

    def p(rank_sum):
        """Return Wilcoxon's p where the ranks of the negative values add up to so much."""
        values, rest = signs.copy(), rank_sum
        for rank in range(n, 0, -1):
            if rank <= rest:
                values[rank - 1], rest = -rank, rest - rank
        return stats.wilcoxon(values, method="exact").pvalue

    assert index == 0 or p(index - 1) <= 1 - level
    assert p(index) > 1 - level

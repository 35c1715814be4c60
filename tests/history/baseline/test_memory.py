"""How much a run is like the one before it."""

import numpy as np
import pytest

from benchmarks._verdicts.histories import remembering
from history.baseline.memory import memory_of, widening

MANY = 3000


def noise(phi, length=28):
    return remembering(phi)(np.random.default_rng(1), MANY, length)


def estimated(phi, length=28):
    values = noise(phi, length)
    return memory_of(values[:, -8:], values[:, :-8])


@pytest.mark.parametrize("phi", [0.3, 0.5, 0.7])
def test_it_finds_the_memory_of_long_histories(phi):
    assert np.median(estimated(phi, 500)) == pytest.approx(phi, abs=0.03)


@pytest.mark.parametrize("phi", [0.3, 0.5])
def test_it_does_not_think_too_little_of_short_histories(phi):
    assert np.median(estimated(phi)) > phi - 0.1


def test_it_finds_little_where_there_is_none():
    assert np.median(estimated(0.0)) < 0.15


def test_a_shift_between_the_samples_is_no_memory():
    values = noise(0.0)
    moved = values.copy()
    moved[:, -8:] += 50

    assert memory_of(moved[:, -8:], moved[:, :-8]) == pytest.approx(
        memory_of(values[:, -8:], values[:, :-8])
    )


def test_outliers_are_no_memory():
    values = noise(0.0)
    values[:, 5] = values[:, 6] = 1000.0

    assert np.median(memory_of(values[:, -8:], values[:, :-8])) < 0.35


def test_equal_values_have_no_memory():
    assert memory_of(np.ones((1, 8)), np.ones((1, 20))) == 0


@pytest.mark.parametrize("phi", [0.0, 0.3, 0.5, 0.7])
def test_intervals_are_widened_as_the_means_of_such_noise_scatter(phi):
    values = noise(phi)
    scatter = (values[:, -8:].mean(axis=1) - values[:, :-8].mean(axis=1)).std()

    expected = scatter / np.sqrt(1 / 8 + 1 / 20)

    assert widening(np.array([phi]), 8, 20) == pytest.approx(expected, rel=0.05)

"""The statistics on made-up histories, whose seed is drawn anew each time and told.

Each rate below is one that a right implementation reaches for sure (benchmarks verdicts, 4 000
histories each, tells the true ones). A test fails where so few hits come by chance in less than one
of 10^8 runs; there are less than a hundred such comparisons, so all pass but for one run in 10^6.
"""

import secrets
import sys

import numpy as np
import pytest
from scipy import stats

from benchmarks._verdicts import trials
from benchmarks._verdicts.histories import LEVEL_S, MEMORY, NOISES, histories, remembering
from history.baseline.proportions import rate_trend_of
from telemetry.words import Outcome

COUNT, UNCHANGED = 400, 1_000
BY_CHANCE = 1e-8
NAMED = ("normal", "heavy-tailed", "autocorrelated", "polled")
ALL_20, AFTER_20 = {"length": 20, "at": (5, 15)}, {"length": 40, "at": (20, 20)}


@pytest.fixture
def random():
    seed = secrets.randbits(32)
    sys.stderr.write(f"seed {seed}\n")  # pytest shows it where a test fails
    return np.random.default_rng(seed)


def least(rate, count=COUNT):
    """Return how many of `count` hits a rate has for sure."""
    return int(stats.binom.ppf(BY_CHANCE, count, rate))


def most(rate, count=COUNT):
    """Return more than how many of `count` a rate surely does not have."""
    return int(stats.binom.isf(BY_CHANCE, count, rate))


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("variation", [0.05, 0.10, 0.20])
@pytest.mark.parametrize(
    ("ask", "rates"),
    [(trials.trend, (0.01, 0.035)), (trials.step, (0.02, 0.045))],
    ids=["trend", "step"],
)
def test_an_unchanged_history_is_called_changed_in_less_than_five_percent(
    random, ask, rates, noise, variation
):
    """For independent noise the rate is far lower, and is held to that."""
    rate = rates[noise == "autocorrelated"]

    assert ask(random, noise, variation, 0.0, UNCHANGED).any <= most(rate, UNCHANGED)


@pytest.mark.parametrize("noise", NAMED)
@pytest.mark.parametrize("variation", [0.05, 0.10, 0.20])
def test_an_unchanged_run_is_called_unusual_in_less_than_five_percent(random, noise, variation):
    rate = 0.042 if noise == "heavy-tailed" else 0.02

    assert trials.one_run(random, noise, variation, 0.0, UNCHANGED).any <= most(rate, UNCHANGED)


@pytest.mark.parametrize("noise", NAMED)
def test_after_five_runs_one_is_called_unusual_no_more_often(random, noise):
    said = trials.one_run(random, noise, 0.20, 0.0, 4 * UNCHANGED, before=5)

    assert said.any <= most(0.045, 4 * UNCHANGED)


@pytest.mark.parametrize(
    ("noise", "rate"),
    [("normal", 0.999), ("heavy-tailed", 0.995), ("autocorrelated", 0.965), ("polled", 0.995)],
)
def test_runs_that_take_a_fifth_longer_are_seen(random, noise, rate):
    said = trials.trend(random, noise, 0.05, 0.20, COUNT)

    assert said.worse >= least(rate)
    assert said.better == 0


@pytest.mark.parametrize(
    ("noise", "asked", "rate"),
    [
        ("normal", AFTER_20, 0.995),
        ("polled", AFTER_20, 0.995),
        ("heavy-tailed", AFTER_20, 0.995),
        ("autocorrelated", AFTER_20, 0.97),
        ("normal", ALL_20, 0.96),
        ("heavy-tailed", ALL_20, 0.97),
        ("autocorrelated", ALL_20, 0.90),
    ],
)
def test_a_step_of_a_fifth_is_dated_within_two_runs(random, noise, asked, rate):
    said = trials.step(random, noise, 0.05, 0.20, COUNT, **asked)

    assert said.dated >= least(rate)


def test_a_step_of_a_fifth_is_seen_in_time_while_one_watches(random):
    runs = trials.runs_until_seen(random, "normal", 0.05, 0.20, COUNT)

    assert (runs > 0).sum() >= least(0.995)
    assert np.nanmedian(runs) <= 8


def test_a_spell_of_slow_runs_has_two_ends(random):
    right, count = trials.spell(random, "normal", 0.05, 0.20, COUNT // 8)

    assert right >= least(0.985, count)


def test_a_tenth_is_seen_more_seldom_than_a_fifth_and_a_twentieth_hardly(random):
    twentieth, tenth, fifth = (
        trials.trend(random, "normal", 0.05, effect, COUNT).worse for effect in (0.05, 0.10, 0.20)
    )

    assert twentieth <= most(0.02)
    assert least(0.42) <= tenth <= most(0.56)
    assert tenth < fifth


def test_mixing_cold_and_warm_runs_calls_nothing_changed(random):
    count = COUNT // 4

    trends, runs = trials.cold_and_warm(random, 0.05, count, fair=True)

    assert trends <= most(0.0005, count)
    assert runs <= most(0.01, count)


def test_taking_cold_runs_for_warm_would(random):
    """Or the test above would show nothing."""
    _, runs = trials.cold_and_warm(random, 0.05, COUNT, fair=False)

    assert runs >= least(0.09) > 0


@pytest.mark.parametrize("variation", [0.05, 0.20])
def test_up_to_four_earlier_runs_are_low_and_assert_nothing(random, variation):
    loud, asked = trials.short_histories_not_low(random, 20)

    assert (loud, asked) == (0, 80)


@pytest.mark.parametrize(("share", "rate"), [(1.0, 0.0), (0.98, 0.005), (0.9, 0.02), (0.7, 0.02)])
def test_an_unchanged_success_rate_is_stable(random, share, rate):
    wrong = 0
    for row in random.random((COUNT, 100)) < share:
        outcomes = [Outcome.SUCCESS if success else Outcome.FAILED for success in row]
        wrong += rate_trend_of(outcomes).verdict in trials.ASSERTED

    assert wrong <= (most(rate) if rate else 0)


@pytest.mark.parametrize(
    ("noise", "quartile"),
    [
        ("normal", stats.norm.isf(0.25)),
        ("autocorrelated", stats.norm.isf(0.25)),
        ("heavy-tailed", stats.t(3).isf(0.25) / 3**0.5),
    ],
)
def test_made_up_noise_spreads_as_it_is_said_to(random, noise, quartile):
    values = histories(random, noise, 0.05, 2_000, 40) / LEVEL_S - 1

    assert np.quantile(values, 0.75) / 0.05 == pytest.approx(quartile, rel=0.1)


def test_made_up_noise_remembers_as_it_is_said_to(random):
    values = remembering(MEMORY)(random, 2_000, 40)

    assert np.mean(values[:, 1:] * values[:, :-1]) == pytest.approx(MEMORY, abs=0.05)

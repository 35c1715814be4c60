"""The reconnect policy."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from telemetry.backoff import Backoff

BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
DELAYS = (1, 2, 4, 8, 16, 30, 60)


@pytest.fixture
def backoff():
    return Backoff(DELAYS, stable_s=30, rng=random.Random(4))


def test_it_waits_longer_each_time_up_to_a_minute(backoff):
    waits = [backoff.failed(BEGAN) for _ in range(9)]

    expected = [*DELAYS, 60, 60]
    assert all(0.8 * e <= w <= 1.2 * e for w, e in zip(waits, expected, strict=True))


def test_it_spreads_the_waits_of_many(backoff):
    waits = {round(Backoff(DELAYS, 30).failed(BEGAN), 3) for _ in range(50)}

    assert len(waits) > 20


def test_it_begins_anew_only_after_a_stable_connection(backoff):
    for _ in range(3):
        backoff.failed(BEGAN)
    backoff.opened(BEGAN)

    assert backoff.failed(BEGAN + timedelta(seconds=5)) > 6
    backoff.opened(BEGAN)
    assert backoff.failed(BEGAN + timedelta(seconds=31)) < 1.3


def test_it_says_after_five_failures_that_it_failed(backoff):
    for _ in range(4):
        backoff.failed(BEGAN)
    assert not backoff.gave_up

    backoff.failed(BEGAN)

    assert backoff.gave_up

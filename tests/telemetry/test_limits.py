"""telemetry/limits.py: how often somebody may do something."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisAway

from telemetry.limits import Limit
from tests.cast import NOON

TWICE = Limit("test", 2, 60)


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def test_it_allows_as_many_as_it_says() -> None:
    assert [TWICE.spend("bob", NOON) for _ in range(2)] == [None, None]


def test_it_tells_when_the_next_window_begins() -> None:
    at = NOON + timedelta(seconds=18)
    for _ in range(2):
        TWICE.spend("bob", at)

    assert TWICE.spend("bob", at) == 42


def test_it_begins_anew_with_each_window() -> None:
    for _ in range(3):
        TWICE.spend("bob", NOON)

    assert TWICE.spend("bob", NOON + timedelta(seconds=60)) is None


def test_it_counts_each_for_himself() -> None:
    for _ in range(3):
        TWICE.spend("bob", NOON)

    assert TWICE.spend("olga", NOON) is None
    assert Limit("other", 2, 60).spend("bob", NOON) is None


def test_it_allows_all_while_the_cache_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise RedisAway

    monkeypatch.setattr(cache, "add", away)

    assert Limit("test", 0, 60).spend("bob", NOON) is None

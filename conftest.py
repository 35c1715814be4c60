"""Shared fixtures of the whole suite. What must be known before the settings: tests/settings.py."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection

from telemetry.stores import live_store

# How long a draw takes says how busy the machine is: the suite runs twice at once on two cores.
hypothesis.settings.register_profile(
    "shared", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None
)
hypothesis.settings.load_profile("shared")

pytest_plugins = ("tests.browser", "tests.nvml", "tests.processes")

# Processes that a test starts (manage.py serve) take their settings from the environment, in which
# tests/settings.py has left the data folder of this run.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


# What a file's tests wait for most: a browser, or processes that start.
SLOW = {"browser", "started", "seen"}
DATABASE = {"db", "transactional_db", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what leaves out the tests that another database makes no difference to."""
    parser.addoption(
        "--of-services",
        action="store_true",
        help="leave out what is the same on any database and broker: processes that are started "
        "with settings of their own, and what a browser makes of a page",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the slow files first, so that none of them is what all others wait for at the end."""
    slow = {item.path for item in items if _is_slow(item)}
    items.sort(key=lambda item: item.path not in slow)
    left_out = {item for item in items if _is_of_another_database(item)}
    if config.getoption("--of-services"):
        left_out |= {item for item in items if _is_alike_everywhere(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _is_slow(item: pytest.Item) -> bool:
    return not SLOW.isdisjoint(getattr(item, "fixturenames", ()))


def _is_of_another_database(item: pytest.Item) -> bool:
    asks = item.get_closest_marker("of_postgresql") is not None
    return asks and connection.vendor != "postgresql"


def _is_alike_everywhere(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    asks = item.get_closest_marker("django_db") is not None or not DATABASE.isdisjoint(fixtures)
    return "browser" in fixtures or (_is_slow(item) and not asks)


@pytest.fixture(scope="session", autouse=True)
def last_session(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what still listens to PostgreSQL before the database is dropped, which it would forbid.

    A thread in which live_server answers a browser may end a moment after the last test.
    """
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def nothing_live() -> None:
    """Begin each test with nothing retained: rows of another test may have had the same ids."""
    live_store.cache_clear()
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushdb()

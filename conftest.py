"""Shared fixtures of the whole suite. What must be known before the settings: tests/settings.py."""

import os

import pytest
import redis
from django.conf import settings

from telemetry.stores import live_store

pytest_plugins = ("tests.browser", "tests.nvml", "tests.processes")

# Processes that a test starts (manage.py serve) take their settings from the environment, in which
# tests/settings.py has left the data folder of this run.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


# What a file's tests wait for most: a browser, or processes that start.
SLOW = {"browser", "started", "seen"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow files first, so that none of them is what all others wait for at the end."""
    slow = {item.path for item in items if not SLOW.isdisjoint(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def nothing_live() -> None:
    """Begin each test with nothing retained: rows of another test may have had the same ids."""
    live_store.cache_clear()
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            client.flushdb()

"""config/settings.py, read in a process of its own: what a variable makes of it."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

POSTGRES = "postgres://scenewatch@db/scenewatch"


def _read(expression: str, before: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCENEWATCH_", "DJANGO_"))}
    return subprocess.run(
        [sys.executable, "-c", f"{before}from config import settings; print({expression})"],
        cwd=settings.BASE_DIR,
        env={**kept, "SCENEWATCH_SECRET_KEY": "k" * 50, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _prefix(redis: str) -> str:
    expression = "settings.CHANNEL_LAYERS['default']['CONFIG']['prefix']"
    read = _read(expression, SCENEWATCH_REDIS_URL=redis, SCENEWATCH_DATABASE_URL=POSTGRES)
    assert read.returncode == 0, read.stderr
    return read.stdout


def test_two_sites_on_one_redis_do_not_hear_each_other() -> None:
    assert _prefix("redis://redis:6379/1") != _prefix("redis://redis:6379/2")


def test_it_knows_a_redis_by_its_number_however_that_is_written() -> None:
    assert _prefix("redis://redis") == _prefix("redis://redis:6379/0")


@pytest.mark.parametrize("wrong", ["redis.example.org", "http://redis:6379", "redis://redis:port"])
def test_it_says_how_to_write_the_address_of_a_redis(wrong: str) -> None:
    read = _read("1", SCENEWATCH_REDIS_URL=wrong, SCENEWATCH_DATABASE_URL=POSTGRES)

    assert read.returncode == 1
    assert "SCENEWATCH_REDIS_URL is no address of a Redis; write redis://" in read.stderr


@pytest.mark.parametrize(
    ("redis", "answers"), [({}, "False"), ({"SCENEWATCH_REDIS_URL": "redis://redis"}, "True")]
)
def test_beat_answers_when_it_is_asked_in_team_mode(redis: dict[str, str], answers: str) -> None:
    read = _read("settings.CELERY_BEAT_ENABLE_REMOTE_CONTROL", **redis)

    assert read.stdout.strip() == answers


@pytest.mark.parametrize(
    ("before", "pool", "expected"),
    [
        ("import config.asgi; ", "3", "{'min_size': 1, 'max_size': 3, 'timeout': 5}"),
        ("import config.asgi; ", "0", "None"),
        ("", "3", "None"),
    ],
)
def test_only_a_web_process_hands_its_connections_on(before: str, pool: str, expected: str) -> None:
    options = "settings.DATABASES['default'].get('OPTIONS', {}).get('pool')"
    services = {"SCENEWATCH_DATABASE_URL": POSTGRES, "SCENEWATCH_REDIS_URL": "redis://redis"}

    read = _read(options, before, SCENEWATCH_DATABASE_POOL=pool, **services)

    assert read.stdout.strip() == expected, read.stderr

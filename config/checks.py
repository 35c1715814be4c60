"""Django system checks: combinations of settings that look right one by one and are wrong together.

Errors stop every command; warnings are said and the command goes on.
"""

import difflib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from config import bootstrap, env

LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1", "testserver"}
# RETURNING, which saves a query on each insert, came with 3.35.
OLDEST_SQLITE = (3, 35)
SHORTEST_KEY = 50
# Read by something else than config.env: before the settings, or by the suite.
OTHER_VARIABLES = (
    bootstrap.VARIABLE,
    "SCENEWATCH_TEST_DATABASE_URL",
    "SCENEWATCH_TEST_REDIS_URL",
)


@register()
def database_of_the_mode(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Hold the database against the mode."""
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if settings.DATABASE_URL and engine != "postgresql":
        return [
            Error(
                f"SCENEWATCH_DATABASE_URL names a database of the kind {engine}; only PostgreSQL "
                "works there.",
                hint="Write postgres://USER:PASSWORD@HOST/NAME. For SQLite elsewhere, unset it and "
                "let SCENEWATCH_DATA_DIR name the folder.",
                id="scenewatch.E002",
            )
        ]
    if settings.REDIS_URL and not settings.DATABASE_URL:
        return [
            Error(
                "SCENEWATCH_REDIS_URL is set and SCENEWATCH_DATABASE_URL is not: the processes of "
                "the team mode cannot share one SQLite file safely.",
                hint="Set SCENEWATCH_DATABASE_URL to a PostgreSQL database, or unset "
                "SCENEWATCH_REDIS_URL to run everything in one process.",
                id="scenewatch.E001",
            )
        ]
    if settings.DATABASE_URL and not settings.REDIS_URL:
        return [
            Warning(
                "SCENEWATCH_DATABASE_URL is set and SCENEWATCH_REDIS_URL is not: live updates stay "
                "within one process, so only `manage.py serve` works, once.",
                hint="Set SCENEWATCH_REDIS_URL to run several processes.",
                id="scenewatch.W001",
            )
        ]
    return []


@register()
def data_folder_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """See that the data folder can be written, or made; nothing is made here."""
    folder = Path(settings.DATA_DIR)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    if not there.is_dir():
        problem = f"{there} is a file"
    else:
        problem = f"this user may not {'write there' if there == folder else f'write in {there}'}"
    return [
        Error(
            f"The data folder {folder} cannot be used: {problem}.",
            hint="Repair that, or let SCENEWATCH_DATA_DIR name another folder.",
            id="scenewatch.E003",
        )
    ]


@register()
def sqlite_new_enough(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """See that this Python's SQLite knows what our statements use."""
    if settings.DATABASE_URL or sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return []
    oldest = ".".join(map(str, OLDEST_SQLITE))
    return [
        Error(
            f"This Python comes with SQLite {sqlite3.sqlite_version}; {oldest} is needed.",
            hint="Use a newer Python, or PostgreSQL (SCENEWATCH_DATABASE_URL).",
            id="scenewatch.E004",
        )
    ]


@register(Tags.security)
def hosts_and_debug(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say what the hosts, DEBUG and HTTPS mean together."""
    others = [host for host in settings.ALLOWED_HOSTS if host not in LOOPBACK]
    found: list[CheckMessage] = []
    if settings.DEBUG and others:
        found.append(
            Warning(
                f"SCENEWATCH_DEBUG is on and the site answers as {_listed(others)}: whoever "
                "reaches it sees settings and source code in error pages.",
                hint="Unset SCENEWATCH_DEBUG, or SCENEWATCH_ALLOWED_HOSTS.",
                id="scenewatch.W002",
            )
        )
    if settings.HTTPS and others and not settings.CSRF_TRUSTED_ORIGINS:
        found.append(
            Warning(
                "SCENEWATCH_HTTPS is on and SCENEWATCH_CSRF_TRUSTED_ORIGINS is empty: behind a "
                "proxy that changes the Host header every form is refused (403).",
                hint=f"Set it to the address in the browser, like https://{others[0].lstrip('.*')}.",
                id="scenewatch.W003",
            )
        )
    if "*" in others:
        found.append(
            Warning(
                'SCENEWATCH_ALLOWED_HOSTS is "*": the site takes any name that a request gives it, '
                "also in links that it sends out.",
                hint="Name the hosts: SCENEWATCH_ALLOWED_HOSTS=scenewatch.example.org",
                id="scenewatch.W004",
            )
        )
    return found


@register()
def variables_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Name variables that nothing reads: most likely a typing error."""
    known = {*env.VARIABLES, *OTHER_VARIABLES, *(f"{name}_FILE" for name in env.VARIABLES)}
    return [
        Warning(
            f"{name} is set, and nothing reads it.",
            hint=_nearest(name, known),
            id="scenewatch.W005",
        )
        for name in sorted(os.environ)
        if name.startswith(env.PREFIX) and name not in known
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    ends = sorted(other.removeprefix(env.PREFIX) for other in known)
    near = difflib.get_close_matches(name.removeprefix(env.PREFIX), ends, n=1)
    if near:
        return f"Did you mean {env.PREFIX}{near[0]}?"
    return "docs/configuration.md lists the variables."


@register(Tags.security, deploy=True)
def secret_key_for_a_team(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """See that a key from the environment is long, and that processes elsewhere have the same."""
    given = env.text("SECRET_KEY")
    make_one = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    if given and len(given) < SHORTEST_KEY:
        return [
            Warning(
                f"SCENEWATCH_SECRET_KEY has {len(given)} characters; {SHORTEST_KEY} are the least.",
                hint=f"{make_one}; sessions end and servers' tokens must be entered again.",
                id="scenewatch.W006",
            )
        ]
    if settings.REDIS_URL and not given:
        return [
            Warning(
                "SCENEWATCH_SECRET_KEY is not set: each machine would make a key of its own, and "
                "what one signs or encrypts no other could read.",
                hint=f"{make_one}, and give all processes the same.",
                id="scenewatch.W007",
            )
        ]
    return []


def _listed(hosts: Sequence[str]) -> str:
    return ", ".join(hosts[:3]) + (", …" if len(hosts) > 3 else "")

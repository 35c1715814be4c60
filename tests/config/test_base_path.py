"""config/base_path.py: the site below a path of its host. In a browser: test_ways_in_browser.py."""

import asyncio
from typing import Any

import pytest

from config.base_path import below


def told(path: str, scope: dict[str, Any]) -> dict[str, Any]:
    """Return the scope that an application below the path is given."""
    given: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        given.append(scope)

    asyncio.run(below(path, inner)(scope, None, None))
    return given[0]


@pytest.mark.parametrize("asked", ["/films/live/socket/", "/live/socket/"])
def test_a_proxy_may_cut_the_path_off_or_not(asked: str) -> None:
    scope = told("/films", {"type": "websocket", "path": asked})

    assert (scope["path"], scope["path_remaining"]) == ("/films/live/socket/", "/live/socket/")


def test_an_address_that_only_begins_alike_is_another() -> None:
    scope = told("/films", {"type": "http", "path": "/filmsets/"})

    assert scope["path_remaining"] == "/filmsets/"


def test_at_the_root_nothing_is_changed() -> None:
    assert told("", {"type": "http", "path": "/live/"}) == {"type": "http", "path": "/live/"}


def test_what_has_no_path_is_let_through() -> None:
    assert told("/films", {"type": "lifespan"}) == {"type": "lifespan"}

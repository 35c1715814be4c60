"""Pages while the database is away: 503, in words, and not 500."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db

PAGES = ("/", "/teams/northlight/live/", "/settings/me/", "/admin/")


@pytest.fixture
def browser() -> Client:
    """Return a browser in which alice is signed in, which is told what visitors are told."""
    cast: Cast = make_cast()
    client = Client(raise_request_exception=False)
    client.force_login(cast.alice)
    return client


@pytest.fixture
def away(browser: Client) -> Iterator[None]:
    """Have the database answer nothing."""

    def refuse(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_that_the_database_does_not_answer(
    browser: Client, away: None, page: str
) -> None:
    answer = browser.get(page)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "cannot be shown just now" in answer.content.decode()
    assert "connection is lost" not in answer.content.decode()


def test_the_api_says_it_in_its_own_shape(browser: Client, away: None) -> None:
    answer = browser.get("/api/v1/servers")

    assert answer.status_code == 503
    assert answer.json()["error"]["hint"] == "Ask again in some seconds."


def test_signing_in_is_offered_all_the_same(away: None) -> None:
    assert Client().get("/login/").status_code == 200


def test_what_else_breaks_is_still_500(browser: Client, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("telemetry.views.wall_page.context", broken)

    assert browser.get("/teams/northlight/live/").status_code == 500

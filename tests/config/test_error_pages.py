"""Our own mistakes as a visitor sees them, and as the log has them."""

import re

import pytest
from django.test import Client, RequestFactory

from config import offline
from config.urls import handler500
from tests.api import signed_in
from tests.cast import make_cast


def test_a_mistake_has_a_reference_that_the_log_has_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> str:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(offline, "page", breaks)

    response = Client(raise_request_exception=False).get("/offline/")

    assert response.status_code == 500
    [reference] = re.findall(r"<code>([0-9a-f]{4}-[0-9a-f]{4})</code>", response.content.decode())
    assert f"GET /offline/ failed: reference {reference}" in caplog.messages
    assert any(record.exc_info for record in caplog.records)
    assert b"secret" not in response.content


def test_two_mistakes_have_two_references() -> None:
    request = RequestFactory().get("/")

    assert handler500(request).content != handler500(request).content


def test_it_is_shown_where_nobody_can_tell_who_asks() -> None:
    class Away:
        """What reading the session is while the database is away."""

        def __getattr__(self, name: str) -> object:
            raise RuntimeError("the database is away")

    request = RequestFactory().get("/")
    request.user = Away()  # type: ignore[assignment]

    assert handler500(request).status_code == 500


@pytest.mark.django_db
def test_a_member_without_the_right_and_an_outsider_are_told_what_to_do() -> None:
    cast = make_cast()

    barred = signed_in(cast.bob).get("/teams/northlight/settings/servers/")
    outside = signed_in(cast.mallory).get("/teams/northlight/live/")

    assert (barred.status_code, outside.status_code) == (403, 404)
    assert "Ask an admin of the team" in barred.content.decode()
    assert "ask who sent it to you" in outside.content.decode()

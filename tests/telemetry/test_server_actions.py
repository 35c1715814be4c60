"""What members do to a server: the right prompt is hit, the collector obeys, the audit tells."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from telemetry.models import AuditEntry, BlindWindow, Server
from tests.cast import Cast, make_cast, make_server
from tests.telemetry.simulated import tqdm_graph
from tests.telemetry.standing import standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def signed_in(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def press(user: User, server: Server, what: str, **data: str) -> str:
    """Press a button on the server's page; return what the page then says."""
    response = signed_in(user).post(f"/teams/northlight/servers/{server.pk}/{what}/", data)
    assert response.status_code == 302
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def submitted(simulator: Any, do: Any, count: int = 1) -> list[str]:
    """Queue prompts that take long; return their ids in the order in which they run."""
    bodies = [{"prompt": tqdm_graph(steps=500, delay=1.0, seed=n)} for n in range(count)]
    ids = [do(lambda body=body: simulator.server.accept(body))["prompt_id"] for body in bodies]
    while do(lambda: simulator.server.prompt_queue.running) is None:
        pass
    return ids


def pending(simulator: Any, do: Any) -> list[str]:
    return do(lambda: [item.prompt_id for item in simulator.server.prompt_queue.pending])


def entry() -> AuditEntry:
    return AuditEntry.objects.get()


def test_it_interrupts_the_prompt_that_runs(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        [prompt_id] = submitted(simulator, do)

        words = press(cast.olga, server, "interrupt", prompt_id=prompt_id)

        assert f"Interrupting prompt {prompt_id}" in str(do(lambda: simulator.server.logs.entries))
    assert "told to stop" in words
    assert (entry().who, entry().action, entry().target) == ("olga", "interrupt", prompt_id)
    assert entry().done


def test_it_interrupts_no_other_prompt_than_the_one_that_was_meant(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        submitted(simulator, do)

        words = press(cast.olga, server, "interrupt", prompt_id="one that ended")

        assert "nterrupt" not in str(do(lambda: simulator.server.logs.entries))
    assert "It had already ended. Nothing was interrupted." in words
    assert not entry().done


def test_it_says_that_a_prompt_that_waits_is_to_be_cancelled(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        _, waiting = submitted(simulator, do, 2)

        words = press(cast.olga, server, "interrupt", prompt_id=waiting)

    assert "cancel it instead" in words


def test_it_cancels_a_prompt_that_waits_and_no_other(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        running, first, second = submitted(simulator, do, 3)

        words = press(cast.olga, server, "cancel", prompt_id=first)

        assert pending(simulator, do) == [second]
        assert do(lambda: simulator.server.prompt_queue.running.prompt_id) == running
    assert "out of the queue" in words
    assert entry().done


def test_it_does_not_cancel_what_has_begun_meanwhile(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        [running] = submitted(simulator, do)

        words = press(cast.olga, server, "cancel", prompt_id=running)

    assert "interrupt it instead" in words
    assert not entry().done


def test_it_cancels_once_when_pressed_twice(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        _, waiting = submitted(simulator, do, 2)

        press(cast.olga, server, "cancel", prompt_id=waiting)
        words = press(cast.olga, server, "cancel", prompt_id=waiting)

    assert "already ended" in words
    assert [e.done for e in AuditEntry.objects.order_by("pk")] == [True, False]


def test_it_says_why_a_server_cannot_be_asked(cast: Cast) -> None:
    server = make_server(cast.northlight, name="kino-01", url="http://127.0.0.1:9")

    words = press(cast.olga, server, "interrupt", prompt_id="any")

    assert "kino-01: Connection refused" in words
    assert not entry().done


def test_it_asks_nothing_of_a_server_that_is_disconnected(cast: Cast) -> None:
    server = make_server(cast.northlight, paused_at=timezone.now())

    assert "connect it first" in press(cast.olga, server, "cancel", prompt_id="any")


@pytest.mark.parametrize("prompt_id", ["", "x" * 201])
def test_it_wants_a_prompt_to_be_named(cast: Cast, prompt_id: str) -> None:
    server = make_server(cast.northlight)

    assert "No prompt was named" in press(cast.olga, server, "cancel", prompt_id=prompt_id)


def test_it_disconnects_until_somebody_connects(cast: Cast) -> None:
    server = make_server(cast.northlight)

    press(cast.alice, server, "connection", do="disconnect")

    server.refresh_from_db()
    assert server.paused_at is not None
    assert (entry().who, entry().action) == ("alice", "disconnect")


def test_disconnecting_twice_keeps_the_time_of_the_first(cast: Cast) -> None:
    since = timezone.now() - timedelta(hours=1)
    server = make_server(cast.northlight, paused_at=since)

    press(cast.alice, server, "connection", do="disconnect")

    server.refresh_from_db()
    assert server.paused_at == since


def test_the_time_of_being_disconnected_is_on_record_as_not_watched(cast: Cast) -> None:
    since = timezone.now() - timedelta(hours=1)
    server = make_server(cast.northlight, paused_at=since)

    press(cast.alice, server, "connection", do="connect")

    server.refresh_from_db()
    window = BlindWindow.objects.get(server=server)
    assert server.paused_at is None
    assert (window.began_at, window.reason) == (since, "disconnected by hand")
    assert window.ended_at is not None


def test_connecting_what_is_connected_records_no_gap(cast: Cast) -> None:
    press(cast.alice, make_server(cast.northlight), "connection", do="connect")

    assert not BlindWindow.objects.exists()


def test_it_silences_for_an_hour_and_ends_that(cast: Cast) -> None:
    server = make_server(cast.northlight)

    press(cast.alice, server, "connection", do="silence")
    server.refresh_from_db()
    assert server.silenced_until is not None
    left = server.silenced_until - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)

    press(cast.alice, server, "connection", do="speak")
    server.refresh_from_db()
    assert server.silenced_until is None


def test_it_refuses_a_change_that_it_does_not_know(cast: Cast) -> None:
    server = make_server(cast.northlight)

    words = press(cast.alice, server, "connection", do="explode")

    assert words == "Choose one of: connect, disconnect, silence, speak."
    assert not AuditEntry.objects.exists()

"""Submitting lost prompts again: which, how, and never twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from history.models import Attempt, Resubmission
from history.resubmit import body_of, lost_on, submit_again
from telemetry.models import AuditEntry, Server
from telemetry.words import Status
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_graph,
    make_run,
    make_scene,
    make_server,
)
from tests.telemetry.simulated import tqdm_graph
from tests.telemetry.standing import standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def lost(server: Server, graph: Any = None, **fields: Any) -> Attempt:
    """Return a lost attempt whose graph is kept."""
    usual = {"status": Status.ENDED, "outcome": "lost", "ended_at": timezone.now()}
    attempt = make_attempt(server, **{**usual, **fields})
    make_graph(attempt, graph or tqdm_graph(steps=500, delay=1.0, seed=attempt.pk))
    return attempt


def queued(simulator: Any, do: Any) -> list[Any]:
    """Return what runs and waits there."""

    def items() -> list[Any]:
        queue = simulator.server.prompt_queue
        return [*([queue.running] if queue.running else []), *queue.pending]

    return list(do(items))


def press(user: User, server: Server, attempts: list[Attempt]) -> str:
    client = Client()
    client.force_login(user)
    data = {"attempt": [str(attempt.pk) for attempt in attempts]}
    response = client.post(f"/teams/northlight/servers/{server.pk}/lost/", data)
    assert response.status_code == 302
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_it_finds_what_was_lost_in_its_old_order(cast: Cast) -> None:
    server = make_server(cast.northlight)
    first, second = lost(server), lost(server)

    assert list(lost_on(server, timezone.now())) == [first, second]


@pytest.mark.parametrize("outcome", ["success", "failed", "cancelled"])
def test_it_finds_nothing_that_ended_otherwise(cast: Cast, outcome: str) -> None:
    server = make_server(cast.northlight)
    lost(server, outcome=outcome)

    assert not lost_on(server, timezone.now()).exists()


def test_it_finds_nothing_without_a_graph(cast: Cast) -> None:
    server = make_server(cast.northlight)
    lost(server).graph.delete()

    assert not lost_on(server, timezone.now()).exists()


def test_it_finds_nothing_whose_scene_was_tried_again_or_completed(cast: Cast) -> None:
    server = make_server(cast.northlight)
    run = make_run(cast.northlight)
    tried, completed = make_scene(run), make_scene(run, outcome="success")
    lost(server, scene=tried)
    lost(server, scene=completed)
    make_attempt(server, tried)

    assert not lost_on(server, timezone.now()).exists()


def test_it_finds_nothing_that_was_lost_long_ago(cast: Cast) -> None:
    server = make_server(cast.northlight)
    lost(server, ended_at=timezone.now() - timedelta(days=31))

    assert not lost_on(server, timezone.now()).exists()


def test_it_finds_nothing_of_another_server(cast: Cast) -> None:
    lost(make_server(cast.northlight))

    assert not lost_on(make_server(cast.northlight), timezone.now()).exists()


def test_it_submits_the_graph_for_the_same_run_and_scene_under_a_new_id(cast: Cast) -> None:
    words = {"run_id": "r7", "scene_id": "scene-007", "story_id": "Harbor", "attempt": 2}
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        graph = tqdm_graph(steps=500, delay=1.0)
        attempt = lost(server, graph, extra_data=words, attempt_number=2, submitter="mira")

        result = submit_again(server, [attempt])

        [item] = queued(simulator, do)
    again = Resubmission.objects.get()
    assert (result.taken, result.said) == (1, [])
    assert (item.prompt, item.prompt_id) == (graph, again.prompt_id)
    assert item.prompt_id != attempt.prompt_id
    assert {key: item.extra_data[key] for key in words} == {**words, "attempt": 3}
    assert item.extra_data["user"] == "mira"
    assert again.taken


def test_it_never_uses_the_submitter_s_client_id(cast: Cast) -> None:
    attempt = lost(make_server(cast.northlight), client_id="artist-1", submitter="artist-1")

    body = body_of(attempt, "new", bytes(attempt.graph.compressed))

    assert body["client_id"].startswith("scenewatch-")
    assert body["extra_data"]["user"] == "artist-1"


def test_it_submits_each_once_when_pressed_twice(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        attempts = [lost(server), lost(server)]

        first = press(cast.olga, server, attempts)
        second = press(cast.olga, server, attempts)

        assert len(queued(simulator, do)) == 2
    assert first == "2 prompts submitted again."
    assert "somebody did that already" in second
    assert [entry.done for entry in AuditEntry.objects.order_by("pk")] == [True, False]


def test_two_who_saw_the_same_page_submit_it_once(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        attempt = lost(server)
        both = [list(lost_on(server, timezone.now())), list(lost_on(server, timezone.now()))]

        results = [submit_again(server, seen) for seen in both]

        assert len(queued(simulator, do)) == 1
    assert [result.taken for result in results] == [1, 0]
    assert Resubmission.objects.get().attempt == attempt


def test_it_submits_no_more_than_was_shown(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        shown = lost(server)
        lost(server)

        press(cast.olga, server, [shown])

        assert len(queued(simulator, do)) == 1


def test_it_submits_nothing_of_another_server(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)

        press(cast.olga, server, [lost(make_server(cast.southdark))])

        assert queued(simulator, do) == []


def test_a_prompt_that_is_refused_can_be_tried_again_and_the_others_go_on(cast: Cast) -> None:
    with standing() as (simulator, _):
        server = make_server(cast.northlight, url=simulator.url)
        bad = lost(server, {"1": {"class_type": "NotInstalled", "inputs": {}}})
        good = lost(server)

        result = submit_again(server, [bad, good])

    assert result.taken == 1
    assert "was refused: Node 'NotInstalled' not found" in result.text
    assert list(lost_on(server, timezone.now())) == [bad]


def test_nothing_is_at_stake_while_the_server_cannot_be_reached(cast: Cast) -> None:
    server = make_server(cast.northlight, name="kino-01", url="http://127.0.0.1:9")
    attempt = lost(server)

    words = press(cast.olga, server, [attempt])

    assert "kino-01: Connection refused." in words
    assert list(lost_on(server, timezone.now())) == [attempt]


def test_it_does_not_try_again_what_may_have_been_taken(cast: Cast) -> None:
    with standing() as (simulator, do):
        server = make_server(cast.northlight, url=simulator.url)
        attempt = lost(server)
        do(lambda: setattr(simulator.server, "accept", _breaks))

        result = submit_again(server, [attempt])

    assert "Whether it took the last one is not known" in result.text
    assert not lost_on(server, timezone.now()).exists()
    assert not Resubmission.objects.get().taken


def _breaks(body: Any, usage_source: str | None = None) -> Any:
    """Break off as a server does that dies after it took a prompt."""
    raise OSError("it died")


def test_it_submits_nothing_to_a_server_that_is_disconnected(cast: Cast) -> None:
    server = make_server(cast.northlight, paused_at=NOON)
    attempt = lost(server)

    assert "connect it first" in press(cast.olga, server, [attempt])
    assert list(lost_on(server, timezone.now())) == [attempt]


def test_the_page_counts_before_anything_is_submitted(cast: Cast) -> None:
    server = make_server(cast.northlight)
    lost(server)
    lost(server)
    client = Client()
    client.force_login(cast.olga)

    html = client.get(f"/teams/northlight/servers/{server.pk}/lost/").content.decode()

    assert "Submit 2 lost prompts again?" in html
    assert not Resubmission.objects.exists()


def test_the_server_s_page_offers_it_to_operators(cast: Cast) -> None:
    server = make_server(cast.northlight)
    lost(server)

    for user, offered in ((cast.olga, True), (cast.bob, False)):
        client = Client()
        client.force_login(user)
        html = client.get(f"/teams/northlight/servers/{server.pk}/").content.decode()
        assert ("Submit lost prompts again: 1" in html) is offered

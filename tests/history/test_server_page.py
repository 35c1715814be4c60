"""The page of a server: queue with start windows, ends, environment, gaps, who did what."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from history.models import Attempt
from history.server_record import changes_of, facts_of, queue_of, record_of
from telemetry.models import Server
from telemetry.words import Status
from tests.cast import (
    NOON,
    Cast,
    make_activity,
    make_attempt,
    make_audit,
    make_blind_window,
    make_cast,
    make_environment,
    make_server,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.northlight, name="kino-01")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def done(server: Server, workload: str, took_min: float) -> Attempt:
    """Return an attempt that completed in so many minutes."""
    return make_attempt(
        server,
        workload=workload,
        status=Status.ENDED,
        outcome="success",
        ended_at=NOON - minutes(60),
        duration_s=60 * took_min,
    )


def waiting(server: Server, number: int, workload: str) -> Attempt:
    return make_attempt(server, number=number, workload=workload)


def running(server: Server, workload: str, since_min: float) -> Attempt:
    started_at = NOON - minutes(since_min)
    status = Status.RUNNING
    return make_attempt(server, number=0, workload=workload, status=status, started_at=started_at)


def windows(server: Server) -> list[tuple[float, float] | None]:
    """Return between which minutes from now each prompt should begin, or end where it runs."""
    rows = queue_of(server, NOON)
    return [
        row.window
        and (
            (row.window.earliest - NOON).total_seconds() / 60,
            (row.window.latest - NOON).total_seconds() / 60,
        )
        for row in rows
    ]


def page(user: User, server: Server, below: str = "") -> str:
    client = Client()
    client.force_login(user)
    response = client.get(f"/teams/northlight/servers/{server.pk}/{below}")
    assert response.status_code == 200
    return response.content.decode()


def test_it_says_between_when_and_when_each_prompt_should_begin(server: Server) -> None:
    for took in (4, 6):
        done(server, "portrait", took)
    running(server, "portrait", since_min=1)
    for number in (2, 1):
        waiting(server, number, "portrait")

    # What runs ends in 3 to 5 minutes; each after that takes 4 to 6.
    assert windows(server) == [(3, 5), (3, 5), (7, 11)]


def test_it_says_nothing_of_what_is_behind_work_of_unknown_length(server: Server) -> None:
    done(server, "portrait", 4)
    waiting(server, 1, "portrait")
    waiting(server, 2, "first of its kind")
    waiting(server, 3, "portrait")

    assert windows(server) == [(0, 0), (4, 4), None]


def test_it_says_nothing_behind_what_takes_longer_than_ever(server: Server) -> None:
    done(server, "portrait", 4)
    running(server, "portrait", since_min=10)
    waiting(server, 1, "portrait")

    assert windows(server) == [None, None]


@pytest.mark.parametrize("change", [{"enabled": False}, {"paused_at": NOON}])
def test_it_says_nothing_of_a_server_that_nobody_follows(
    server: Server, change: dict[str, Any]
) -> None:
    done(server, "portrait", 4)
    waiting(server, 1, "portrait")
    Server.objects.filter(pk=server.pk).update(**change)
    server.refresh_from_db()

    assert windows(server) == [None]


def test_it_tells_how_prompts_ended_and_why(server: Server) -> None:
    make_attempt(
        server,
        status=Status.ENDED,
        outcome="failed",
        ended_at=NOON,
        duration_s=134,
        extra_data={"scene_id": "scene-007", "story_id": "Harbor"},
        error_type="OutOfMemoryError",
        error_message="asked for 9 GiB\nand more",
    )

    [row] = record_of(server, NOON)["ended"]

    assert (row.title.name, row.title.of, row.label) == ("Scene 7", "Harbor", "Failed")
    assert (row.why, row.duration) == ("OutOfMemoryError: asked for 9 GiB", "2m\u00a014s")


def test_it_tells_what_changed_in_the_environment(server: Server) -> None:
    make_environment(server, since=NOON - minutes(9), comfyui_version="0.32.0", os="linux")
    make_environment(server, since=NOON, comfyui_version="0.33.0", os="linux")

    newest, first = changes_of(server)

    assert newest.points == ["ComfyUI 0.32.0 → 0.33.0"]
    assert first.points == []
    assert dict(facts_of(newest.environment))["PyTorch"] == "–"


def test_it_counts_the_last_day_s_drops_and_gaps(server: Server) -> None:
    make_activity(server, kind="dropped", at=NOON - minutes(5))
    make_activity(server, kind="dropped", at=NOON - minutes(60 * 25))
    make_blind_window(server, began_at=NOON - minutes(9), ended_at=NOON - minutes(8))
    # Of one that began before, what falls within the day.
    make_blind_window(
        server, began_at=NOON - minutes(60 * 30), ended_at=NOON - minutes(60 * 24 - 1)
    )

    assert record_of(server, NOON)["link"] == {"drops": 1, "outages": 0, "blind": "2m\u00a000s"}


# The form of the server's connection; the page's own has a menu beside the account.
CONNECTION = 'value="disconnect"'


def test_a_viewer_looks_and_has_no_buttons(cast: Cast, server: Server) -> None:
    waiting(server, 1, "portrait")

    html = page(cast.bob, server)

    assert "Queued" in html
    assert not any(word in html for word in ("Cancel<", CONNECTION, "Silence for"))


def test_it_knows_nothing_of_channels_over_which_nothing_was_heard(
    cast: Cast, server: Server
) -> None:
    lags = re.findall(r'id="server-\d+-lag-\d">([^<]*)<', page(cast.bob, server))

    assert lags == ["–"] * 4


def test_an_operator_acts_upon_prompts_and_not_upon_the_connection(
    cast: Cast, server: Server
) -> None:
    waiting(server, 1, "portrait")
    running(server, "portrait", 1)

    html = page(cast.olga, server)

    assert "Cancel<" in html
    assert "Interrupt<" in html
    assert CONNECTION not in html


def test_an_admin_acts_upon_the_connection(cast: Cast, server: Server) -> None:
    html = page(cast.alice, server)

    assert "Disconnect<" in html
    assert "Silence for 1 h" in html


def test_it_shows_who_did_what(cast: Cast, server: Server) -> None:
    make_audit(server, who="olga", action="cancel", target="9f6b2c41", outcome="It is out.")

    html = page(cast.bob, server)

    assert "<b>olga</b> cancelled a waiting prompt" in html


def test_what_a_server_says_is_no_markup(cast: Cast, server: Server) -> None:
    evil = "<script>alert(1)</script>"
    make_environment(server, comfyui_version=evil, argv=["main.py", evil], devices=[{"name": evil}])
    make_activity(server, text=evil, detail=evil)
    make_attempt(server, prompt_id=evil, submitter=evil, extra_data={"scene_id": evil})

    assert "<script>alert" not in page(cast.alice, server)


def test_a_page_that_is_open_asks_for_the_record_alone(cast: Cast, server: Server) -> None:
    html = page(cast.bob, server, "record/")

    assert "<html" not in html
    assert "Environment" in html


def test_it_takes_as_many_queries_for_a_long_queue_as_for_a_short_one(
    cast: Cast, server: Server
) -> None:
    def queries(more: range) -> int:
        for number in more:
            waiting(server, number, "portrait")
            make_activity(server)
            make_audit(server)
            make_environment(server, since=NOON - minutes(number))
        with CaptureQueriesContext(connection) as asked:
            page(cast.olga, server)
        return len(asked)

    assert queries(range(2)) == queries(range(2, 120))


def test_a_server_of_another_team_has_no_page_below_ours(cast: Cast) -> None:
    other = make_server(cast.southdark)
    client = Client()
    client.force_login(cast.alice)

    assert client.get(f"/teams/northlight/servers/{other.pk}/").status_code == 404

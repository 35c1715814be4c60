"""The page of the strip: what stands on it, what its links lead to, how much is asked for it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.timeline import reading
from telemetry.models import Preferences
from telemetry.words import Status
from tests.cast import NOON, make_attempt, make_cast, make_scene, make_server
from tests.history.timeline.made import ran

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WINDOW = "?since=2026-03-03T12:00:00Z&until=2026-03-04T12:00:00Z"


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def kino(cast):
    return make_server(cast.northlight, name="kino-01")


@pytest.fixture
def page(cast, client):
    """Return what shows bob the strip."""
    client.force_login(cast.bob)

    def show(query=WINDOW):
        answer = client.get(f"/teams/northlight/runs/timeline/{query}")
        assert answer.status_code == 200
        return unescape(re.sub(r"\s+", " ", answer.content.decode()))

    return show


def test_each_run_is_a_link_that_says_how_it_ended(cast, kino, page) -> None:
    run = ran(cast.northlight, kino, NOON - 2 * HOUR, "failed", title="Harbor")

    html = page()

    assert f'<a href="/teams/northlight/runs/{run.pk}/" data-status="failed"' in html
    assert 'aria-label="Harbor: failed, waited 30s, took 1m 00s, 1 scene, submitted' in html
    assert '<use href="#s-failed" x="-6"' in html
    assert "1 run: 1 failed." in html


def test_a_run_on_two_servers_is_in_both_lanes_and_counted_once(cast, kino, page) -> None:
    run = ran(cast.northlight, kino, NOON - 2 * HOUR)
    atlas = make_server(cast.northlight, name="atlas")
    atlas.run_servers.create(run=run, began_at=run.began_at)

    html = page()

    assert html.count("data-lane>") == 2
    assert html.count('class="exec"') == 2
    assert "1 run: 1 completed." in html


def test_all_of_it_stands_in_the_table_too(cast, kino, page) -> None:
    run = ran(cast.northlight, kino, NOON - 2 * HOUR, "timeout", title="Harbor")

    table = page().partition("<table")[2]

    assert f'<a href="/teams/northlight/runs/{run.pk}/">Harbor</a>' in table
    assert "<td>kino-01</td>" in table
    assert "#s-timeout" in table
    assert ">30s</td>" in table
    assert ">1m 00s</td>" in table


def test_a_run_at_work_is_told_from_one_that_waits(cast, kino, page) -> None:
    began_at = NOON - HOUR
    for title, status, started_at in (
        ("Works", Status.RUNNING, began_at + timedelta(minutes=10)),
        ("Waits", Status.QUEUED, None),
    ):
        run = ran(cast.northlight, kino, began_at, None, title=title, ended_at=None, open_count=1)
        make_attempt(kino, make_scene(run), status=status, started_at=started_at)

    html = page()

    assert 'data-words="Works: executing, waited 10m 00s' in html
    assert 'data-words="Waits: queued, waited' in html


def test_filters_hold_and_stay_in_every_link(cast, kino, page) -> None:
    ran(cast.northlight, kino, NOON - 2 * HOUR, "failed", title="Harbor")
    ran(cast.northlight, kino, NOON - 3 * HOUR, title="Tunnel")

    html = page(f"{WINDOW}&status=failed")

    assert "Harbor" in html
    assert "Tunnel" not in html
    ways = re.findall(r'data-way="[^"]*" href="([^"]*)"', html)
    assert len(ways) == 5
    assert all("status=failed" in way for way in ways)


def test_a_run_that_reaches_into_the_time_is_shown(cast, kino, page) -> None:
    early = NOON - 30 * HOUR
    ran(cast.northlight, kino, early, title="Reaches", ended_at=NOON - 20 * HOUR)
    ran(cast.northlight, kino, early, title="Was over")

    html = page()

    assert "Reaches" in html
    assert "Was over" not in html


def test_what_was_not_read_is_told(cast, kino, page, monkeypatch) -> None:
    monkeypatch.setattr(reading, "MOST", 3)
    for hours in range(1, 6):
        ran(cast.northlight, kino, NOON - hours * HOUR)

    html = page()

    assert "3 runs: 3 completed." in html
    assert "of this time are shown: those since" in html
    assert 'class="unread"' in html


def test_a_bin_leads_to_its_own_time(cast, kino, page) -> None:
    for _ in range(8):
        ran(cast.northlight, kino, NOON - 2 * HOUR)

    html = page()

    assert "8 runs, bins of 30m 00s" in html
    [bin_query] = set(re.findall(r'<a href="\?(since=[^"#]*)#strip" data-status', html))
    closer = page(f"?{bin_query}")
    assert closer.count('class="exec"') == 0  # eight at the same moment are too many for rows
    assert "8 runs: 8 completed." in closer


def test_an_empty_time_leads_to_the_runs_before_and_after(cast, kino, page) -> None:
    ran(cast.northlight, kino, NOON - 50 * HOUR, title="Before")
    ran(cast.northlight, kino, NOON + 50 * HOUR, title="Behind")

    html = page()

    assert "No run in this time" in html
    queries = re.findall(r'<a class="btn" href="\?(since=[^"#]*)#strip"', html)
    assert ["Before" in page(f"?{queries[0]}"), "Behind" in page(f"?{queries[1]}")] == [True, True]


def test_a_new_team_is_told_what_comes_here(page) -> None:
    html = page("")

    assert "No runs yet" in html
    assert "<svg width=" not in html.partition('id="strip"')[2]


def test_a_time_that_makes_no_sense_is_told(page) -> None:
    assert "have to be days or moments" in page("?since=yesterday")


def test_it_asks_the_same_number_of_questions_however_many_runs(cast, kino, page) -> None:
    def asked():
        with CaptureQueriesContext(connection) as queries:
            page()
        return len(queries)

    run = ran(cast.northlight, kino, NOON - 2 * HOUR, title="One")
    run.source = "prompt"
    run.save()
    make_attempt(kino, make_scene(run))
    page()
    few = asked()
    for number in range(120):
        other = ran(cast.northlight, kino, NOON - timedelta(minutes=11 * number), source="prompt")
        make_attempt(kino, make_scene(other))

    assert asked() == few


def test_the_range_that_is_shown_is_marked(page) -> None:
    assert '<a href="?range=7d#strip" aria-current="true">7 days</a>' in page("?range=7d")
    assert 'aria-current="true">7 days</a>' not in page(f"{WINDOW}&range=7d")


def test_what_lies_in_the_past_is_not_asked_for_again(cast, kino, page) -> None:
    ran(cast.northlight, kino, NOON - 2 * HOUR)

    assert "data-refresh" not in page()
    assert 'data-refresh="/teams/northlight/runs/timeline/record/?"' in page("")


def test_who_wants_nothing_live_is_served_no_more_than_asked_for(cast, kino, page) -> None:
    ran(cast.northlight, kino, NOON - 2 * HOUR)
    Preferences.objects.create(user=cast.bob, live_enabled=False)

    assert "data-refresh" not in page("")

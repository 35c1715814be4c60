"""The list of runs: what each row says, what the address filters, how the pages follow."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from history.explore.views import PAGE_SIZE
from history.models import Run, RunServer, Scene
from history.settling import note_servers, settle
from telemetry.models import Server
from telemetry.words import Outcome, Status
from tests.cast import (
    Cast,
    make_attempt,
    make_cast,
    make_claim,
    make_preferences,
    make_run,
    make_scene,
    make_server,
)
from tests.history.judged.test_known_answers import file_table

pytestmark = pytest.mark.django_db

MakeRun = Callable[..., Run]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.northlight, name="kino-01")


@pytest.fixture
def bob(cast: Cast, client: Client) -> Client:
    client.force_login(cast.bob)
    return client


@pytest.fixture
def ran(server: Server) -> MakeRun:
    """Return what makes a run of scenes that ended so, some hours ago."""

    def make(
        *outcomes: Outcome | Status | None, hours: float = 1, on: Server = server, **words: Any
    ) -> Run:
        began_at = timezone.now() - timedelta(hours=hours)
        run = make_run(on.team, began_at=began_at, touched_at=began_at, **words)
        for number, how in enumerate(outcomes, start=1):
            scene = make_scene(run, external_id=f"scene-{number:03d}")
            make_attempt(on, scene, **_ended(how, began_at))
        ids = list(Scene.objects.filter(run=run).values_list("pk", flat=True))
        settle(ids)
        note_servers(ids)
        return run

    return make


def test_a_run_whose_times_nobody_told_shows_how_long_its_scenes_worked(
    bob: Client, cast: Cast
) -> None:
    file_table(cast.northlight)

    html = bob.get("/teams/northlight/runs/").content.decode().replace("\xa0", " ")

    worked = re.findall(r"(\d+m \d+s)<br><small>of work", html)
    assert worked == ["6m 26s", "6m 18s", "6m 22s"]
    assert "<td>Low</td></tr>" in html


def _ended(how: Outcome | Status | None, began_at: datetime) -> dict[str, Any]:
    times = {"submitted_at": began_at, "seen_at": began_at}
    if isinstance(how, Status):
        return {"status": how, **times}
    lasted = {"started_at": began_at, "ended_at": began_at + timedelta(seconds=90)}
    return {"status": Status.ENDED, "outcome": how, "duration_s": 90, **times, **lasted}


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/teams/northlight/runs/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def names(html: str) -> list[str]:
    """Return the runs' names, in the page's order."""
    return re.findall(r'<th scope="row"[^>]*><a href="[^"]*" title="([^"]*)"', html)


def test_it_shows_runs_newest_first(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, hours=3, title="Old")
    ran(Outcome.SUCCESS, hours=1, title="New")

    assert names(page(bob)) == ["New", "Old"]


def test_a_row_says_how_the_run_went(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, Outcome.FAILED, title="Harbor", submitter="mira")

    html = page(bob)

    assert "Harbor" in html
    assert 'data-status="partial"' in html
    assert 'aria-label="2 scenes: 1 completed, 1 failed"' in html
    assert ">50.0%<" in html
    assert ">1m 30s<" in html
    assert ">kino-01" in html
    assert "<small>mira</small>" in html


def test_a_run_at_work_has_no_success_yet_and_counts_on(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS, Status.RUNNING, title="Harbor")

    html = page(bob)

    assert 'data-status="executing"><svg' in html
    assert f'data-since="{run.began_at.isoformat()}"' in html
    assert "so far" in html
    assert '<td class="num c-hide">–</td>' in html


def test_a_run_that_waits_is_queued(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, Status.QUEUED)

    assert ">Queued</span>" in page(bob)


def test_a_run_whose_end_nobody_knows_is_unknown_and_can_be_found(
    bob: Client, ran: MakeRun
) -> None:
    ran(Outcome.SUCCESS, title="Known")
    ran(Outcome.SUCCESS, None, title="Harbor")

    html = page(bob, "?status=unknown")

    assert names(html) == ["Harbor"]
    assert 'aria-label="2 scenes: 1 completed, 1 unknown"' in html
    assert '<i data-status="unknown">U</i>' in html


def test_a_run_of_no_known_server_names_none(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS)
    RunServer.objects.filter(run=run).delete()

    html = page(bob)

    assert "0 servers" not in html
    assert '<td class="nowrap c-hide">–' in html


def test_one_failure_in_thousands_is_no_100_percent(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS)
    Run.objects.filter(pk=run.pk).update(success_rate=0.9999)

    assert ">99.9%<" in page(bob)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ["b", "a", "c"]),
        ("?status=failed", ["a"]),
        ("?status=failed&status=completed", ["a", "c"]),
        ("?status=executing", ["b"]),
        ("?range=1d", ["b", "a"]),
        ("?range=all", ["b", "a", "c"]),
        ("?mine=1", ["a", "c"]),
        ("?workload=w9", ["c"]),
        ("?status=completed&range=1d", []),
    ],
)
def test_the_address_filters(
    bob: Client, cast: Cast, ran: MakeRun, query: str, left: list[str]
) -> None:
    make_claim(cast.northlight, cast.bob, client_id="bobs-client")
    ran(Status.RUNNING, hours=1, title="b", submitter="mira")
    ran(Outcome.FAILED, hours=2, title="a", submitter="bobs-client")
    run = ran(Outcome.SUCCESS, hours=72, title="c", submitter=cast.bob.username)
    Run.objects.filter(pk=run.pk).update(workload="w9")

    assert names(page(bob, query)) == left


def test_it_filters_by_days_of_the_viewer(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS, title="then")
    Run.objects.filter(pk=run.pk).update(began_at=datetime.fromisoformat("2026-03-05T23:59:00Z"))

    assert names(page(bob, "?since=2026-03-05&until=2026-03-05")) == ["then"]
    assert names(page(bob, "?since=2026-03-06")) == []
    assert names(page(bob, "?until=2026-03-04")) == []


def test_it_filters_by_server(bob: Client, cast: Cast, ran: MakeRun, server: Server) -> None:
    ran(Outcome.SUCCESS, title="here")
    ran(Outcome.SUCCESS, title="there", on=make_server(cast.northlight, name="kino-02"))

    assert names(page(bob, f"?server={server.pk}")) == ["here"]


def test_another_teams_server_is_no_filter(bob: Client, cast: Cast, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, title="here")
    theirs = make_server(cast.southdark, name="secret-01")

    html = page(bob, f"?server={theirs.pk}")

    assert "This filter is not applied." in html
    assert "secret-01" not in html
    assert names(html) == ["here"]


@pytest.mark.parametrize(
    "query", ["?range=3y", "?status=odd", "?since=soon", "?server=x", "?until=2026-02-30"]
)
def test_a_filter_that_makes_no_sense_is_told_and_the_others_hold(
    bob: Client, ran: MakeRun, query: str
) -> None:
    ran(Outcome.SUCCESS, title="mine", submitter="bob")
    ran(Outcome.SUCCESS, title="another")

    html = page(bob, f"{query}&mine=1")

    assert 'role="alert"' in html
    assert names(html) == ["mine"]


def test_each_filter_can_be_taken_away_by_itself(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS)

    html = page(bob, "?status=completed&range=7d&mine=1")

    assert 'href="?status=completed&amp;mine=1" aria-label="Remove filter Started"' in html


def test_the_pages_follow_each_other_with_the_same_filters(bob: Client, ran: MakeRun) -> None:
    for number in range(PAGE_SIZE + 2):
        ran(Outcome.SUCCESS, hours=number + 1, title=f"run {number}")

    first = page(bob, "?status=completed")
    (following,) = re.findall(r'href="(\?[^"]*)" rel="next"', first)
    second = page(bob, following.replace("&amp;", "&"))

    assert "status=completed" in following
    assert names(first) + names(second) == [f"run {number}" for number in range(PAGE_SIZE + 2)]
    assert 'rel="next"' not in second


def test_a_cursor_of_another_list_begins_anew_and_says_so(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, title="here")

    html = page(bob, "?cursor=bm9uZQ")

    assert names(html) == ["here"]
    assert "none of this list" in html


def test_a_team_without_runs_is_told_where_they_come_from(bob: Client) -> None:
    assert "No runs yet" in page(bob)


def test_filters_that_leave_nothing_offer_the_way_back(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS)

    assert "Show all runs" in page(bob, "?status=lost")


def test_filters_that_leave_nothing_name_what_each_would_be_without(
    bob: Client, ran: MakeRun
) -> None:
    ran(Outcome.SUCCESS)

    html = page(bob, "?status=lost&range=7d")

    assert '<a class="btn" href="?status=lost">Without Started: last 7 days</a>' in html
    assert '<a class="btn" href="?range=7d">Without Status: lost</a>' in html


def test_who_finds_no_failed_run_is_told_where_failed_scenes_are(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, Outcome.FAILED)
    hint = "A run of which only some scenes completed is Partial"

    record = bob.get("/teams/northlight/runs/record/?status=failed").content.decode()

    assert hint in page(bob, "?status=failed")
    assert hint in record
    assert hint not in page(bob, "?range=7d&scene=nowhere")


# --- Statistics ---------------------------------------------------------------------------------


def panel(html: str) -> str:
    """Return the statistics of a page."""
    found = re.search(r'<section class="card" id="statistics".*?</section>', html)
    return found.group() if found else ""


def test_the_statistics_are_of_the_runs_that_the_address_leaves(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, Outcome.SUCCESS, hours=1)
    ran(Outcome.FAILED, hours=2)

    everything, failed = panel(page(bob)), panel(page(bob, "?status=failed"))

    assert "2 runs, 3 scenes" in everything
    assert '<span class="big">66.7%</span>' in everything
    assert "1 run, 1 scene" in failed
    assert '<span class="big">0.0%</span>' in failed


def test_they_tell_durations_in_words_and_as_they_are(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS)

    html = panel(page(bob))

    assert '<td class="num" title="90.00 s">1m 30s</td>' in html
    assert '<td class="num">–</td>' in html  # the deviation of one


def test_they_are_of_all_pages_and_not_of_the_one_that_is_shown(bob: Client, ran: MakeRun) -> None:
    for number in range(PAGE_SIZE + 1):
        ran(Outcome.SUCCESS, hours=number + 1)

    assert f"{PAGE_SIZE + 1} runs" in panel(page(bob))


def test_nothing_that_matches_has_no_statistics(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS)

    assert panel(page(bob, "?status=lost")) == ""


def test_an_open_page_asks_for_statistics_and_list_alone(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS, title="here")
    ran(Outcome.FAILED, title="elsewhere")
    html = page(bob, "?status=completed")
    (address,) = re.findall(r'data-refresh="([^"]*)"', html)

    part = bob.get(address.replace("&amp;", "&")).content.decode()

    assert address == "/teams/northlight/runs/record/?status=completed"
    assert names(re.sub(r"\s+", " ", part)) == ["here"]
    assert 'id="statistics"' in part
    assert "<html" not in part
    assert 'id="filters"' not in part


def test_workflows_can_be_chosen_by_name(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS, title="Harbor")
    Run.objects.filter(pk=run.pk).update(workload="abcdef0123456789")
    ran(Outcome.SUCCESS, title="Other")

    html = page(bob, "?workload=abcdef0123456789")

    wanted = '<option value="abcdef0123456789" selected>Harbor abcdef01 · 1 run lately</option>'
    assert wanted in html
    assert names(html) == ["Harbor"]


def test_a_workflow_that_is_long_gone_stays_chosen(bob: Client, ran: MakeRun) -> None:
    ran(Outcome.SUCCESS)

    assert '<option value="gone" selected>gone</option>' in page(bob, "?workload=gone")


def test_a_page_asks_as_often_for_many_runs_as_for_one(bob: Client, ran: MakeRun) -> None:
    ran(Status.RUNNING)
    page(bob)
    with CaptureQueriesContext(connection) as one:
        page(bob)
    for number in range(10):
        ran(Status.RUNNING, Outcome.SUCCESS, hours=number)
    with CaptureQueriesContext(connection) as many:
        page(bob)

    assert len(many) == len(one) <= 16


def test_a_run_is_compared_with_those_before_it(bob: Client, ran: MakeRun) -> None:
    for hours in range(9, 2, -1):
        ran(Outcome.SUCCESS, hours=hours)
    Run.objects.update(work="w", workload="w")
    slow = ran(Outcome.SUCCESS, hours=1)
    Run.objects.filter(pk=slow.pk).update(work="w", workload="w", work_s=180)

    rows = page(bob).split('<tr id="run-')[1:]

    assert '100%<span class="vh"> slower than usual' in rows[0]
    assert "n = 7" in rows[0]
    assert "n = 6" in rows[1]
    assert "delta" not in rows[-1]


def test_a_row_says_at_once_what_became_of_its_run(bob: Client, ran: MakeRun) -> None:
    run = ran(Status.RUNNING, title="Harbor")
    assert "Executing" in page(bob)

    Run.objects.filter(pk=run.pk).update(
        open_count=0, outcome="failed", duration_s=75, title="Pier"
    )
    row = page(bob).split('<tr id="run-')[1]

    assert names(f'<tr id="run-{row}') == ["Pier"]
    assert "Failed" in row
    assert ">1m 15s<" in row


def test_a_run_that_is_archived_is_at_once_no_baseline(bob: Client, ran: MakeRun) -> None:
    older = [ran(Outcome.SUCCESS, hours=hours) for hours in range(9, 1, -1)]
    ran(Outcome.SUCCESS, hours=1)
    Run.objects.update(work="w", workload="w")
    assert "n = 8" in page(bob).split('<tr id="run-')[1]

    Run.objects.filter(pk=older[0].pk).update(archived_at=timezone.now())

    assert "n = 7" in page(bob).split('<tr id="run-')[1]


def test_a_new_run_is_among_the_figures_and_the_workflows_at_once(
    bob: Client, ran: MakeRun
) -> None:
    ran(Outcome.SUCCESS)
    assert "1 run, 1 scene" in page(bob)

    Run.objects.filter(pk=ran(Outcome.FAILED).pk).update(workload="harbor-2", title="Harbor")
    html = page(bob)

    assert "2 runs, 2 scenes" in html
    assert "Harbor harbor-2" in html


def test_a_run_that_is_gone_is_in_no_figure(bob: Client, ran: MakeRun) -> None:
    run = ran(Outcome.SUCCESS)
    ran(Outcome.FAILED)
    assert "2 runs, 2 scenes" in page(bob)

    run.delete()

    assert "1 run, 1 scene" in page(bob)


def test_each_reads_times_in_a_zone_of_their_own(bob: Client, cast: Cast, ran: MakeRun) -> None:
    began_at = datetime.fromisoformat("2026-03-05T23:59:00Z")
    Run.objects.filter(pk=ran(Outcome.SUCCESS).pk).update(began_at=began_at)
    place = f'<time datetime="{began_at.isoformat()}" data-clock="{began_at.isoformat()}">'
    assert f"{place}5 Mar 23:59</time>" in page(bob).split('<tr id="run-')[1]

    make_preferences(cast.bob, time_zone="Asia/Tokyo")
    row = page(bob).split('<tr id="run-')[1]

    assert f"{place}6 Mar 08:59</time>" in row
    # As every other page tells it.
    with timezone.override("Asia/Tokyo"):
        assert render_to_string("history/_time.html", {"at": began_at}) in row

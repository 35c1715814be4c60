"""What the collector finds of a server when it begins again."""

from datetime import timedelta

import pytest

from history import retention, turn
from history.models import Attempt, Run
from history.outlook import outlook
from history.pace import Pace
from history.purge import Purge
from history.recall import recall
from history.rows import Told, write_rows
from telemetry.leases import claim
from telemetry.models import Server, Team
from tests.telemetry.test_machine import BEGAN, PLAIN, SAMPLER, Feed, prompt, success

pytestmark = pytest.mark.django_db


@pytest.fixture
def leased():
    team = Team.objects.create(name="Northlight", slug="northlight")
    Server.objects.create(team=team, name="kino-01", url="http://kino-01:8188")
    return claim("me", BEGAN)[0]


def restarted(leased, feed):
    """Return a feed whose state is what the record holds after a kill of the site."""
    write_rows([Told(leased, feed.changes, [])])
    again = Feed()
    again.state = recall(leased.server_id).state()
    return again


def test_it_goes_on_with_a_prompt_that_still_runs(leased):
    feed = Feed()
    feed.queue(0, running=[prompt("a", 4)], pending=[prompt("b", 5)])

    again = restarted(leased, feed)
    again.queue(60, running=[prompt("a", 4)], pending=[prompt("b", 5)])

    assert again.changes == []
    assert again.state.running_attempt().key.prompt_id == "a"


def test_it_learns_the_end_of_what_ended_meanwhile(leased):
    feed = Feed()
    feed.queue(0, running=[prompt("a", 4)])

    again = restarted(leased, feed)
    again.queue(60)
    again.history(60, (prompt("a", 4), success(0, 20)))

    assert again.ends() == {"a": ("success", "")}


def test_files_on_record_are_not_told_again_after_a_restart(leased):
    left = {"9": {"images": [{"filename": "a.png"}]}}
    feed = Feed()
    feed.history(20, (prompt("a", 4), success(0, 20), left))

    again = restarted(leased, feed)
    again.history(60, (prompt("a", 4), success(0, 20), left))

    assert again.changes == []


def test_it_calls_lost_what_comfyui_forgot_meanwhile(leased):
    feed = Feed()
    feed.history(0, (prompt("z", 3), success(-9, -1)))
    feed.queue(0, running=[prompt("a", 4)], pending=[prompt("b", 5)])

    again = restarted(leased, feed)
    again.queue(60)
    again.history(60)

    assert again.ends()["a"] == again.ends()["b"] == ("lost", "ComfyUI restarted")


def test_it_records_nothing_twice_that_it_knew(leased):
    feed = Feed()
    feed.history(0, (prompt("z", 3), success(-9, -1)))

    again = restarted(leased, feed)
    again.history(60, (prompt("z", 3), success(-9, -1)))

    assert again.changes == []


def a_purged_server(leased, feed, ended_s):
    """Return a feed that begins anew after all runs that ended before then were deleted."""
    write_rows([Told(leased, feed.changes, [])])
    before = BEGAN + timedelta(seconds=ended_s)
    Run.objects.update(touched_at=BEGAN - timedelta(days=1))
    rule = retention.RUNS
    Purge([retention.Due(rule, before)], turn.take(), pace=Pace(pause=lambda _: None)).run()
    feed.changes.clear()
    return restarted(leased, feed)


def test_it_does_not_find_again_what_was_deleted_for_its_age(leased):
    feed = Feed()
    old, young = (prompt("old", 3), success(-9, -5)), (prompt("young", 4), success(-4, -1))
    feed.history(0, old, young)

    again = a_purged_server(leased, feed, -4.5)
    again.history(60, old, young)
    again.history(120, old, young)

    assert again.changes == []
    assert [row.prompt_id for row in Attempt.objects.all()] == ["young"]


def test_it_records_what_ended_since_what_was_deleted(leased):
    feed = Feed()
    feed.history(0, (prompt("old", 3), success(-9, -5)))

    again = a_purged_server(leased, feed, -4.5)
    again.history(60, (prompt("old", 3), success(-9, -5)), (prompt("new", 4), success(-9, -4.5)))

    assert {change.key.prompt_id for change in again.changes} == {"new"}


def test_it_knows_a_prompt_that_runs_again_under_a_deleted_id(leased):
    feed = Feed()
    feed.history(0, (prompt("a", 3), success(-9, -5)))

    again = a_purged_server(leased, feed, -4.5)
    again.history(60, (prompt("a", 3), success(-9, -5)))
    again.queue(61, running=[prompt("a", 9)])

    assert again.state.running_attempt().key.prompt_id == "a"


def test_it_knows_how_long_a_workload_took(leased):
    feed = Feed()
    for number, length in enumerate([10, 14, 30]):
        feed.history(
            100,
            (prompt(f"p{number}", number, {**PLAIN, **SAMPLER}), success(0, length)),
            complete=False,
        )
    write_rows([Told(leased, feed.changes, [])])
    workload = feed.changes[0].facts.workload

    told = outlook(leased.server_id, workload)

    assert (told.count, told.median_s, told.low_s, told.high_s) == (3, 14.0, 10.0, 30.0)


def test_it_guesses_nothing_for_the_first_of_its_kind(leased):
    assert outlook(leased.server_id, "unknown") is None


def test_it_learns_nothing_from_a_clock_that_jumped(leased):
    feed = Feed()
    for number, (start, end) in enumerate([(0, 31 * 86400), (0, -3600), (0, 7)]):
        told = prompt(f"p{number}", number, {**PLAIN, **SAMPLER}), success(start, end)
        feed.history(100, told, complete=False)
    write_rows([Told(leased, feed.changes, [])])

    told = outlook(leased.server_id, feed.changes[0].facts.workload)

    assert (told.count, told.median_s) == (1, 7.0)

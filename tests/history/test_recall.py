"""What the collector finds of a server when it begins again."""

import pytest

from history.outlook import outlook
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

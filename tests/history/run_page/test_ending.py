"""When a run that is at work should be over, on its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from history.models import Run, Scene
from history.run_page.ending import ending
from history.run_page.reading import read_run
from history.settling import note_servers, settle
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db

AT = timezone.now().replace(microsecond=0)
WORK = "w" * 64


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def server(people):
    return cast.make_server(people.northlight)


def took(server, *seconds, workload=WORK):
    """Put so many completed attempts of a workload on record."""
    for lasted_s in seconds:
        ended = {"status": Status.ENDED, "outcome": Outcome.SUCCESS, "ended_at": AT}
        cast.make_attempt(server, workload=workload, duration_s=lasted_s, **ended)


def at_work(server, *places, run=None, at=AT, began_s=30.0, workload=WORK):
    """Return a run of which the first prompt runs for `began_s` now, and the others wait."""
    run = run or cast.make_run(server.team, began_at=AT)
    for place in places:
        running = place == 0
        words = {"status": Status.RUNNING if running else Status.QUEUED, "workload": workload}
        words |= {"started_at": at - timedelta(seconds=began_s) if running else None}
        scene = cast.make_scene(run, external_id=f"scene-{server.pk}-{place}")
        cast.make_attempt(server, scene, number=float(place), **words)
    ids = list(Scene.objects.filter(run=run).values_list("pk", flat=True))
    settle(ids)
    note_servers(ids)
    return Run.objects.get(pk=run.pk)


def told(run):
    return ending(read_run(run, AT))


def test_it_ends_when_its_last_prompt_does(server):
    took(server, 90, 100, 120)

    end = told(at_work(server, 0, 1))

    assert end.at == AT + timedelta(seconds=70 + 100)
    assert (end.earliest, end.latest) == (AT + timedelta(seconds=150), AT + timedelta(seconds=210))
    assert end.note == "n = 3"


def test_what_waits_before_it_counts_whosever_it_is(server):
    took(server, 100)
    at_work(server, 0, 1)

    end = told(at_work(server, 2))

    assert end.at == AT + timedelta(seconds=70 + 100 + 100)


def test_the_last_of_its_servers_tells(people, server):
    took(server, 100)
    other = cast.make_server(people.northlight, name="kino-02")
    run = at_work(server, 0)

    end = told(at_work(other, 0, 1, run=run))

    assert end.at == AT + timedelta(seconds=170)


def test_work_of_unknown_length_ends_nobody_knows_when(server):
    took(server, 100)

    end = told(at_work(server, 0, workload="x" * 64))

    assert (end.at, end.note) == (None, "1 prompt of unknown length")


def test_a_run_that_is_over_has_no_end_to_come(server):
    took(server, 100)

    assert told(Run.objects.get()) is None


def test_its_page_says_when(client, people, server):
    took(server, 100)
    run = at_work(server, 0, at=timezone.now())
    client.force_login(people.bob)

    html = client.get(f"/teams/northlight/runs/{run.pk}/").content.decode()

    assert "Finishes about" in html
    assert 'data-note="n = 1" data-spread' in html


def test_its_page_says_why_nobody_can_tell_when(client, people, server):
    run = at_work(server, 0, 1, at=timezone.now())
    client.force_login(people.bob)

    html = client.get(f"/teams/northlight/runs/{run.pk}/").content.decode()

    assert "Nobody can tell yet when it finishes: 2 prompts of unknown length.</p>" in html

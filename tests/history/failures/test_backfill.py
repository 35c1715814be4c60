"""history/failures/backfill.py and `manage.py sort_failures`: what was on record already."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from history.failures import backfill
from history.models import Attempt, FailureFamily
from history.pace import SMALLEST, Pace
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed():
    server = cast.make_server(cast.make_team("Northlight"))
    scene = cast.make_scene(cast.make_run(server.team))
    ended = {"status": Status.ENDED, "ended_at": cast.NOON, "error_type": "ValueError"}
    kinds = [Outcome.FAILED] * 5 + [Outcome.SUCCESS] * 3
    return [cast.make_attempt(server, scene, outcome=kind, **ended) for kind in kinds]


def told(**options):
    out = io.StringIO()
    call_command("sort_failures", stdout=out, **options)
    return out.getvalue()


def quick(largest=SMALLEST):
    return Pace(largest, pause=lambda seconds: None)


def test_it_sorts_what_failed(failed):
    assert told() == "Looked at 5 failures; 5 came into a family.\n"
    assert FailureFamily.objects.get().count == 5


def test_run_again_it_finds_nothing_left(failed):
    told()

    assert told() == "Looked at 0 failures; 0 came into a family.\n"
    assert FailureFamily.objects.get().count == 5


def test_it_goes_in_batches_and_says_how_far_it_is(failed):
    batches = []

    backfill.sort(quick(largest=2), batches.append)

    assert batches == [2, 2, 1]


def test_stopped_half_way_it_goes_on_where_it_was(failed):
    class Halt(Exception):
        pass

    def halt(some):
        raise Halt

    with pytest.raises(Halt):
        backfill.sort(quick(largest=2), halt)
    assert FailureFamily.objects.get().count == 2

    assert told() == "Looked at 3 failures; 3 came into a family.\n"
    assert FailureFamily.objects.get().count == 5


def test_again_it_moves_what_belongs_elsewhere_now(failed):
    told()
    Attempt.objects.filter(outcome=Outcome.FAILED).update(error_type="TypeError")
    Attempt.objects.filter(pk=failed[0].pk).update(outcome=Outcome.CANCELLED)

    assert told(again=True) == "Looked at 5 failures; 4 came into a family.\n"

    counts = dict(FailureFamily.objects.values_list("error_type", "count"))
    assert counts == {"ValueError": 0, "TypeError": 4}


def test_where_the_database_gives_up_it_says_how_to_go_on(failed, monkeypatch):
    def away(ids):
        raise OperationalError("lock timeout")

    monkeypatch.setattr(backfill, "keep", away)
    monkeypatch.setattr("history.pace.RETRY_DELAYS_S", ())

    with pytest.raises(CommandError, match="run the command again to go on"):
        told()

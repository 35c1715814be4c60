"""history/closing.py: what was open on a server when it was deleted."""

from datetime import timedelta

import pytest

from history.closing import close_deleted
from history.models import Attempt, FailureFamily, Scene
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db
LATER = cast.NOON + timedelta(minutes=5)


def test_it_ends_the_open_attempts_of_a_deleted_server_as_lost():
    server, other = (cast.make_server(cast.make_team(f"Team-{n}")) for n in range(2))
    lost, kept = cast.make_attempt(server), cast.make_attempt(other)
    done = cast.make_attempt(server, status=Status.ENDED, outcome=Outcome.SUCCESS)
    server.retire(cast.NOON)

    assert close_deleted(LATER) == 1

    by_id = {a.pk: (a.status, a.outcome, a.reason) for a in Attempt.objects.all()}
    assert by_id[lost.pk] == (Status.ENDED, Outcome.LOST, "its server was deleted")
    assert by_id[kept.pk][:2] == (Status.QUEUED, None)
    assert by_id[done.pk][:2] == (Status.ENDED, Outcome.SUCCESS)
    assert Scene.objects.get(pk=lost.scene_id).outcome == Outcome.LOST
    assert close_deleted(LATER) == 0
    assert FailureFamily.objects.get().message == "its server was deleted"


def test_it_waits_until_nobody_writes_any_more():
    server = cast.make_attempt(cast.make_server(cast.make_team("Northlight"))).server
    server.retire(cast.NOON)

    assert close_deleted(cast.NOON + timedelta(seconds=59)) == 0


def test_it_keeps_the_outcome_that_a_scene_has():
    server = cast.make_server(cast.make_team("Northlight"))
    scene = cast.make_scene(cast.make_run(server.team), outcome=Outcome.SUCCESS)
    cast.make_attempt(server, scene, status=Status.ENDED, outcome=Outcome.SUCCESS)
    cast.make_attempt(server, scene)
    server.retire(cast.NOON)

    close_deleted(LATER)

    scene.refresh_from_db()
    assert scene.outcome == Outcome.SUCCESS

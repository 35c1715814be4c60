"""Which attempt decides a scene on pages: the one that the record settles it by."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from history.deciding import because, deciding
from history.models import Attempt, Scene
from history.settling import settle
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db

AT = datetime(2025, 11, 13, 21, 38, tzinfo=UTC)
# How an attempt went: its outcome, None for one that goes on, and its frames.
WAYS = [
    (Outcome.SUCCESS, 25),
    (Outcome.SUCCESS, 2),
    (Outcome.SUCCESS, 0),
    (Outcome.SUCCESS, None),
    (Outcome.PARTIAL, 4),
    (Outcome.FAILED, None),
    (None, None),
]


def tried(*ways):
    """Return a scene with a floor of 25 frames, and its attempts, which went so."""
    server = cast.make_server(cast.make_team("Northlight"))
    scene = cast.make_scene(cast.make_run(server.team, began_at=AT, touched_at=AT), frame_floor=25)
    for number, (outcome, frames) in enumerate(ways):
        at = AT + timedelta(minutes=number)
        words = {"outcome": outcome, "frames": frames, "submitted_at": at, "seen_at": at}
        ended = {"status": Status.ENDED, "ended_at": at + timedelta(seconds=9)}
        cast.make_attempt(server, scene, **words, **(ended if outcome else {}))
    settle([scene.pk])
    return Scene.objects.get(pk=scene.pk), list(Attempt.objects.filter(scene=scene).order_by("pk"))


@pytest.mark.parametrize("ways", list(product(range(len(WAYS)), repeat=2)))
def test_it_is_the_attempt_that_the_scene_is_settled_by(ways):
    scene, attempts = tried(*(WAYS[n] for n in (*ways, ways[0])))

    best = deciding(scene, attempts)

    assert (best.ended_at, best.frames) == (scene.ended_at, scene.frames)
    assert best.submitted_at == scene.began_at


@pytest.mark.parametrize(
    ("ways", "why"),
    [
        ([(Outcome.PARTIAL, 2), (Outcome.SUCCESS, 25)], "it completed with 25 frames"),
        (
            [(Outcome.SUCCESS, 25), (Outcome.SUCCESS, 26)],
            "it is the newest of 2 that completed with 26 frames",
        ),
        ([(Outcome.PARTIAL, 4), (Outcome.PARTIAL, 2)], "it has most frames: 4 of 25"),
        (
            [(Outcome.PARTIAL, 4), (Outcome.PARTIAL, 4)],
            "it is the newest of 2 with most frames: 4 of 25",
        ),
        ([(Outcome.FAILED, None), (Outcome.FAILED, None)], "none completed and it is the newest"),
        ([(Outcome.SUCCESS, None)], ""),
    ],
)
def test_it_says_why_just_this_one(ways, why):
    assert because(*tried(*ways)) == why

"""Bells: what a person wants to be told of, kept until it is told."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.models import Attempt, RunWatch
from history.run_watches import MOST
from history.settling import settle
from tests.cast import Cast, make_attempt, make_cast, make_run, make_scene, make_server, make_watch

pytestmark = pytest.mark.django_db

BELLS = "/teams/northlight/bells/"


@pytest.fixture
def cast() -> Cast:
    """Return the cast."""
    return make_cast()


@pytest.fixture
def attempt(cast: Cast) -> Attempt:
    """Return a prompt at work, of a run of two scenes."""
    run = make_run(cast.northlight, story_id="Harbor at Dusk")
    scene = make_scene(run, external_id="scene-003")
    words = {"scene_id": "scene-003", "story_id": "Harbor at Dusk"}
    server = make_server(cast.northlight)
    return make_attempt(server, scene, prompt_id="9f6b", status="running", extra_data=words)


def browser_of(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def press(user: User, what: str, on: str = "1") -> Any:
    """Return the answer to the press of a bell."""
    return browser_of(user).post(BELLS, {"what": what, "on": on})


def listed(user: User) -> list[dict[str, Any]]:
    """Return the user's bells."""
    found: list[dict[str, Any]] = browser_of(user).get(BELLS).json()["bells"]
    return found


def end(attempt: Attempt, seconds_ago: float = 60, outcome: str = "success") -> None:
    """End an attempt, and its scene with it."""
    attempt.status, attempt.outcome = "ended", outcome
    attempt.ended_at = timezone.now() - timedelta(seconds=seconds_ago)
    attempt.save()
    attempt.scene.outcome = outcome
    attempt.scene.save()


def run_of(attempt: Attempt) -> str:
    """Return what the bell of the attempt's run is on."""
    return f"run:{attempt.scene.run_id}"


def prompt_of(attempt: Attempt) -> str:
    """Return what the attempt's own bell is on."""
    return f"prompt:{attempt.server_id}:{attempt.prompt_id}"


def test_a_bell_is_kept_for_who_pressed_it(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))
    press(cast.bob, prompt_of(attempt))

    assert [(bell["what"], bell["name"], bell["end"]) for bell in listed(cast.bob)] == [
        (run_of(attempt), "Harbor at Dusk", None),
        (prompt_of(attempt), "Scene 3 of Harbor at Dusk", None),
    ]
    assert listed(cast.olga) == []


def test_a_bell_that_is_pressed_twice_is_one(cast: Cast, attempt: Attempt) -> None:
    for what in (run_of(attempt), prompt_of(attempt)) * 2:
        press(cast.bob, what)

    assert len(listed(cast.bob)) == 2


def test_a_bell_is_taken_back_by_its_owner_alone(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))

    press(cast.olga, run_of(attempt), on="0")
    assert len(listed(cast.bob)) == 1

    press(cast.bob, run_of(attempt), on="0")
    assert listed(cast.bob) == []


def test_who_was_away_is_told_how_a_prompt_ended(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, prompt_of(attempt))
    end(attempt, outcome="failed")

    [bell] = listed(cast.bob)

    assert (bell["end"]["label"], bell["end"]["tone"]) == ("Failed", "bad")
    assert attempt.ended_at is not None
    assert bell["end"]["at"] == attempt.ended_at.isoformat()


def test_who_was_away_is_told_how_a_run_ended(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))
    other = make_attempt(attempt.server, make_scene(attempt.scene.run), status="queued")
    end(attempt)
    assert listed(cast.bob)[0]["end"] is None

    end(other, outcome="failed")

    assert listed(cast.bob)[0]["end"]["label"] == "Partial"


def test_a_run_whose_end_nobody_knows_is_told_as_unknown(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))
    end(attempt)
    make_attempt(attempt.server, scene := make_scene(attempt.scene.run), status="ended")
    settle([attempt.scene_id, scene.pk])

    end_told = listed(cast.bob)[0]["end"]

    assert (end_told["label"], end_told["tone"]) == ("Unknown", "mute")


def test_a_run_is_not_over_between_two_of_its_scenes(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))

    end(attempt, seconds_ago=3)

    assert listed(cast.bob)[0]["end"] is None


def test_a_run_that_is_one_prompt_is_over_with_it(cast: Cast) -> None:
    run = make_run(cast.northlight, source="prompt", external_id="3/9f6b2c41-5d5e/0")
    attempt = make_attempt(make_server(cast.northlight), make_scene(run), status="running")
    make_watch(cast.bob, run)

    end(attempt, seconds_ago=0)

    assert listed(cast.bob)[0]["end"]["label"] == "Completed"


def test_a_run_that_is_one_prompt_has_that_ones_name(cast: Cast) -> None:
    run = make_run(cast.northlight, source="prompt", external_id="3/9f6b2c41-5d5e/0")
    server = make_server(cast.northlight)
    make_attempt(server, make_scene(run), prompt_id="9f6b2c41-5d5e", status="running")
    make_watch(cast.bob, run)

    assert listed(cast.bob)[0]["name"] == "Prompt 9f6b2c41"


@pytest.mark.parametrize(
    "what", ["", "run:", "run:x", "run:999999", "team:1", "prompt:1", "prompt:x:9f6b", "run:1" * 99]
)
def test_what_is_not_there_has_no_bell(cast: Cast, what: str) -> None:
    assert press(cast.bob, what).status_code == 404
    assert not RunWatch.objects.exists()


def test_nobody_watches_a_run_of_another_team(cast: Cast) -> None:
    foreign = make_attempt(make_server(cast.southdark))

    assert press(cast.bob, run_of(foreign)).status_code == 404
    assert press(cast.bob, prompt_of(foreign)).status_code == 404


def test_a_bell_in_one_team_is_not_set_on_the_page_of_another(cast: Cast, attempt: Attempt) -> None:
    response = browser_of(cast.mallory).post(
        "/teams/southdark/bells/", {"what": run_of(attempt), "on": "1"}
    )

    assert response.status_code == 404


def test_the_oldest_bell_gives_way(cast: Cast, attempt: Attempt) -> None:
    for _ in range(MOST):
        make_watch(cast.bob, make_run(cast.northlight))
    oldest = RunWatch.objects.earliest("pk")

    press(cast.bob, run_of(attempt))

    assert RunWatch.objects.count() == MOST
    assert not RunWatch.objects.filter(pk=oldest.pk).exists()


def test_a_bell_goes_with_its_run(cast: Cast, attempt: Attempt) -> None:
    press(cast.bob, run_of(attempt))

    attempt.scene.run.delete()

    assert not RunWatch.objects.exists()

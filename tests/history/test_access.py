"""history/access.py: who reaches what is on record."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404

from history.access import attempt_for, graph_for, run_for, scene_for, traceback_for
from tests.cast import Cast, make_attempt, make_cast, make_graph, make_server

pytestmark = pytest.mark.django_db

Reach = Callable[[Any, int], Any]

FOR_VIEWERS: dict[str, Reach] = {
    "run": run_for,
    "scene": scene_for,
    "attempt": attempt_for,
}
FOR_OPERATORS: dict[str, Reach] = {
    "graph": graph_for,
    "traceback": traceback_for,
}
EVERY = FOR_VIEWERS | FOR_OPERATORS


def record_of(cast: Cast) -> dict[str, Model]:
    """Return an attempt of Northlight that has a graph and a traceback, and what it is part of."""
    attempt = make_attempt(make_server(cast.northlight), traceback="Traceback …")
    make_graph(attempt)
    return {
        "run": attempt.scene.run,
        "scene": attempt.scene,
        "attempt": attempt,
        "graph": attempt,
        "traceback": attempt,
    }


@pytest.mark.parametrize("kind", FOR_VIEWERS)
def test_it_gives_viewers_the_object(kind: str) -> None:
    cast = make_cast()
    record = record_of(cast)

    assert EVERY[kind](cast.bob, record[kind].pk) == record[kind]


@pytest.mark.parametrize("kind", FOR_OPERATORS)
def test_it_refuses_viewers_what_may_hold_secrets(kind: str) -> None:
    cast = make_cast()
    record = record_of(cast)

    with pytest.raises(PermissionDenied):
        EVERY[kind](cast.bob, record[kind].pk)


@pytest.mark.parametrize("kind", EVERY)
def test_it_gives_operators_everything(kind: str) -> None:
    cast = make_cast()
    record = record_of(cast)

    assert EVERY[kind](cast.olga, record[kind].pk)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("name", ["mallory", "root"])
def test_it_hides_everything_from_outsiders(name: str, kind: str) -> None:
    cast = make_cast()
    record = record_of(cast)

    with pytest.raises(Http404):
        EVERY[kind](getattr(cast, name), record[kind].pk)


@pytest.mark.parametrize("kind", EVERY)
def test_it_answers_404_for_what_is_not_there(kind: str) -> None:
    cast = make_cast()
    record_of(cast)

    with pytest.raises(Http404):
        EVERY[kind](cast.alice, 12345)


def test_it_answers_404_for_a_graph_that_was_not_kept() -> None:
    cast = make_cast()
    attempt = make_attempt(make_server(cast.northlight))

    with pytest.raises(Http404):
        graph_for(cast.olga, attempt.pk)


def test_it_answers_404_for_a_traceback_that_there_is_not() -> None:
    cast = make_cast()
    attempt = make_attempt(make_server(cast.northlight))

    with pytest.raises(Http404):
        traceback_for(cast.olga, attempt.pk)

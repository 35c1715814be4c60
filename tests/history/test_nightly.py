"""The purge by beat: once a day, caught up on, one at a time, to be gone on with."""

import logging
from datetime import timedelta

import pytest

from history import nightly, turn
from history.models import ActivityEvent, PurgeState
from tests import cast

pytestmark = pytest.mark.django_db
NOON = cast.NOON
STRUCK = NOON.replace(hour=3)


@pytest.fixture
def old_line():
    server = cast.make_server(cast.make_team("Northlight"))
    return cast.make_activity(server, at=NOON - timedelta(days=31))


def finished(at):
    mine = turn.take()
    mine.give_back(at)


def test_it_is_due_where_none_has_ever_ended():
    assert nightly.is_due(NOON)


@pytest.mark.parametrize(
    ("now", "finished_at", "due"),
    [
        (NOON, STRUCK - timedelta(seconds=1), True),
        (NOON, STRUCK, False),
        (STRUCK, STRUCK - timedelta(hours=23), True),
        (STRUCK - timedelta(seconds=1), STRUCK - timedelta(hours=23), False),
        (STRUCK - timedelta(seconds=1), STRUCK - timedelta(hours=25), True),
    ],
)
def test_it_is_due_once_after_each_strike_of_its_hour(now, finished_at, due):
    finished(finished_at)

    assert nightly.is_due(now) is due


def test_it_deletes_says_so_and_is_done_for_the_day(old_line, caplog):
    with caplog.at_level(logging.INFO, "history"):
        nightly.purge(NOON, lambda: False)

    assert not ActivityEvent.objects.exists()
    assert "activity       2026-02-02 12:00:00        1" in caplog.text
    assert not nightly.is_due(NOON)


def test_it_does_nothing_when_it_is_not_due(old_line):
    finished(NOON)

    nightly.purge(NOON, lambda: False)

    assert ActivityEvent.objects.exists()


def test_it_leaves_the_work_to_who_is_at_it(old_line):
    turn.take()

    nightly.purge(NOON, lambda: False)

    assert ActivityEvent.objects.exists()


def test_it_goes_on_next_time_when_it_was_stopped(old_line):
    nightly.purge(NOON, lambda: True)
    assert ActivityEvent.objects.exists()
    assert nightly.is_due(NOON)

    nightly.purge(NOON, lambda: False)

    assert not ActivityEvent.objects.exists()


def test_it_gives_its_turn_back_when_it_fails(old_line, monkeypatch):
    def fail(purge):
        raise RuntimeError("a bug")

    monkeypatch.setattr(nightly.Purge, "run", fail)

    with pytest.raises(RuntimeError):
        nightly.purge(NOON, lambda: False)

    assert PurgeState.objects.get().owner is None
    assert nightly.is_due(NOON)

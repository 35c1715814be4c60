"""A changed address: the same ComfyUI, or another machine."""

from datetime import timedelta

import pytest

from telemetry import transitions as t
from telemetry.activity import happenings
from telemetry.contact import Answered
from telemetry.moving import Moved
from telemetry.record import Memory
from telemetry.referee import PagedBack, PagingBack
from telemetry.words import Outcome
from tests.telemetry.test_machine import BEGAN, Feed, prompt, success

NEW = "http://kino-02:8188"
LOST = ("lost", "its server was moved to another address")


@pytest.fixture
def feed():
    """Return a feed that knows one ended, one running and one waiting prompt, and then moves."""
    feed = Feed()
    feed.queue(0, running=[prompt("a", 1)])
    feed.queue(4, running=[prompt("b", 2)], pending=[prompt("c", 3)])
    feed.history(4, (prompt("a", 1), success(0, 3)))
    before, feed.changes = feed.state, []
    recalled = Memory(list(before.ended.values()), before.open_attempts(), list(before.recent))
    feed.state = recalled.state()
    feed.at(10, Moved(NEW))
    feed.at(10, Answered(0.0))
    return feed


def told(feed):
    """Return (same, lost) of the one change of address that was told."""
    (change,) = [c for c in feed.changes if isinstance(c, t.AddressChanged)]
    assert change.url == NEW
    return change.same, change.lost


def kinds(feed, *wanted):
    return [c for c in feed.changes if isinstance(c, wanted)]


def test_it_is_the_same_where_a_known_prompt_runs_on(feed):
    feed.queue(11, running=[prompt("b", 2)], pending=[prompt("c", 3)])
    feed.history(11, complete=False)
    feed.at(11, PagedBack())

    assert told(feed) == (True, 0)
    assert {a.key.prompt_id for a in feed.state.open_attempts()} == {"b", "c"}
    assert kinds(feed, t.AttemptSeen, t.AttemptEnded, t.ServerRestarted, t.BlindWindowEnded) == []


def test_it_is_the_same_where_the_history_names_a_known_prompt(feed):
    feed.queue(11)
    feed.history(11, (prompt("b", 2), success(4, 9)), (prompt("c", 3), success(9, 10)))

    assert told(feed) == (True, 0)
    assert [c.outcome for c in kinds(feed, t.AttemptEnded)] == [Outcome.SUCCESS] * 2


def test_it_is_another_machine_where_neither_names_any(feed):
    feed.queue(11, running=[prompt("x", 1)])
    feed.history(11, (prompt("w", 0), success(1, 2)))

    assert told(feed) == (False, 2)
    assert feed.ends()["b"] == feed.ends()["c"] == LOST
    assert feed.ends()["a"][0] == "success"
    assert [a.key.prompt_id for a in feed.state.open_attempts()] == ["x"]
    assert kinds(feed, t.ServerRestarted) == []
    (blind,) = kinds(feed, t.BlindWindowEnded)
    assert (blind.began_at, blind.reason) == (
        BEGAN + timedelta(seconds=10),
        f"its address changed to {NEW}",
    )


def test_it_is_another_machine_where_the_same_ids_have_other_numbers(feed):
    feed.queue(11)
    feed.history(11, (prompt("a", 77), success(1, 2)))

    assert told(feed) == (False, 2)


def test_it_judges_nobody_before_the_history_is_read(feed):
    feed.queue(11)
    feed.history(11, *[(prompt(f"x{n}", n), success(1, 2)) for n in range(8)], complete=False)
    feed.history(11, complete=False, only="b")
    feed.history(11, complete=False, only="c")

    assert {a.key.prompt_id for a in feed.state.open_attempts()} == {"b", "c"}
    assert kinds(feed, t.AddressChanged) == []


def test_it_decides_once_a_long_history_was_read_to_its_end(feed):
    feed.queue(11)
    feed.at(11, PagingBack())
    for page in range(2):
        entries = [(prompt(f"x{page}-{n}", n), success(1, 2)) for n in range(50)]
        feed.history(11, *entries, complete=False)
        feed.history(11, *entries, complete=False)  # what was read becomes known meanwhile
    feed.at(12, PagedBack())

    assert told(feed) == (False, 2)
    assert feed.ends()["b"] == LOST


def test_it_recognises_a_prompt_deep_in_a_long_history(feed):
    feed.queue(11, running=[prompt("y", 200)])
    feed.history(11, *[(prompt(f"x{n}", n), success(1, 2)) for n in range(50)], complete=False)
    feed.history(12, (prompt("a", 1), success(0, 3)), complete=False)
    feed.at(12, PagedBack())

    assert told(feed) == (True, 0)


def test_it_calls_a_prompt_cancelled_that_the_same_comfyui_knows_no_more(feed):
    feed.queue(11, running=[prompt("b", 2)])
    feed.history(11, (prompt("a", 1), success(0, 3)))

    assert told(feed) == (True, 0)
    assert feed.ends()["c"] == ("cancelled", "removed from the queue")


def test_it_says_nothing_of_sameness_where_nothing_was_known():
    feed = Feed()
    feed.at(10, Moved(NEW))
    feed.queue(11, running=[prompt("x", 1)])
    feed.history(11)

    assert told(feed) == (None, 0)
    assert kinds(feed, t.BlindWindowEnded) == []


@pytest.mark.parametrize(
    ("running", "detail"),
    [("b", "the same ComfyUI goes on"), ("x", "another ComfyUI; 2 attempts lost")],
)
def test_the_activity_says_that_the_address_changed(feed, running, detail):
    feed.queue(11, running=[prompt(running, 2)])
    feed.history(11)

    lines = happenings(feed.state, feed.changes)
    (line,) = [line for line in lines if line.kind == "address"]
    assert (line.text, line.detail) == (f"Its address changed to {NEW}", detail)


def test_it_is_told_once(feed):
    feed.queue(11, running=[prompt("b", 2)])
    for second in (11, 12, 13):
        feed.history(second)
        feed.at(second, PagedBack())

    assert told(feed) == (True, 0)

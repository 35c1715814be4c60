"""How a server is watched, as its page tells it."""

import pytest

from telemetry.contact import Answered, SocketClosed, SocketOpened, Unanswered
from telemetry.link_rows import link_of
from telemetry.machine import ServerState
from tests.telemetry.sample_cards import NOW


def state(*events):
    state = ServerState()
    for event in events:
        state.apply(event, NOW)
    return state


def opened(*events, measured=False):
    """Return the channels that are open after the events."""
    return [c.name for c in link_of(state(*events), measured).channels if c.open]


def test_it_names_the_channels_that_are_open():
    assert opened() == []
    assert opened(Answered(), SocketOpened(log_stream=False)) == ["WebSocket", "Queue and history"]
    assert opened(SocketOpened(log_stream=True)) == ["WebSocket", "Log stream"]
    assert opened(measured=True) == ["GPU sensors"]


def test_a_channel_that_broke_is_not_open():
    closed = (SocketOpened(log_stream=True), SocketClosed("the WebSocket closed with 1006"))

    assert opened(*closed) == []
    assert opened(Answered(), Unanswered("no answer", refused=False, since=NOW)) == []


@pytest.mark.parametrize(
    ("skew_s", "words"),
    [(None, "–"), (0.0, "as ours"), (3.4, "+3\u00a0s"), (-7200.2, "-7,200\u00a0s")],
)
def test_it_tells_the_server_s_clock_in_whole_seconds(skew_s, words):
    assert link_of(state(Answered(skew_s)), False).skew == words


def test_it_counts_reconnects_once_there_was_a_connection():
    first, again = SocketOpened(log_stream=True), SocketOpened(log_stream=True)

    assert link_of(state(), False).reconnects == "–"
    assert link_of(state(first), False).reconnects == "0"
    assert link_of(state(first, SocketClosed("gone"), again), False).reconnects == "1"

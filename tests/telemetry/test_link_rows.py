"""How a server is watched, as its page tells it."""

from datetime import timedelta

import pytest

from telemetry.contact import Answered, SocketClosed, SocketOpened, Unanswered
from telemetry.gpu import GpuTold
from telemetry.hot import filled
from telemetry.link_rows import link_of
from telemetry.live import render_part
from telemetry.logbook import WAITING_LIMIT
from telemetry.machine import ServerState
from telemetry.nvml import NvmlReadings, NvmlState
from telemetry.protocol import frames as f
from tests.telemetry.sample_cards import NOW

OPEN, SHUT = SocketOpened(log_stream=True), SocketClosed("the WebSocket closed with 1006")


def state(*events):
    """Return a state after the events, of which (seconds, event) came later than the others."""
    state = ServerState()
    for event in events:
        after_s, event = event if isinstance(event, tuple) else (0, event)
        state.apply(event, NOW + timedelta(seconds=after_s))
    return state


def row(name, *events):
    """Return a channel's row after the events."""
    return next(c for c in link_of(state(*events), 7, False).channels if c.name == name)


def opened(*events, measured=False):
    """Return the channels that are open after the events."""
    return [c.name for c in link_of(state(*events), 7, measured).channels if c.open]


def test_it_names_the_channels_that_are_open():
    assert opened() == []
    assert opened(Answered(), SocketOpened(log_stream=False)) == ["WebSocket", "Queue and history"]
    assert opened(OPEN) == ["WebSocket", "Log stream"]
    assert opened(measured=True) == ["GPU sensors"]


def test_a_channel_that_broke_is_not_open():
    assert opened(OPEN, SHUT) == []
    assert opened(Answered(), Unanswered("no answer", refused=False, since=NOW)) == []


@pytest.mark.parametrize(
    ("skew_s", "words"),
    [(None, "–"), (0.0, "as ours"), (3.4, "+3\u00a0s"), (-7200.2, "-7,200\u00a0s")],
)
def test_it_tells_the_server_s_clock_in_whole_seconds(skew_s, words):
    assert link_of(state(Answered(skew_s)), 7, False).skew == words


@pytest.mark.parametrize("name", ["WebSocket", "Log stream", "Queue and history", "GPU sensors"])
def test_it_knows_nothing_of_a_channel_that_was_never_open(name):
    never = row(name)

    assert (never.lag.value, never.lag_note) == ("–", "not known")
    assert (never.dropped, never.reconnects, never.blind) == ("–", "–", "–")


@pytest.mark.parametrize("name", ["WebSocket", "Log stream"])
def test_it_counts_reconnects_and_the_time_between_them(name):
    first = row(name, OPEN)
    again = row(name, OPEN, (10, SHUT), (14, OPEN), (20, SHUT), (21, OPEN))

    assert (first.reconnects, first.blind, first.dropped) == ("0", "none", "0")
    assert (again.reconnects, again.blind) == ("2", "2, 5.0\u00a0s in all")


def test_it_says_since_when_a_channel_is_shut():
    assert row("WebSocket", OPEN, (10, SHUT)).shut_at == NOW + timedelta(seconds=10)
    assert row("WebSocket", OPEN, (10, SHUT), (14, OPEN)).shut_at is None


def test_a_poll_that_came_late_leaves_a_gap_from_when_it_was_asked():
    unanswered = Unanswered("no answer within 10 s", refused=False, since=NOW)

    polls = row("Queue and history", Answered(), (10, unanswered), (12, Answered()))

    assert (polls.reconnects, polls.blind) == ("1", "1, 12s in all")


def test_a_driver_that_fails_leaves_a_gap():
    def told(driver, after_s):
        at = NOW + timedelta(seconds=after_s)
        return after_s, GpuTold(NvmlReadings(driver, at))

    ok, hangs = NvmlState.OK, NvmlState.HANGS
    sensors = row("GPU sensors", told(ok, 0), told(hangs, 5), told(ok, 9))

    assert (sensors.reconnects, sensors.blind) == ("1", "1, 4.0\u00a0s in all")
    assert sensors.lag.value == "under 50\u00a0ms"


@pytest.mark.parametrize(
    ("took_s", "words"),
    [
        (0.012, "under 50\u00a0ms"),
        (0.05, "under 100\u00a0ms"),
        (0.7, "under 1\u00a0s"),
        (4.0, "under 5\u00a0s"),
        (31.0, "over 30\u00a0s"),
    ],
)
def test_it_tells_a_lag_in_steps_with_its_unit_and_grade(took_s, words):
    polls = row("Queue and history", Answered(0.0, took_s))

    assert polls.lag.value == words
    assert polls.lag_note == "measured, from the question to the answer"


def test_it_counts_what_came_and_could_not_be_used():
    frame, answer = f.Malformed("frame", "not JSON"), f.Malformed("/system_stats", "not JSON")

    after = (OPEN, Answered(), frame, frame, answer)

    assert row("WebSocket", *after).dropped == "2"
    assert row("Queue and history", *after).dropped == "1"
    assert row("Log stream", *after).dropped == "0"


def test_it_counts_log_lines_beyond_what_is_taken_at_once():
    entry = f.LogEntry("nothing that anybody follows")

    assert row("Log stream", OPEN, f.Logs([entry] * 103)).dropped == "3"
    assert row("Log stream", OPEN, f.Logs([f.LogEntry("\n" * 5_000)])).dropped == "0"


def test_it_counts_log_lines_that_nobody_could_claim_in_time():
    step = f.LogEntry("50%|█████     | 10/20 [00:01<00:01,  8.00it/s]")

    waiting = [f.Logs([step] * 100)] * (WAITING_LIMIT // 100)

    assert row("Log stream", OPEN, *waiting).dropped == "0"
    assert row("Log stream", OPEN, *waiting, f.Logs([step] * 4)).dropped == "4"


@pytest.mark.parametrize(
    ("count", "words"),
    [(20, "20"), (21, "over 20"), (31, "over 30"), (100, "over 90"), (101, "over 100")],
)
def test_a_flood_changes_the_page_seldom(count, words):
    floods = [f.Malformed("frame", "not JSON")] * count

    assert row("WebSocket", OPEN, *floods).dropped == words


def test_its_table_names_every_number():
    link = link_of(state(OPEN, Answered(0.0, 0.02)), 7, False)

    html = filled(
        render_part("link", {"server_id": 7, "link": link}), [each.patch for each in link.hot]
    )

    assert html.startswith('<div id="server-7-link">')
    for words in ("Lag", "Dropped", "Reconnects", "Blind", "Its clock: as ours", "not open"):
        assert words in html
    assert "under 50\u00a0ms" in html


def test_a_lag_that_changes_goes_out_as_a_value_and_not_as_the_table():
    before, after = (link_of(state(Answered(0.0, took_s)), 7, False) for took_s in (0.01, 0.3))

    assert before == after
    assert [hot.patch for hot in before.hot] != [hot.patch for hot in after.hot]

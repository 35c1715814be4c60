"""What a card says."""

from datetime import timedelta

import pytest

from history.outlook import LONGEST_S
from telemetry.activity import happenings
from telemetry.admission import BURST
from telemetry.cards import card_of
from telemetry.contact import (
    Answered,
    Barred,
    Passed,
    RetryPlanned,
    SocketClosed,
    SocketOpened,
    StatsTold,
    Unanswered,
    Waiting,
)
from telemetry.device_rows import device_name
from telemetry.leases import Leased
from telemetry.outlook import Outlook
from telemetry.protocol import Device, read_stats
from tests.telemetry.test_machine import BEGAN, PLAIN, SAMPLER, Feed, ms, prompt, step, success

LEASED = Leased(3, 1, "kino-01", "http://kino-01:8188", "", False, 1)


@pytest.fixture
def feed():
    feed = Feed()
    feed.at(0, SocketOpened(log_stream=True))
    feed.at(0, Answered(0.0))
    return feed


def card(feed, second):
    return card_of(feed.state, LEASED, BEGAN + timedelta(seconds=second))


def test_it_says_connecting_before_anything_was_heard():
    assert card(Feed(), 0).badge.label == "Connecting"


def test_it_shows_missing_numbers_as_a_dash():
    shown = card(Feed(), 0)

    assert shown.queue == "–"
    assert shown.devices == []


def test_it_says_idle_with_an_empty_queue(feed):
    feed.queue(1)

    assert (card(feed, 1).badge.label, card(feed, 1).queue) == ("Idle", "queue empty")


def test_it_shows_the_running_attempt_with_its_step_and_clocks(feed):
    extra = {"scene_id": "scene-007", "story_id": "Harbor", "create_time": ms(1)}
    feed.queue(3, running=[prompt("a", 1, SAMPLER, **extra)])
    feed.log(4, step(5, 20))

    (row,) = card(feed, 4).running
    assert (row.title, row.of) == ("Scene 7", "Harbor")
    assert [hot.patch for hot in row.hot] == [
        ("server-3-step", "text", "step 5/20"),
        ("server-3-pace", "text", "5.0 it/s, from the log"),
        ("server-3-bar", "width", "25%"),
    ]
    assert (row.node, row.node_note) == ("sampling", "estimated")
    assert row.waited == "2.0\u00a0s"


def test_it_shows_a_dash_for_a_node_that_nobody_named(feed):
    feed.queue(3, running=[prompt("a", 1, PLAIN)])

    assert card(feed, 3).running[0].node == "node –"


def test_it_names_the_node_that_a_channel_named(feed):
    feed.queue(3, running=[prompt("a", 1, {**PLAIN, **SAMPLER})])
    feed.frame(4, "executing", prompt_id="a", node="3", display_node="3")

    assert card(feed, 4).running[0].node == "KSampler · node 2/2"


def test_it_guesses_no_eta_for_the_first_of_its_kind(feed):
    feed.queue(3, running=[prompt("a")])

    eta = card(feed, 3).running[0].eta
    assert (eta.at, eta.note) == (None, "first of its kind")


def test_it_tells_eta_and_range_from_earlier_attempts(feed):
    feed.queue(3, running=[prompt("a")], pending=[prompt("b", 2)])
    workload = feed.state.known("a").facts.workload
    feed.state.outlooks[workload] = Outlook(12, 60.0, 50.0, 80.0)

    shown = card(feed, 13)
    assert shown.running[0].eta.at == BEGAN + timedelta(seconds=63)
    assert shown.running[0].eta.note == "n = 12"
    assert shown.next[0].eta.at == BEGAN + timedelta(seconds=123)
    assert shown.next[0].eta.latest == BEGAN + timedelta(seconds=163)


def test_it_knows_no_eta_behind_an_attempt_of_unknown_length(feed):
    other = {"9": {"class_type": "Other", "inputs": {}}}
    feed.queue(3, running=[prompt("a", 1, other)], pending=[prompt("b", 2)])
    feed.state.outlooks[feed.state.known("b").facts.workload] = Outlook(12, 60.0, 50.0, 80.0)

    eta = card(feed, 3).next[0].eta
    assert (eta.at, eta.note) == (None, "behind one of unknown length")


def test_it_knows_no_eta_past_the_last_date_there_is(feed):
    feed.queue(3, running=[prompt("a")], pending=[prompt("b", 2), prompt("c", 3)])
    millennia_s = 3168 * 365 * 86400.0
    workload = feed.state.known("a").facts.workload
    feed.state.outlooks[workload] = Outlook(1, millennia_s, millennia_s, millennia_s)

    shown = card(feed, 3)
    assert [row.eta.at is None for row in shown.next] == [False, True]
    assert shown.next[1].eta.note == "behind one of unknown length"


@pytest.mark.parametrize(
    ("second", "ends_at", "note"),
    [
        (52, 63, "n = 12"),
        (64, 83, "n = 12"),
        (84, None, "longer than the 12 before"),
    ],
)
def test_it_promises_no_end_that_has_passed(feed, second, ends_at, note):
    feed.queue(3, running=[prompt("a")], pending=[prompt("b", 2)])
    workload = feed.state.known("a").facts.workload
    feed.state.outlooks[workload] = Outlook(12, 60.0, 50.0, 80.0)

    shown = card(feed, second)
    expected = BEGAN + timedelta(seconds=ends_at) if ends_at else None
    assert (shown.running[0].eta.at, shown.running[0].eta.note) == (expected, note)
    assert (shown.next[0].eta.at is None) is (ends_at is None)


def test_it_says_how_an_attempt_ended_and_why(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(
        2,
        "execution_error",
        prompt_id="a",
        node_id="4",
        node_type="VAEDecode",
        exception_type="torch.OutOfMemoryError",
        exception_message="Allocation on device\nThis error means …",
        timestamp=ms(2),
    )

    (row,) = card(feed, 2).ended
    assert (row.label, row.status, row.duration) == ("Failed", "failed", "2.0\u00a0s")
    assert row.why == "VAEDecode 4: OutOfMemoryError: Allocation on device"


def test_it_shows_no_duration_for_what_was_lost(feed):
    feed.history(0, (prompt("z", 0), success(0, 1)))
    feed.queue(1, running=[prompt("a", 5)])
    feed.queue(2)
    feed.history(2)

    lost = next(row for row in card(feed, 2).ended if row.label == "Lost")
    assert lost.duration == "–"


def test_it_says_not_answering_after_three_seconds(feed):
    feed.at(10, Waiting(BEGAN + timedelta(seconds=6)))

    shown = card(feed, 10)
    assert shown.badge.label == "Not answering"
    assert shown.notice.since == BEGAN + timedelta(seconds=6)
    assert shown.last_known


def test_it_says_offline_and_why_when_the_connection_is_refused(feed):
    feed.at(10, Unanswered("connection refused", refused=True, since=BEGAN))

    shown = card(feed, 10)
    assert (shown.badge.state, shown.notice.lead) == ("offline", "Offline")
    assert "Connection refused." in shown.notice.text


def test_it_says_what_to_enter_again_before_and_after_anything_was_heard(feed):
    for state in (feed, Feed()):
        state.at(10, Barred("its bearer token cannot be read any more: enter it again"))
        state.at(50, Unanswered("barred", refused=False, since=BEGAN))

        shown = card(state, 50)
        assert (shown.badge.state, shown.badge.label) == ("offline", "Not connected")
        assert shown.notice.text == "Its bearer token cannot be read any more: enter it again."


def test_it_says_why_it_cannot_connect_for_the_first_time():
    feed = Feed()
    next_at = BEGAN + timedelta(seconds=2)
    feed.at(1, RetryPlanned(2, next_at, "its certificate has expired", polling=False))

    shown = card(feed, 1)
    assert (shown.badge.label, shown.notice.lead) == ("Connecting", "Attempt 2 of 5")
    assert shown.notice.text.strip() == "Its certificate has expired."


def test_it_counts_the_attempts_to_reconnect(feed):
    feed.at(10, SocketClosed("closed with 1006"))
    next_at = BEGAN + timedelta(seconds=14)
    feed.at(10, RetryPlanned(3, next_at, "the WebSocket closed with 1006", polling=False))

    shown = card(feed, 10)
    assert (shown.badge.label, shown.notice.lead) == ("Reconnecting", "Attempt 3 of 5")
    assert shown.notice.until == next_at


def test_it_says_that_it_polls_after_five_failed_attempts(feed):
    feed.at(10, SocketClosed("closed with 1006"))
    feed.at(10, RetryPlanned(5, BEGAN, "the WebSocket closed with 1006", polling=True))

    shown = card(feed, 10)
    assert (shown.badge.state, shown.notice.lead) == (
        "polling",
        "Failed to connect after 5 attempts",
    )


def test_it_says_when_the_server_does_not_share_its_log(feed):
    feed.at(1, SocketOpened(log_stream=False))
    feed.queue(1)

    assert card(feed, 1).notice.lead == "No log stream"


def test_it_shows_memory_in_use_to_a_tenth_of_a_gib(feed):
    gib = 1 << 30
    body = '{"devices": [{"name": "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync",'
    body += f' "type": "cuda", "index": 0, "vram_total": {24 * gib}, "vram_free": {6 * gib}}}]}}'
    feed.at(1, StatsTold(read_stats(body.encode())))

    (row,) = card(feed, 1).devices
    assert (row.name, row.used, row.total, row.percent, row.warn) == (
        "RTX 4090",
        "18.0",
        "24.0",
        75.0,
        False,
    )


def test_it_shows_untold_memory_as_a_dash_not_as_zero(feed):
    feed.at(1, StatsTold(read_stats(b'{"devices": [{"name": "cuda:0 X", "type": "cuda"}]}')))

    (row,) = card(feed, 1).devices
    assert (row.used, row.total, row.percent) == ("–", "–", None)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("cuda:0 NVIDIA H200 : cudaMallocAsync", "H200"),
        ("cuda:1 AMD Radeon PRO W7900", "Radeon PRO W7900"),
        ("cpu", "cpu"),
        ("", "cuda"),
    ],
)
def test_it_calls_a_device_by_its_model(told, shown):
    assert device_name(Device(name=told, type="cuda")) == shown


def test_it_ends_a_question_with_its_own_mark():
    feed = Feed()
    feed.at(1, RetryPlanned(1, BEGAN, "is the address right?", polling=False))

    assert card(feed, 1).notice.text.strip() == "Is the address right?"


def test_it_tells_no_length_of_what_ended_before_it_began(feed):
    feed.frame(0, "execution_start", prompt_id="a", timestamp=ms(0))
    feed.frame(2, "execution_success", prompt_id="a", timestamp=ms(-3600))

    (row,) = card(feed, 2).ended
    assert row.duration == "–"
    assert happenings(feed.state, feed.changes)[-1].text == "Prompt a completed"


YEAR_S = 365.25 * 86400


@pytest.mark.parametrize("skew_s", [None, 100 * YEAR_S, -100 * YEAR_S])
@pytest.mark.parametrize("began_ms", [1, 1e14])
@pytest.mark.parametrize("ended_ms", [1, 1e14])
def test_it_shows_a_server_whose_clock_is_out_of_its_mind(skew_s, began_ms, ended_ms):
    """The limits of telemetry/comfyui.py, clock.py, admission.py and history/outlook.py."""
    feed = Feed()
    feed.at(0, Answered(skew_s))
    waiting = [prompt(f"w{n}", n, create_time=began_ms) for n in range(2, 1000)]
    feed.queue(1, running=[prompt("a", 1, create_time=began_ms)], pending=waiting)
    workload = feed.state.running_attempt().facts.workload
    longest = LONGEST_S * BURST / len(waiting)  # as many waiting as there may be
    feed.state.outlooks[workload] = Outlook(3, longest, longest, longest)
    feed.frame(2, "execution_start", prompt_id="a", timestamp=began_ms)
    assert card(feed, 2).running

    feed.frame(3, "execution_success", prompt_id="a", timestamp=ended_ms)
    feed.at(4, Passed())

    assert card(feed, 5).ended


@pytest.mark.parametrize(
    ("rate", "pace"),
    [
        ("5.03it/s", "5.0 it/s"),
        ("9.96it/s", "10 it/s"),
        ("23.4it/s", "23 it/s"),
        ("1.00it/s", "1.0 it/s"),
        ("5.04s/it", "5.0 s/it"),
        ("75.31s/it", "75 s/it"),
    ],
)
def test_it_tells_the_pace_with_two_digits(feed, rate, pace):
    feed.queue(3, running=[prompt("a")])
    feed.log(4, step(5, 20, rate))

    (row,) = card(feed, 4).running

    assert row.pace.value == f"{pace}, from the log"

"""How much of what one server tells is taken in: prompts, nodes, lines."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from telemetry import admission
from telemetry.activity import Happening
from telemetry.admission import Admission
from telemetry.logstream import LINES_LIMIT
from telemetry.machine import ServerState
from telemetry.protocol import decode, read_queue
from telemetry.protocol.wire import NODES_LIMIT
from telemetry.referee import QueueTold
from telemetry.stores import FEED_LIMIT
from telemetry.topics import Topic
from telemetry.transitions import NodeFinished
from telemetry.words import Tone

BEGAN = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
GRAPH = {"1": {"class_type": "EmptyImage", "inputs": {"text": "x" * 1000}}}


def later(seconds):
    return BEGAN + timedelta(seconds=seconds)


def admitted(bucket, at, wanted):
    return sum(bucket.admits(at, 0) for _ in range(wanted))


def told(pending, graph=None):
    items = [[number, prompt_id, graph or {}, {}] for number, prompt_id in enumerate(pending)]
    body = json.dumps({"queue_running": [], "queue_pending": items})
    return QueueTold(read_queue(body.encode()), BEGAN)


def test_it_takes_a_whole_history_and_a_queue_at_once():
    assert admitted(Admission(), BEGAN, admission.BURST) == admission.BURST >= 10_001


def test_it_takes_so_many_a_second_after_that_and_counts_the_rest():
    bucket = Admission()
    admitted(bucket, BEGAN, admission.BURST)

    assert admitted(bucket, later(2), 1000) == 2 * admission.PER_S
    assert bucket.refused == 1000 - 2 * admission.PER_S


def test_it_does_not_take_more_for_a_long_pause_or_a_clock_turned_back():
    bucket = Admission()
    admitted(bucket, later(10), admission.BURST)

    assert admitted(bucket, BEGAN, 10) == 0
    assert admitted(bucket, later(10**6), 2 * admission.BURST) == admission.BURST


def test_it_follows_no_more_than_so_many_open_prompts(monkeypatch):
    monkeypatch.setattr(admission, "OPEN_LIMIT", 3)
    state = ServerState()

    state.apply(told(["a", "b"]), BEGAN)
    state.apply(told(["a", "b", "c", "d", "e"]), BEGAN)
    state.apply(decode(json.dumps({"type": "execution_start", "data": {"prompt_id": "f"}})), BEGAN)

    assert list(state.attempts) == ["a", "b", "c"]
    assert state.admission.refused == 3


def test_it_does_not_keep_the_graphs_of_prompts_that_it_told():
    state = ServerState()

    (seen,) = state.apply(told(["a"], GRAPH), BEGAN)
    again = state.apply(told(["a"], GRAPH), BEGAN)

    assert json.loads(seen.graph) == GRAPH
    assert state.attempts["a"].graph == b""
    assert state.attempts["a"].facts.node_count == 1
    assert again == []


def frame(state, kind, **data):
    return state.apply(decode(json.dumps({"type": kind, "data": data})), BEGAN)


def test_it_keeps_as_many_nodes_of_a_prompt_as_people_draw():
    state = ServerState()

    ended = 0
    for number in range(NODES_LIMIT + 100):
        changes = frame(state, "executing", node=f"n{number}", prompt_id="a")
        ended += sum(isinstance(change, NodeFinished) for change in changes)

    assert len(state.attempts["a"].nodes) == ended == NODES_LIMIT
    assert state.attempts["a"].node == f"n{NODES_LIMIT + 99}"


def test_it_takes_the_cached_nodes_of_a_prompt_once():
    state = ServerState()
    frame(state, "execution_start", prompt_id="a")

    first = frame(state, "execution_cached", prompt_id="a", nodes=["1", "2"])
    second = frame(state, "execution_cached", prompt_id="a", nodes=["3", "4"])

    assert [change.node for change in first] == ["1", "2"]
    assert second == []


def test_it_tells_no_more_lines_at_once_than_the_feed_holds():
    topic = Topic("team-1")
    line = Happening("started", Tone.RUN, "s-executing", "", BEGAN)

    for number in range(FEED_LIMIT + 10):
        topic.tell(None, [replace(line, text=str(number))])

    assert [told.text for _, told in topic._lines] == [str(n) for n in range(10, FEED_LIMIT + 10)]
    topic._told.extend(topic._lines)
    for _ in range(FEED_LIMIT - 3):
        topic._lines.popleft()
    topic._tell_all_again()
    assert len(topic._lines) == FEED_LIMIT
    assert topic._lines[-1][1].text == str(FEED_LIMIT + 9)


def test_it_reads_so_many_lines_of_one_frame():
    state = ServerState()
    entries = [{"t": "", "m": "got prompt\rProcessing interrupted\r" * 100}] * 100

    frame(state, "logs", entries=entries)

    assert len(state.logbook.waiting) == LINES_LIMIT / 2

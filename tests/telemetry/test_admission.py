"""How many new prompts of one server are taken in."""

import json
from datetime import UTC, datetime, timedelta

from telemetry import admission
from telemetry.admission import Admission
from telemetry.machine import ServerState
from telemetry.protocol import decode, read_queue
from telemetry.referee import QueueTold

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

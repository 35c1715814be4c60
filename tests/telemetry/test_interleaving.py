"""Whatever order the channels come in, the end is what the referee says."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import transitions as t
from telemetry.contact import Passed, SocketClosed, SocketOpened
from telemetry.machine import ServerState
from telemetry.protocol import QueueAnswer, read_history
from telemetry.referee import HistoryTold, QueueTold
from tests.telemetry.traces import all_channels, events, load, outcomes, truth

TRACES = ["01-success", "04-node-exception", "06-interrupt", "08-no-client-id", "15-node-kinds"]
TRACES += ["19-observer-polling", "30-log-progress-of-another-client", "old-0.3.64/06-interrupt"]
HEARD = {name: list(events(load(name), all_channels(load(name)))) for name in TRACES}


def last_word(name):
    """Return the last poll of a trace: an empty queue, and all of the history."""
    trace = load(name)
    entries = {}
    for record in trace:
        is_history = record.kind == "response" and record.data["path"].startswith("/history")
        body = record.data["body"] if is_history else None
        entries |= {k: v for k, v in (body if isinstance(body, dict) else {}).items() if v}
    at = trace[-1].at + timedelta(seconds=10)
    answer = read_history(json.dumps(entries).encode())
    return [(QueueTold(QueueAnswer((), ()), at), at), (HistoryTold(answer, at, True), at)]


@st.composite
def interleavings(draw):
    """Draw a trace with some events doubled, delayed, or left out, and the socket cut."""
    name = draw(st.sampled_from(TRACES))
    heard = HEARD[name]
    places = st.integers(0, len(heard) - 1)
    gone = draw(st.sets(places, max_size=10))
    delays = draw(st.dictionaries(places, st.integers(1, 40), max_size=15))
    doubled = draw(st.dictionaries(places, st.integers(0, 60), max_size=15))
    cuts = draw(st.sets(places, max_size=3))
    order = [(n + delays.get(n, 0), n, heard[n][0]) for n in range(len(heard)) if n not in gone]
    order += [(n + later, n, heard[n][0]) for n, later in doubled.items()]
    order += [(n, n, cut) for n in cuts for cut in (SocketClosed("cut"), SocketOpened(True))]
    order.sort(key=lambda entry: entry[:2])
    return name, [event for _, _, event in order]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(interleavings())
def test_it_ends_where_the_referee_says(drawn):
    name, shuffled = drawn
    state, changes = ServerState(), []
    began = load(name)[0].at

    for number, event in enumerate(shuffled):
        at = began + timedelta(milliseconds=20 * number)
        changes += state.apply(Passed(), at)
        changes += state.apply(event, at)
    for event, at in last_word(name):
        changes += state.apply(event, at)

    expected = truth(load(name))
    found = outcomes(state)
    assert {key: found.get(key) for key in expected} == expected
    assert state.open_attempts() == []


@pytest.mark.parametrize("name", TRACES)
def test_it_changes_nothing_when_a_whole_trace_is_heard_twice(name):
    state, changes = ServerState(), []
    for event, at in HEARD[name]:
        changes += state.apply(event, at)
    before = outcomes(state)

    again = [c for event, at in HEARD[name] for c in state.apply(event, at)]

    assert outcomes(state) == before
    assert [c for c in again if isinstance(c, t.AttemptSeen | t.AttemptEnded)] == []

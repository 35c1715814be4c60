"""Every trace of a real ComfyUI ends as the trace's own history says, whatever we could hear."""

import pytest

from telemetry.transitions import NodeFinished, Noted
from tests.telemetry import traces
from tests.telemetry.traces import TRACES, all_channels, drive, load, outcomes, truth

WITH_HISTORY = [name for name in TRACES if truth(load(name))]


def test_it_finds_the_traces_that_hold_a_history_answer():
    assert len(WITH_HISTORY) >= 20


@pytest.mark.parametrize("name", WITH_HISTORY)
@pytest.mark.parametrize("hear", ["all", "polls", "observer"])
def test_it_ends_each_attempt_as_its_history_says(name, hear):
    trace = load(name)
    channels = {
        "all": all_channels(trace),
        "polls": {"poll"},
        "observer": {"poll", "ws:observer"},
    }[hear]

    state, _ = drive(trace, channels)

    expected = truth(trace)
    found = outcomes(state)
    assert {prompt_id: found.get(prompt_id) for prompt_id in expected} == expected


@pytest.mark.parametrize("name", WITH_HISTORY)
def test_it_claims_no_step_and_no_node_from_polls_alone(name):
    state, changes = drive(load(name), {"poll"})

    everyone = [*state.attempts.values(), *state.recent]
    assert [a.step for a in everyone if a.step] == []
    assert [a.node for a in everyone if a.node] == []
    assert [a.phase for a in everyone if a.phase] == []
    assert [c for c in changes if isinstance(c, NodeFinished)] == []


@pytest.mark.parametrize("name", ["30-log-progress-of-another-client", "16-log-subscription"])
def test_it_claims_no_outcome_from_logs_alone_but_tells_activity(name):
    state, changes = drive(load(name), {"ws:observer", "logs only"})

    assert outcomes(state) == {}
    assert [c for c in changes if isinstance(c, Noted)] != []


def logs_and_queue(name):
    """Return the observer's frames with the /queue answers of status-triggered polls, no history.

    The recorders polled /queue too seldom (16: never; 30: not while the last prompt ran).
    """
    trace = load(name)
    frames = list(traces.events(trace, {"ws:observer"}))
    answers = list(traces.queue_from_submitter(trace))
    return trace, sorted([*frames, *answers], key=lambda pair: pair[1])


def submitters_word(trace):
    """Return the outcomes that the submitter's own socket told."""
    words = {"execution_success": "success", "execution_error": "failed"}
    words["execution_interrupted"] = "cancelled"
    frames = [r.data for r in trace if r.source == "ws:submitter" and r.kind == "text"]
    return {f["data"]["prompt_id"]: words[f["type"]] for f in frames if f["type"] in words}


@pytest.mark.parametrize("name", ["30-log-progress-of-another-client", "16-log-subscription"])
def test_it_ends_attempts_rightly_from_logs_and_queue(name):
    trace, events = logs_and_queue(name)

    state, _ = drive(trace, set(), events)

    assert outcomes(state) == submitters_word(trace) != {}


def test_it_gives_each_prompt_its_own_steps_though_they_run_back_to_back():
    _, events = logs_and_queue("30-log-progress-of-another-client")
    totals = {}
    state = traces.ServerState()

    for event, at in events:
        state.apply(event, at)
        for attempt in state.open_attempts():
            if attempt.step:
                totals.setdefault(attempt.key.prompt_id[:8], set()).add(attempt.step.total)

    assert totals == {"593ed5d5": {20.0}, "4b5531d4": {8.0}, "709b3c2c": {5.0}}

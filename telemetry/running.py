"""Frames of /ws that tell of a prompt at work: the submitter's own, or broadcast ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from telemetry.attempt import AttemptState, StepNow
from telemetry.clock import from_ms
from telemetry.protocol import frames as f
from telemetry.protocol.wire import clean
from telemetry.transitions import AttemptEnded, Fault, NodeFinished, Transition
from telemetry.words import Grade, Outcome

if TYPE_CHECKING:
    from telemetry.machine import ServerState


def _status(state: ServerState, event: f.Status, at: datetime) -> Iterator[Transition]:
    state.queue_remaining = event.queue_remaining
    return iter(())


def _execution_start(
    state: ServerState, event: f.ExecutionStart, at: datetime
) -> Iterator[Transition]:
    attempt = state.sight(event.prompt_id, at)
    if attempt is not None:
        yield from state.start(attempt, from_ms(event.timestamp) or at, Grade.MEASURED)


def _execution_cached(
    state: ServerState, event: f.ExecutionCached, at: datetime
) -> Iterator[Transition]:
    attempt = state.known(event.prompt_id)
    if attempt is None or attempt.cached_nodes is not None:
        return  # said once a prompt: other nodes in every repetition would fill the record
    attempt.cached_nodes = len(event.nodes)
    for node in event.nodes:
        yield NodeFinished(attempt.key, node, attempt.class_of(node), None, None, cached=True)


def _executing(state: ServerState, event: f.Executing, at: datetime) -> Iterator[Transition]:
    if event.prompt_id is None or event.node is None:
        return  # the end marker, or a reconnecting submitter's: the referee tells the rest
    attempt = state.sight(event.prompt_id, at)
    if attempt is None:
        return
    yield from state.start(attempt, at, Grade.LOG)
    node = event.display_node or event.node
    if attempt.node is not None and attempt.node != node:
        yield from attempt.finish_node(attempt.node, at)
    attempt.begin_node(node, at)


def _progress(state: ServerState, event: f.Progress, at: datetime) -> Iterator[Transition]:
    attempt = state.sight(event.prompt_id, at) if event.prompt_id is not None else None
    if attempt is not None:
        yield from state.start(attempt, at, Grade.LOG)
        _measured_step(attempt, event.value, event.max, at)


def _progress_state(
    state: ServerState, event: f.ProgressState, at: datetime
) -> Iterator[Transition]:
    attempt = state.sight(event.prompt_id, at)
    if attempt is None:
        return
    yield from state.start(attempt, at, Grade.LOG)
    for node in event.nodes.values():
        yield from _node(attempt, node, at)


def _node(attempt: AttemptState, told: f.NodeProgress, at: datetime) -> Iterator[Transition]:
    display = told.display_node_id or told.node_id
    if told.state == "running":
        run = attempt.nodes.get(display)
        if run is None or run.ended_at is None:
            attempt.begin_node(display, at)
            _measured_step(attempt, told.value, told.max, at)
    elif told.state == "finished" and display == told.node_id:
        # An expanded child's end is not the end of the node that the artist sees.
        if display not in attempt.nodes:
            attempt.begin_node(display, at)
        yield from attempt.finish_node(display, at)


def _measured_step(attempt: AttemptState, value: float, total: float, at: datetime) -> None:
    """Show a node's own steps; 0 of 1 is ComfyUI's way to say that it counts none."""
    if total > 1:
        attempt.take_step(StepNow(value, total, None, Grade.MEASURED, at, attempt.node))


def _success(state: ServerState, event: f.ExecutionSuccess, at: datetime) -> Iterator[Transition]:
    yield from _end(state, event.prompt_id, event.timestamp, at, Outcome.SUCCESS, None)


def _error(state: ServerState, event: f.ExecutionError, at: datetime) -> Iterator[Transition]:
    if event.is_end:
        fault = fault_of(event)
        yield from _end(state, event.prompt_id, event.timestamp, at, Outcome.FAILED, fault)


def _interrupted(
    state: ServerState, event: f.ExecutionInterrupted, at: datetime
) -> Iterator[Transition]:
    fault = interruption_of(event)
    yield from _end(state, event.prompt_id, event.timestamp, at, Outcome.CANCELLED, fault)


def fault_of(event: f.ExecutionError) -> Fault:
    """Return what an execution_error says, cut to what is kept."""
    return Fault(
        type=clean(event.exception_type, 200) or None,
        message=event.message or None,
        node=event.node_id,
        node_type=event.node_type,
        traceback=event.trace or None,
    )


def interruption_of(event: f.ExecutionInterrupted) -> Fault:
    """Return the node at which a prompt was interrupted."""
    return Fault(node=event.node_id, node_type=event.node_type)


INTERRUPTED = "interrupted"


def _end(
    state: ServerState,
    prompt_id: str,
    timestamp: float | None,
    at: datetime,
    outcome: Outcome,
    fault: Fault | None,
) -> Iterator[Transition]:
    attempt = state.sight(prompt_id, at)
    if attempt is None:
        return
    end = AttemptEnded(
        attempt.key,
        outcome,
        Grade.MEASURED,
        attempt.started_at,
        from_ms(timestamp) or at,
        fault,
        INTERRUPTED if outcome is Outcome.CANCELLED else "",
        attempt.cached_nodes,
    )
    yield from state.finish(attempt, end)


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    f.Status: _status,
    f.ExecutionStart: _execution_start,
    f.ExecutionCached: _execution_cached,
    f.Executing: _executing,
    f.Progress: _progress,
    f.ProgressState: _progress_state,
    f.ExecutionSuccess: _success,
    f.ExecutionError: _error,
    f.ExecutionInterrupted: _interrupted,
}

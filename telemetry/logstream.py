"""Log lines, once their owner is known: steps, model loads, and what they claim of an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from telemetry.attempt import AttemptState, StepNow
from telemetry.contact import Passed
from telemetry.hearing import Channel
from telemetry.logbook import WAIT_S, Line
from telemetry.protocol import frames as f
from telemetry.protocol import loglines as log
from telemetry.protocol.loglines import lines_of
from telemetry.transitions import AttemptEnded, Fault, Noted, Transition
from telemetry.words import Grade, Outcome, Tone

if TYPE_CHECKING:
    from telemetry.machine import ServerState

_GIB = 1 << 30
SAMPLING = "sampling"
# ComfyUI flushes a few at a time; a flood of them must not hold up the other servers.
ENTRIES_LIMIT = 100
LINES_LIMIT = 1_000


def _logs(state: ServerState, event: f.Logs, at: datetime) -> Iterator[Transition]:
    lines = _lines(event, at)
    for line in islice(lines, LINES_LIMIT):
        for prompt_id, owned in state.logbook.take(line):
            yield from deliver(state, prompt_id, owned)
    beyond = max(0, len(event.entries) - ENTRIES_LIMIT) + (next(lines, None) is not None)
    if beyond:
        state.channels[Channel.LOG].dropped += beyond


def _lines(event: f.Logs, at: datetime) -> Iterator[Line]:
    for entry in event.entries[:ENTRIES_LIMIT]:
        for what in lines_of(entry.m):
            yield Line(what, at, entry.t[:40])


def deliver(state: ServerState, prompt_id: str, line: Line) -> Iterator[Transition]:
    """Give a line to the attempt that wrote it; nothing where that one has ended."""
    attempt = state.known(prompt_id)
    handler = LINES.get(type(line.what))
    if attempt is not None and handler is not None:
        yield from handler(attempt, line.what, line)


def _step(attempt: AttemptState, what: log.Step, line: Line) -> Iterator[Transition]:
    total = float(what.total) if what.total is not None else None
    step = StepNow(float(what.value), total, what.rate_per_s, Grade.LOG, line.at, attempt.node)
    attempt.take_step(step)
    if attempt.node is None or attempt.node_grade is Grade.ESTIMATED:
        # Nobody named the node; with one sampler in the graph, a progress bar is most likely its.
        attempt.node = None
        attempt.phase = SAMPLING if attempt.facts.samplers == 1 else None
    return iter(())


def _exception(
    attempt: AttemptState, what: log.ExceptionRaised, line: Line
) -> Iterator[Transition]:
    attempt.log_error = what.message or "an exception without a message"
    return iter(())


def _interrupted(attempt: AttemptState, what: log.Interrupted, line: Line) -> Iterator[Transition]:
    attempt.log_interrupted = True
    return iter(())


def _executed(attempt: AttemptState, what: log.PromptExecuted, line: Line) -> Iterator[Transition]:
    outcome, fault, reason = Outcome.SUCCESS, None, ""
    if attempt.log_interrupted:
        outcome, reason = Outcome.CANCELLED, "interrupted"
    elif attempt.log_error is not None:
        outcome, fault = Outcome.FAILED, Fault(message=attempt.log_error)
    ended_at = line.written_at or line.at
    started_at = ended_at - timedelta(seconds=min(what.duration_s, 1e7))
    attempt.log_end = AttemptEnded(
        attempt.key, outcome, Grade.LOG, started_at, ended_at, fault, reason
    )
    attempt.log_end_at = line.at
    return iter(())


def _model(attempt: AttemptState, what: log.ModelRequested, line: Line) -> Iterator[Transition]:
    attempt.phase = f"loading {what.model}"
    return iter(())


def _oom(attempt: AttemptState, what: log.OutOfMemory, line: Line) -> Iterator[Transition]:
    if what.requested_bytes is not None or what.allocated_bytes is not None:
        yield Noted(line.at, "oom", Tone.BAD, _memory(what), attempt.key)


def _memory(what: log.OutOfMemory) -> str:
    parts = {
        "asked for": what.requested_bytes,
        "allocated": what.allocated_bytes,
        "limit": what.limit_bytes,
    }
    told = [f"{word} {size / _GIB:.2f} GiB" for word, size in parts.items() if size is not None]
    return "Out of memory: " + ", ".join(told)


LINES: dict[type[Any], Callable[[AttemptState, Any, Line], Iterator[Transition]]] = {
    log.Step: _step,
    log.ExceptionRaised: _exception,
    log.Interrupted: _interrupted,
    log.PromptExecuted: _executed,
    log.ModelRequested: _model,
    log.OutOfMemory: _oom,
}


def take_back(attempt: AttemptState) -> None:
    """Drop what log lines said of an attempt to which they turned out not to belong."""
    attempt.log_end = attempt.log_end_at = attempt.log_error = None
    attempt.log_interrupted = False
    if attempt.step is not None and attempt.step.grade is Grade.LOG:
        attempt.step, attempt.phase = None, None


def _passed(state: ServerState, event: Passed, at: datetime) -> Iterator[Transition]:
    expired = state.logbook.expired(at)
    referee_at = state.contact.answered_at
    if referee_at is None or (at - referee_at).total_seconds() > WAIT_S:
        for line in expired:
            if not _explained(state, line):
                yield from _unowned(line)
    limit = at - timedelta(seconds=WAIT_S)
    for attempt in state.open_attempts():
        claimed = attempt.log_end is not None and attempt.vanished_at is not None
        if claimed and attempt.log_end_at is not None and attempt.log_end_at <= limit:
            assert attempt.log_end is not None
            yield from state.finish(attempt, attempt.log_end)


def _explained(state: ServerState, line: Line) -> bool:
    """Say whether an attempt that ended meanwhile was at work when the line was written."""
    written_at = line.written_at
    if written_at is None:
        return False
    return any(
        attempt.end is not None
        and attempt.started_at is not None
        and attempt.end.ended_at is not None
        and attempt.started_at <= written_at <= attempt.end.ended_at + timedelta(seconds=1)
        for attempt in state.recent
    )


_UNOWNED: dict[type[Any], tuple[Tone, Callable[[Any], str]]] = {
    log.PromptExecuted: (
        Tone.MUTE,
        lambda what: f"A prompt was executed in {what.duration_s:.2f} s; which one is not known",
    ),
    log.ExceptionRaised: (
        Tone.WARN,
        lambda what: f"A prompt raised an exception: {what.message[:160]}; which one is not known",
    ),
    log.Interrupted: (Tone.MUTE, lambda what: "A prompt was interrupted; which one is not known"),
}


def _unowned(line: Line) -> Iterator[Transition]:
    """Tell as activity what no answer of the queue could attribute: no outcome is claimed."""
    known = _UNOWNED.get(type(line.what))
    if known is not None:
        tone, text = known
        yield Noted(line.at, "log", tone, text(line.what))


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    f.Logs: _logs,
    Passed: _passed,
}

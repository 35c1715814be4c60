"""/queue and /history: who exists, who vanished, how each ended, and whether ComfyUI restarted.

The queue is asked before the history, so that a prompt that ends in between is in one of them. A
prompt that is in neither is judged only by a history answer that was asked for after the queue
answer and that would have to name it: a complete one, or one for just this prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry.attempt import AttemptState
from telemetry.clock import from_ms
from telemetry.graph import facts_of, kept
from telemetry.identity import identity_of
from telemetry.logstream import deliver, take_back
from telemetry.moving import recognise, settle
from telemetry.protocol.answers import HistoryAnswer, HistoryEntry, QueueAnswer, QueueItem
from telemetry.running import INTERRUPTED, fault_of, interruption_of
from telemetry.transitions import (
    AttemptEnded,
    BackfillChanged,
    Fault,
    HistoryFound,
    Key,
    ServerRestarted,
    Transition,
)
from telemetry.uses import is_older, is_same_use, is_used_again
from telemetry.words import Grade, Outcome, Status

if TYPE_CHECKING:
    from telemetry.machine import ServerState

REMOVED = "removed from the queue"
FORGOTTEN = "ComfyUI no longer knows it: its history was cleared while it ran"
RESTARTED = "ComfyUI restarted"
# Nobody queues more; who claims more does not fill our memory. ComfyUI lists them by number.
PENDING_LIMIT = 5_000


@dataclass(frozen=True, slots=True)
class QueueTold:
    """GET /queue answered; asked_at is when it was asked, by our clock."""

    answer: QueueAnswer
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryTold:
    """GET /history answered: all of it (complete), one prompt (`only`), or the newest few."""

    answer: HistoryAnswer
    asked_at: datetime
    complete: bool = False
    only: str | None = None


@dataclass(frozen=True, slots=True)
class PagingBack:
    """The history is about to be read beyond its newest page."""


@dataclass(frozen=True, slots=True)
class PagedBack:
    """The history has been read back to what was known."""


def _queue(state: ServerState, told: QueueTold, at: datetime) -> Iterator[Transition]:
    answer = told.answer
    state.malformed += answer.malformed
    listed = {item.prompt_id for item in (*answer.running, *answer.pending)}
    recognise(state, (*answer.running, *answer.pending))
    if _numbers_began_again(state, answer):
        yield from _restart(state, told.asked_at, at, keep=listed)
    for item in (*answer.pending[:PENDING_LIMIT], *answer.running):
        yield from _make_way(state, item, told.asked_at)
    for item in answer.pending[:PENDING_LIMIT]:
        _sight(state, item, told.asked_at, at)
    for item in answer.running:
        attempt = _sight(state, item, told.asked_at, at)
        if attempt is not None:
            yield from state.start(attempt, at, Grade.POLLED)
    for attempt in state.open_attempts():
        if attempt.key.prompt_id in listed:
            attempt.vanished_at = None
        elif attempt.vanished_at is None and told.asked_at >= attempt.seen_at:
            attempt.vanished_at = told.asked_at
    state.queue_known = True
    yield from _attribute(state, answer, told.asked_at)


def _make_way(state: ServerState, item: QueueItem, asked_at: datetime) -> Iterator[Transition]:
    """End the open attempt whose prompt_id the queue lists under another number: it is used again.

    Its history entry may still be there, or was replaced or cleared before anybody asked for it.
    """
    attempt = state.known(item.prompt_id)
    if attempt is not None and attempt.number not in (None, item.number):
        yield from state.finish(attempt, _verdict(attempt, asked_at))


def _sight(
    state: ServerState, item: QueueItem, asked_at: datetime, at: datetime
) -> AttemptState | None:
    """Return the open attempt of a listed prompt; None where the answer is older than its end."""
    attempt = state.known(item.prompt_id)
    if attempt is None:
        ended = state.ended.get(item.prompt_id)
        if ended is not None and not is_used_again(state, ended, item, asked_at):
            return None
        attempt = state.add(item.prompt_id, at, item.number)
    if attempt is None:
        return None
    _identify(state, attempt, item)
    return attempt


def _identify(state: ServerState, attempt: AttemptState, item: QueueItem) -> None:
    """Take over whose prompt it is and what it does, once."""
    if attempt.graph is not None:
        return
    attempt.number, attempt.graph = item.number, kept(item.graph)
    attempt.identity, attempt.facts = identity_of(item.extra_data), facts_of(item.graph)
    attempt.submitted_at = attempt.identity.submitted_at
    if item.assigned:
        state.note_number(item.number)
    state.tell(attempt)


def _attribute(state: ServerState, answer: QueueAnswer, asked_at: datetime) -> Iterator[Transition]:
    """Tell the logbook which prompt runs; with several, nobody can say whose a line is."""
    book = state.logbook
    if len(answer.running) != 1:
        return
    running = state.known(answer.running[0].prompt_id)
    if running is None:
        return
    prompt_id = running.key.prompt_id
    closed_at = running.log_end_at
    if closed_at is not None and asked_at > closed_at:
        # "Prompt executed" was said of it, yet it runs: that line was another prompt's.
        take_back(running)
    if book.owner not in (None, prompt_id) and asked_at >= (book.closed_at or asked_at):
        book.move_on(prompt_id)
    for owner, line in book.bind(prompt_id, asked_at, running.submitted_at):
        yield from deliver(state, owner, line)


def _numbers_began_again(state: ServerState, answer: QueueAnswer) -> bool:
    """Say whether ComfyUI hands out numbers that it had handed out before.

    Every pending prompt stands in every answer: one that is new to us came after the last answer,
    and within one life its number would be the highest.
    """
    fresh = (
        item
        for item in (*answer.running, *answer.pending)
        if item.assigned
        and state.known(item.prompt_id) is None
        and item.prompt_id not in state.ended
    )
    return state.queue_known and any(abs(item.number) <= state.highest_number for item in fresh)


def _history(state: ServerState, told: HistoryTold, at: datetime) -> Iterator[Transition]:
    state.malformed += told.answer.malformed
    named = {entry.item.prompt_id for entry in told.answer.entries}
    recognise(state, (entry.item for entry in told.answer.entries))
    knew = bool(state.ended)
    remembers = any(prompt_id in state.ended for prompt_id in named) if knew else None
    for entry in told.answer.entries:
        yield from _ended(state, entry, at)
    yield from _judge(state, told, remembers, at)


def _paging_back(state: ServerState, event: PagingBack, at: datetime) -> Iterator[Transition]:
    if not state.backfilling:
        state.backfilling = True
        yield BackfillChanged(at, going_on=True)


def _paged_back(state: ServerState, event: PagedBack, at: datetime) -> Iterator[Transition]:
    yield from settle(state, at)
    found, state.found_later = state.found_later, 0
    if found:
        yield HistoryFound(at, found)
    if state.backfilling:
        state.backfilling = False
        yield BackfillChanged(at, going_on=False)


def _ended(state: ServerState, entry: HistoryEntry, at: datetime) -> Iterator[Transition]:
    prompt_id, number = entry.item.prompt_id, entry.item.number
    attempt, ended = state.known(prompt_id), state.ended.get(prompt_id)
    is_open = attempt is not None and attempt.number in (None, number)
    if not is_open and ended is not None and is_same_use(state, entry, ended):
        yield from state.correct(ended, _end_of(entry, ended.key, ended.end.found_later))
        return
    if attempt is None and ended is None and _forgotten(state, entry):
        state.pass_over(number, _end_of(entry, Key(prompt_id), found_later=True))
        return
    if not is_open and (attempt is not None or is_older(state, entry, ended)):
        return  # the entry of an earlier use of the same prompt_id
    if attempt is None:
        attempt = state.add(prompt_id, at, number)
        if attempt is None:
            return
        attempt.found_later = _ran_unwatched(state, entry)
        state.found_later += attempt.found_later
    _identify(state, attempt, entry.item)
    if attempt.submitted_at is None and not attempt.found_later:
        attempt.submitted_at = attempt.identity.submitted_at
    end = _end_of(entry, attempt.key, attempt.found_later)
    yield from state.finish(attempt, end)


def _forgotten(state: ServerState, entry: HistoryEntry) -> bool:
    """Say whether an entry is so old that the record has deleted it, or would have.

    Both times are ComfyUI's, so that its clock may be wrong.
    """
    ended_at, before = from_ms(entry.ended_ms), state.forgotten_before
    return ended_at is not None and before is not None and ended_at < before


def _ran_unwatched(state: ServerState, entry: HistoryEntry) -> bool:
    ended_at, since = from_ms(entry.ended_ms), state.contact.watching_since
    if since is None or ended_at is None:
        return since is None
    return ended_at - timedelta(seconds=state.skew_s or 0.0) < since


def _end_of(entry: HistoryEntry, key: Any, found_later: bool) -> AttemptEnded:
    """Return the end that a history entry tells; the last message decides, not status_str."""
    outcome, fault, reason = Outcome.FAILED, None, ""
    if entry.interrupted is not None:
        outcome, reason = Outcome.CANCELLED, INTERRUPTED
        fault = interruption_of(entry.interrupted)
    elif entry.error is not None:
        fault = fault_of(entry.error)
    elif entry.status == "success":
        outcome = Outcome.SUCCESS
    else:
        fault = Fault(message=f"ComfyUI's history says {entry.status or 'nothing'!r} and no more")
    return AttemptEnded(
        key,
        outcome,
        Grade.MEASURED,
        from_ms(entry.started_ms),
        from_ms(entry.ended_ms),
        fault,
        reason,
        None if entry.cached is None else len(entry.cached),
        found_later,
        entry.outputs,
    )


def unjudged(state: ServerState) -> list[str]:
    """Return the prompt_ids that left the queue and whose end no history answer has told yet."""
    return [a.key.prompt_id for a in state.open_attempts() if a.vanished_at is not None]


def _judge(
    state: ServerState, told: HistoryTold, remembers: bool | None, at: datetime
) -> Iterator[Transition]:
    """Give the verdict on prompts that are neither in the queue nor in a history that tells all.

    What the answer names has ended by now; an entry of an earlier use tells nothing of an open one.
    `remembers` says whether the answer names a prompt that was known to have ended before; None
    where none was known.
    """
    if state.move is not None:
        if not told.complete:
            return
        yield from settle(state, at)
    gone = [
        attempt
        for attempt in state.open_attempts()
        if attempt.vanished_at is not None
        and told.asked_at >= attempt.vanished_at
        and (told.complete or told.only == attempt.key.prompt_id)
    ]
    if told.complete and state.contact.broken and _forgot(gone, remembers):
        yield from _restart(state, told.asked_at, at, keep=set())
        gone = [attempt for attempt in gone if attempt.is_open]
    for attempt in gone:
        yield from state.finish(attempt, _verdict(attempt, told.asked_at))
    if told.complete:
        state.contact.broken = False


def _forgot(gone: list[AttemptState], remembers: bool | None) -> bool:
    """Say whether, after a break, the server knows nothing of what it knew before.

    A running prompt cannot be taken out of a queue; and where none ran, a history that names none
    of the prompts that we saw end is another life's.
    """
    ran = any(attempt.status is Status.RUNNING for attempt in gone)
    return ran or remembers is False or (bool(gone) and remembers is None)


def _verdict(attempt: AttemptState, at: datetime) -> AttemptEnded:
    if attempt.log_end is not None:
        return attempt.log_end
    if attempt.status is Status.RUNNING:
        return AttemptEnded(
            attempt.key, Outcome.LOST, Grade.POLLED, attempt.started_at, at, reason=FORGOTTEN
        )
    return AttemptEnded(attempt.key, Outcome.CANCELLED, Grade.POLLED, None, at, reason=REMOVED)


def _restart(
    state: ServerState, asked_at: datetime, at: datetime, keep: set[str]
) -> Iterator[Transition]:
    """Close what the old life left open; what the new one lists, or told of since, is kept."""
    lost = [
        attempt
        for attempt in state.open_attempts()
        if attempt.key.prompt_id not in keep
        and attempt.seen_at <= asked_at
        and (keep or attempt.vanished_at is not None)
    ]
    for attempt in lost:
        end = AttemptEnded(
            attempt.key, Outcome.LOST, Grade.POLLED, attempt.started_at, at, reason=RESTARTED
        )
        yield from state.finish(attempt, end)
    state.highest_number = -1.0
    state.logbook.cut(at)
    yield ServerRestarted(at, len(lost))


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    QueueTold: _queue,
    HistoryTold: _history,
    PagingBack: _paging_back,
    PagedBack: _paged_back,
}

"""A server whose address was changed: is it the same ComfyUI, or another machine?

It is the same if it lists or remembers a prompt that was known before, under the number that it
had. That is decided once its queue and its history have been read; until then no prompt is judged.
Of another machine nothing can be asked any more: what was open is lost, what ended stays on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from telemetry.protocol.answers import QueueItem
from telemetry.transitions import (
    AddressChanged,
    AttemptEnded,
    BlindWindowEnded,
    Key,
    Transition,
)
from telemetry.words import Grade, Outcome

if TYPE_CHECKING:
    from telemetry.machine import ServerState


@dataclass(frozen=True, slots=True)
class Moved:
    """Following begins at an address that is not the one that the record is of."""

    url: str


@dataclass(slots=True)
class Move:
    """A change of address that is not decided: what was known before, and what speaks for it."""

    url: str
    since: datetime
    numbers: dict[str, float | None]
    open: frozenset[Key]
    same: bool = False


def _moved(state: ServerState, event: Moved, at: datetime) -> Iterator[Transition]:
    numbers = {prompt_id: ended.number for prompt_id, ended in state.ended.items()}
    numbers |= {a.key.prompt_id: a.number for a in state.open_attempts()}
    known = frozenset(attempt.key for attempt in state.open_attempts())
    state.move = Move(event.url, at, numbers, known)
    return iter(())


def recognise(state: ServerState, items: Iterable[QueueItem]) -> None:
    """Note whether the server names a prompt that was known before its address was changed."""
    move = state.move
    if move is not None and not move.same:
        move.same = any(
            item.prompt_id in move.numbers and move.numbers[item.prompt_id] in (None, item.number)
            for item in items
        )


def settle(state: ServerState, at: datetime) -> Iterator[Transition]:
    """Decide, now that the queue and the history have been read; nothing where nothing is open."""
    move, state.move = state.move, None
    if move is None:
        return
    lost = [] if move.same else [a for a in state.open_attempts() if a.key in move.open]
    for attempt in lost:
        reason = "its server was moved to another address"
        end = AttemptEnded(
            attempt.key, Outcome.LOST, Grade.POLLED, attempt.started_at, at, reason=reason
        )
        yield from state.finish(attempt, end)
    if not move.same and move.numbers:
        state.contact.broken = False
        yield BlindWindowEnded(move.since, at, f"its address changed to {move.url}")
    yield AddressChanged(at, move.url, move.same if move.numbers else None, len(lost))


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    Moved: _moved,
}

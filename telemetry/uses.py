"""Uses of one prompt_id: ComfyUI before 0.25 accepts a used one again, and numbers begin anew.

Whether a prompt that the queue or the history names is the use that is known to have ended, an
earlier one, or the next. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from telemetry.clock import from_ms
from telemetry.identity import identity_of
from telemetry.protocol.answers import HistoryEntry, QueueItem
from telemetry.words import Grade

if TYPE_CHECKING:
    from telemetry.machine import Ended, ServerState

# How far the server's clock, as its Date header tells it, may be from what it is.
SKEW_TOLERANCE_S = 2.0


def is_used_again(state: ServerState, ended: Ended, item: QueueItem, asked_at: datetime) -> bool:
    """Say whether a listed prompt is another use of an ended one's prompt_id."""
    if ended.number not in (None, item.number):
        return True
    if ended.end.grade is Grade.POLLED and ended.end.ended_at is not None:
        return asked_at > ended.end.ended_at  # both by our clock
    return _ended_before(state, ended, identity_of(item.extra_data).submitted_at)


def _ended_before(state: ServerState, ended: Ended, since: datetime | None) -> bool:
    """Say whether an ended prompt is an earlier use of its prompt_id than one of since `since`.

    After a restart the numbers begin again: a prompt_id may come under its old number. What we
    concluded ourselves has our own time, the rest ComfyUI's.
    """
    ended_at = _ended_at(state, ended)
    if ended_at is not None and ended.end.grade is Grade.POLLED:
        ended_at += timedelta(seconds=SKEW_TOLERANCE_S)
    return since is not None and ended_at is not None and since > ended_at


def _ended_at(state: ServerState, ended: Ended) -> datetime | None:
    """Return when a prompt ended by ComfyUI's clock."""
    ours = ended.end.grade is Grade.POLLED
    shift = timedelta(seconds=(state.skew_s or 0.0) if ours else 0.0)
    return ended.end.ended_at + shift if ended.end.ended_at is not None else None


def is_same_use(state: ServerState, entry: HistoryEntry, ended: Ended) -> bool:
    """Say whether an entry tells of the use whose end is known: nothing ends twice at one time."""
    told_at = from_ms(entry.ended_ms)
    if told_at is not None and told_at == ended.end.ended_at:
        return True
    same_number = ended.number in (None, entry.item.number)
    return same_number and not _ended_before(state, ended, from_ms(entry.started_ms))


def is_older(state: ServerState, entry: HistoryEntry, ended: Ended | None) -> bool:
    """Say whether an entry ended before the last known use of its prompt_id, which left none."""
    known_at, told_at = _ended_at(state, ended) if ended else None, from_ms(entry.ended_ms)
    if ended is None or known_at is None or told_at is None or told_at >= known_at:
        return False
    # What we concluded came later than the end itself: there the number tells which was first.
    concluded = ended.end.grade is Grade.POLLED and ended.number is not None
    return not concluded or abs(entry.item.number) < abs(ended.number or 0.0)

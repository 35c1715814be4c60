"""Transitions as lines of the activity feed: what people read, and what is kept of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from telemetry import transitions as t
from telemetry.clock import lasted
from telemetry.text import duration, plural
from telemetry.titles import Title, title_of
from telemetry.transitions import Key, Transition
from telemetry.words import OUTCOME_LABELS, Outcome, Tone

if TYPE_CHECKING:
    from telemetry.attempt import AttemptState
    from telemetry.machine import ServerState


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the feed; `submitter` is whose prompt it is about, "" where of none or unknown."""

    kind: str
    tone: Tone
    icon: str
    text: str
    at: datetime
    detail: str = ""
    key: Key | None = None
    submitter: str = ""

    @property
    def event_id(self) -> str:
        """Return what is the same each time the same thing is told."""
        about = f"{self.key.prompt_id}/{self.key.repeat}" if self.key else self.at.isoformat()
        return f"{self.kind}:{about}"[:240]


def happenings(state: ServerState, changes: list[Transition]) -> list[Happening]:
    """Return the feed's lines for what changed; most changes are not worth one."""
    lines = []
    for change in changes:
        teller = TELLERS.get(type(change))
        told = teller(state, change) if teller else None
        if told is not None:
            lines.append(replace(told, submitter=_submitter(state, told.key)))
    return lines


def _attempt(state: ServerState, key: Key) -> AttemptState | None:
    attempt = state.attempts.get(key.prompt_id)
    if attempt is None or attempt.key != key:
        attempt = next((a for a in state.recent if a.key == key), None)
    return attempt


def _title(state: ServerState, key: Key) -> Title:
    attempt = _attempt(state, key)
    return title_of(key, attempt.identity if attempt else None)


def _submitter(state: ServerState, key: Key | None) -> str:
    attempt = _attempt(state, key) if key else None
    return (attempt.identity.submitter or "") if attempt else ""


def _started(state: ServerState, change: t.AttemptStarted) -> Happening | None:
    text = f"{_title(state, change.key)} started"
    return Happening("started", Tone.RUN, "s-executing", text, change.started_at, "", change.key)


_ENDS: dict[Outcome, tuple[Tone, str]] = {
    Outcome.SUCCESS: (Tone.OK, "s-completed"),
    Outcome.FAILED: (Tone.BAD, "s-failed"),
    Outcome.CANCELLED: (Tone.MUTE, "s-cancelled"),
    Outcome.LOST: (Tone.WARN, "s-lost"),
}


def _ended(state: ServerState, change: t.AttemptEnded) -> Happening | None:
    if change.found_later:
        return None  # thousands may be found at once: HistoryFound tells their number
    tone, icon = _ENDS[change.outcome]
    text = f"{_title(state, change.key)} {OUTCOME_LABELS[change.outcome].lower()}"
    length_s = lasted(change.ended_at, change.started_at)
    if change.outcome is Outcome.SUCCESS and length_s is not None:
        text += f" in {duration(length_s)}"
    at = change.ended_at or change.started_at
    return Happening("ended", tone, icon, text, at, why(change), change.key) if at else None


def why(end: t.AttemptEnded) -> str:
    """Return in a line why an attempt ended as it did; "" where success says it all."""
    fault = end.fault
    if end.outcome is Outcome.FAILED and fault is not None:
        where = f"{fault.node_type or 'node'} {fault.node}: " if fault.node else ""
        kind = f"{fault.type.rpartition('.')[2]}: " if fault.type else ""
        return f"{where}{kind}{(fault.message or 'no message').splitlines()[0]}"
    if end.outcome is Outcome.CANCELLED and fault is not None and fault.node is not None:
        return f"{end.reason} at {fault.node_type or 'node'} {fault.node}"
    return end.reason


def _restarted(state: ServerState, change: t.ServerRestarted) -> Happening:
    lost = f"; {plural(change.lost, 'attempt')} lost with its queue" if change.lost else ""
    text = f"ComfyUI restarted{lost}"
    return Happening("restarted", Tone.WARN, "s-reconnecting", text, change.at)


def _offline(state: ServerState, change: t.ServerWentOffline) -> Happening:
    return Happening("offline", Tone.BAD, "s-offline", "Went offline", change.at, change.reason)


def _online(state: ServerState, change: t.ServerCameOnline) -> Happening:
    return Happening("online", Tone.OK, "s-completed", "Came online", change.at)


def _dropped(state: ServerState, change: t.SocketDropped) -> Happening:
    text = "Dropped the connection"
    return Happening("dropped", Tone.WARN, "s-reconnecting", text, change.at, change.reason)


def _blind(state: ServerState, change: t.BlindWindowEnded) -> Happening:
    length = duration((change.ended_at - change.began_at).total_seconds())
    return Happening(
        "blind", Tone.WARN, "s-stale", f"Not watched for {length}", change.ended_at, change.reason
    )


def _found(state: ServerState, change: t.HistoryFound) -> Happening:
    text = f"{plural(change.count, 'earlier prompt')} found in ComfyUI's history"
    return Happening("found", Tone.MUTE, "s-completed", text, change.at)


def _address(state: ServerState, change: t.AddressChanged) -> Happening:
    lost = f"; {plural(change.lost, 'attempt')} lost" if change.lost else ""
    detail = {True: "the same ComfyUI goes on", False: f"another ComfyUI{lost}", None: ""}
    tone = Tone.WARN if change.same is False else Tone.MUTE
    text = f"Its address changed to {change.url}"
    return Happening("address", tone, "s-reconnecting", text, change.at, detail[change.same])


def _noted(state: ServerState, change: t.Noted) -> Happening:
    icon = "s-failed" if change.tone is Tone.BAD else "s-warn"
    return Happening(change.kind, change.tone, icon, change.text, change.at, "", change.key)


TELLERS: dict[type[Any], Callable[[Any, Any], Happening | None]] = {
    t.AttemptStarted: _started,
    t.AttemptEnded: _ended,
    t.ServerRestarted: _restarted,
    t.ServerWentOffline: _offline,
    t.ServerCameOnline: _online,
    t.SocketDropped: _dropped,
    t.BlindWindowEnded: _blind,
    t.HistoryFound: _found,
    t.AddressChanged: _address,
    t.Noted: _noted,
}

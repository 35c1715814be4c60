"""How a server is watched now, channel by channel: for its page. Pure.

All of it changes rarely, also with a server that plays tricks: times are told in whole seconds.
"""

from dataclasses import dataclass

from telemetry.machine import ServerState
from telemetry.text import MISSING, NBSP
from telemetry.words import GRADE_LABELS, Grade


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in which the server is heard: open or not, and how good what comes of it is."""

    name: str
    open: bool
    grade: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The channels, the server's clock against ours, and what broke since we follow it."""

    channels: list[Channel]
    skew: str
    reconnects: str


def link_of(state: ServerState, measured: bool) -> LinkRow:
    """Return how the server is watched; `measured` says that a driver tells of its GPUs."""
    contact = state.contact
    polled = contact.answered_at is not None and contact.unanswered_since is None
    return LinkRow(
        [
            Channel("WebSocket", contact.socket_open, GRADE_LABELS[Grade.MEASURED]),
            Channel("Log stream", contact.log_stream, GRADE_LABELS[Grade.LOG]),
            Channel("Queue and history", polled, GRADE_LABELS[Grade.POLLED]),
            Channel("GPU sensors", measured, GRADE_LABELS[Grade.MEASURED]),
        ],
        _skew(state.skew_s),
        str(contact.reconnects) if contact.socket_was_open else MISSING,
    )


def _skew(skew_s: float | None) -> str:
    """Return how far the server's clock is ahead of ours."""
    if skew_s is None:
        return MISSING
    return "as ours" if abs(skew_s) < 1 else f"{skew_s:+,.0f}{NBSP}s"

"""Whether a server answers, since when not, and what was missed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry.hearing import Channel
from telemetry.transitions import (
    BlindWindowEnded,
    EnvironmentChanged,
    ServerCameOnline,
    ServerWentOffline,
    SocketDropped,
    Transition,
)

if TYPE_CHECKING:
    from telemetry.machine import ServerState
    from telemetry.protocol import StatsAnswer

# Architecture, "truth about age".
SLOW_S = 3.0
OFFLINE_S = 30.0
# A clock that starts in 1970 is a broken battery; one further off is none, and would lead times
# out of what a datetime can hold.
LARGEST_SKEW_S = 100 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """Our /ws is open; `log_stream` says whether the server took the log subscription."""

    log_stream: bool


@dataclass(frozen=True, slots=True)
class SocketClosed:
    """Our /ws closed, or was closed because it had fallen silent."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryPlanned:
    """The socket is tried again at `next_at`, for the attempt-th time since it was lost."""

    attempt: int
    next_at: datetime
    reason: str
    polling: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP request was answered; skew_s is the server's clock minus ours, None untold.

    took_s is how long the answer took.
    """

    skew_s: float | None = None
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An HTTP request failed: refused, timed out, or answered with something else."""

    reason: str
    refused: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """An HTTP request, asked at `since`, has had no answer for longer than SLOW_S."""

    since: datetime


@dataclass(frozen=True, slots=True)
class StatsTold:
    """GET /system_stats answered."""

    answer: StatsAnswer


@dataclass(frozen=True, slots=True)
class WatchResumed:
    """Watching begins again after the collector itself was away since `since`."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Barred:
    """Nothing is asked of the server until its settings are changed; the reason is for people.

    `by_hand`: because somebody disconnected it.
    """

    reason: str
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """Time passed; nothing else happened."""


@dataclass(slots=True)
class Contact:
    """What is known of the server's reachability now."""

    socket_open: bool = False
    log_stream: bool = False
    heard_at: datetime | None = None
    answered_at: datetime | None = None
    unanswered_since: datetime | None = None
    watching_since: datetime | None = None
    online: bool = False
    offline: bool = False
    reason: str = ""
    barred: str = ""
    by_hand: bool = False
    retry: RetryPlanned | None = None
    # Contact was lost since the referee last answered: a restart is possible.
    broken: bool = True
    # Nobody listened at its address since it last answered.
    refused: bool = False

    @property
    def fine(self) -> bool:
        """Say whether the socket is open and no answer is overdue."""
        return self.socket_open and self.unanswered_since is None and not self.offline

    @property
    def hears_all(self) -> bool:
        """Say whether all is fine and the log stream is open."""
        return self.fine and self.log_stream


def _opened(state: ServerState, event: SocketOpened, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    contact.socket_open = True
    contact.log_stream, contact.retry = event.log_stream, None
    state.channels[Channel.SOCKET].open(at)
    if event.log_stream:
        state.channels[Channel.LOG].open(at)
    state.logbook.cut(at)
    yield from _heard(state, at)


def _closed(state: ServerState, event: SocketClosed, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    was_open, contact.socket_open, contact.log_stream = contact.socket_open, False, False
    contact.broken = True
    contact.reason = event.reason
    for channel in (Channel.SOCKET, Channel.LOG):
        state.channels[channel].shut(at)
    state.logbook.cut(at)
    if was_open:
        yield SocketDropped(at, event.reason)


def _retry(state: ServerState, event: RetryPlanned, at: datetime) -> Iterator[Transition]:
    state.contact.retry = event
    state.contact.reason = event.reason
    return iter(())


def _answered(state: ServerState, event: Answered, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    missed_since = contact.unanswered_since
    slow = missed_since is not None and (at - missed_since).total_seconds() > SLOW_S
    # Who went away and came back at once may have forgotten all that it knew.
    if missed_since is not None and (slow or contact.refused):
        since = contact.answered_at or contact.watching_since or missed_since
        yield BlindWindowEnded(since, at, contact.reason or "no answer")
        contact.watching_since = at
    contact.answered_at, contact.unanswered_since, contact.refused = at, None, False
    polls = state.channels[Channel.POLL]
    polls.open(at)
    if event.took_s is not None:
        polls.lag.note(event.took_s, at)
    if event.skew_s is not None and abs(event.skew_s) <= LARGEST_SKEW_S:
        state.skew_s = event.skew_s
    yield from _heard(state, at)


def _heard(state: ServerState, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    contact.heard_at = at
    contact.watching_since = contact.watching_since or at
    if not contact.online:
        contact.online, contact.offline = True, False
        version = state.stats.comfyui_version if state.stats else None
        yield ServerCameOnline(at, version)


def _unanswered(state: ServerState, event: Unanswered, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    contact.reason, contact.broken = event.reason, contact.broken or event.refused
    contact.refused = contact.refused or event.refused
    contact.unanswered_since = contact.unanswered_since or event.since
    state.channels[Channel.POLL].shut(contact.unanswered_since)
    silent_s = (at - contact.unanswered_since).total_seconds()
    heard = contact.heard_at
    unheard = heard is None or at - heard >= timedelta(seconds=OFFLINE_S)
    if not contact.offline and (event.refused or (unheard and silent_s >= OFFLINE_S)):
        contact.offline, contact.online, contact.broken = True, False, True
        yield ServerWentOffline(at, event.reason)


def _waiting(state: ServerState, event: Waiting, at: datetime) -> Iterator[Transition]:
    contact = state.contact
    contact.unanswered_since = contact.unanswered_since or event.since
    state.channels[Channel.POLL].shut(contact.unanswered_since)
    return iter(())


def _stats(state: ServerState, event: StatsTold, at: datetime) -> Iterator[Transition]:
    before, state.stats, state.stats_at = state.stats, event.answer, at
    if before is None or lasting(before) != lasting(event.answer):
        # Later than the first ones they belong to another life, whose packs are asked for again.
        packs = state.node_packs if before is None else None
        yield EnvironmentChanged(at, event.answer, state.gpus.driver, packs)


def lasting(stats: StatsAnswer) -> tuple[Any, ...]:
    """Return what of the stats stays the same while a server goes on as it is."""
    devices = tuple((d.name, d.type, d.index, d.vram_total) for d in stats.devices)
    return (
        stats.comfyui_version,
        stats.python_version,
        stats.pytorch_version,
        stats.os,
        stats.ram_total,
        stats.argv,
        devices,
        stats.packages,
    )


def _barred(state: ServerState, event: Barred, at: datetime) -> Iterator[Transition]:
    state.contact.barred = state.contact.reason = event.reason
    state.contact.by_hand = event.by_hand
    return iter(())


def _resumed(state: ServerState, event: WatchResumed, at: datetime) -> Iterator[Transition]:
    yield BlindWindowEnded(event.since, at, "Scenewatch was not watching")


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    SocketOpened: _opened,
    SocketClosed: _closed,
    RetryPlanned: _retry,
    Answered: _answered,
    Unanswered: _unanswered,
    StatsTold: _stats,
    Waiting: _waiting,
    Barred: _barred,
    WatchResumed: _resumed,
}

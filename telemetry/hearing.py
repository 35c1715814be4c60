"""How well a server is heard over each of its channels: how late, with what drops and gaps. Pure.

Lateness is sampled, once a second and channel at most: a server that says a thousand frames a
second costs a comparison for each that is decoded, and nothing for a redraw that is passed over.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from telemetry.clock import from_local, from_ms
from telemetry.protocol import frames as f
from telemetry.words import Grade

SAMPLE_EVERY = timedelta(seconds=1)
SAMPLES = 9
# What is shown changes this often at most, and only where it is this many times more or less: each
# change goes to everybody on the wall. Less than LEAST_S is no lag.
TELL_EVERY = timedelta(seconds=10)
NOTABLY = 1.5
LEAST_S = 0.03
# Clocks drift, and are set: the fastest word of the last five to ten minutes is what counts.
FASTEST_FOR = timedelta(minutes=5)
# A word that is later than this against the fastest was not under way: a clock was set.
LONGEST_S = 60.0
# What is told with a time of its own counts for this long before what is told without one.
OWN_TIME_FOR = timedelta(seconds=60)


class Channel(StrEnum):
    """A way in which a server is heard; the value is for people."""

    SOCKET = "WebSocket"
    LOG = "Log stream"
    POLL = "Queue and history"
    SENSORS = "GPU sensors"


@dataclass(slots=True)
class Fastest:
    """The least of the differences between two clocks that was seen in the last minutes."""

    least_s: float = float("inf")
    before_s: float = float("inf")
    since: datetime | None = None

    def beyond(self, apart_s: float, at: datetime) -> float:
        """Return by how much a difference, seen at `at`, is more than the least one."""
        if self.since is None or at - self.since > FASTEST_FOR:
            recent = self.since is not None and at - self.since <= 2 * FASTEST_FOR
            self.before_s = self.least_s if recent else float("inf")
            self.least_s, self.since = float("inf"), at
        self.least_s = min(self.least_s, apart_s)
        beyond_s = apart_s - min(self.least_s, self.before_s)
        if beyond_s <= LONGEST_S:
            return beyond_s
        self.least_s, self.before_s = apart_s, float("inf")
        return 0.0


@dataclass(slots=True)
class Lag:
    """How late a channel's words are taken in: the middle of the last samples, None while unknown.

    Estimated where it goes by the server's clock: nobody knows that one's difference to ours as
    exactly, so it is how much later than its fastest word a word comes. `shown_s` is what pages
    show.
    """

    shown_s: float | None = None
    grade: Grade = Grade.MEASURED
    _samples: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    _sampled_at: datetime | None = None
    _shown_at: datetime | None = None
    _fastest: Fastest = field(default_factory=Fastest)

    def is_due(self, at: datetime) -> bool:
        """Say whether another sample is wanted; a clock of ours that was set back is no reason."""
        last = self._sampled_at
        return last is None or not timedelta(0) <= at - last < SAMPLE_EVERY

    def note_frame(self, event: Any, heard_at: datetime, taken_at: datetime) -> None:
        """Sample a frame: by the time that it tells itself, else from its coming to its taking."""
        told_at = _told_at(event, heard_at)
        if told_at is not None:
            apart_s = (taken_at - told_at).total_seconds()
            self.note(self._fastest.beyond(apart_s, heard_at), heard_at, Grade.ESTIMATED)
        elif not self._has_own_time(heard_at):
            self.note((taken_at - heard_at).total_seconds(), heard_at)

    def note(self, lag_s: float, at: datetime, grade: Grade = Grade.MEASURED) -> None:
        """Take a sample of seconds."""
        if grade is not self.grade:
            self._samples.clear()
        self._samples.append(max(0.0, lag_s))
        self.grade, self._sampled_at = grade, at
        if self._shown_at is None or at - self._shown_at >= TELL_EVERY:
            self._show(median(self._samples), at)

    def _show(self, lag_s: float, at: datetime) -> None:
        self._shown_at = at
        known, new = (max(LEAST_S, each or 0.0) for each in (self.shown_s, lag_s))
        if self.shown_s is None or not known / NOTABLY <= new <= known * NOTABLY:
            self.shown_s = lag_s

    def forget(self) -> None:
        """Know nothing: the channel is shut."""
        self._samples.clear()
        self.shown_s = self._sampled_at = self._shown_at = None

    def _has_own_time(self, at: datetime) -> bool:
        known = self.grade is Grade.ESTIMATED and self._sampled_at is not None
        return known and self._sampled_at is not None and at - self._sampled_at < OWN_TIME_FOR


def _told_at(event: Any, heard_at: datetime) -> datetime | None:
    """Return when the server says that it said this, by its own clock; None where it does not."""
    if isinstance(event, f.Logs):
        return from_local(event.entries[-1].t, heard_at) if event.entries else None
    return from_ms(getattr(event, "timestamp", None))


@dataclass(slots=True)
class Health:
    """One channel since its server is followed: how often it opened, and what it missed.

    `dropped` is what came and could not be used. A gap is a time between two openings.
    """

    opened: int = 0
    shut_at: datetime | None = None
    dropped: int = 0
    gaps: int = 0
    gaps_s: float = 0.0
    lag: Lag = field(default_factory=Lag)
    is_open: bool = False

    def open(self, at: datetime) -> None:
        """Note that it is open; being open is no news."""
        if self.is_open:
            return
        if self.shut_at is not None:
            self.gaps += 1
            self.gaps_s += max(0.0, (at - self.shut_at).total_seconds())
        self.opened += 1
        self.is_open, self.shut_at = True, None

    def shut(self, at: datetime) -> None:
        """Note that it is not open, since `at`."""
        if self.is_open:
            self.is_open, self.shut_at = False, at
            self.lag.forget()


def unheard() -> dict[Channel, Health]:
    """Return the channels of a server of which nothing was heard."""
    return {channel: Health() for channel in Channel}


def channel_of(event: Any) -> Channel:
    """Return over which channel a frame of /ws came: log lines share the socket."""
    return Channel.LOG if isinstance(event, f.Logs) else Channel.SOCKET

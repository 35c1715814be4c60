"""How a server is watched now, channel by channel: for its page. Pure.

All of it changes rarely, also with a server that plays tricks, for each change goes to everybody on
the wall: lags are told in steps, and as hot values; counts roughly once they are large, clocks in
whole seconds.
"""

from dataclasses import dataclass
from datetime import datetime

from telemetry.hearing import Channel, Health, Lag
from telemetry.hot import TEXT, Hot
from telemetry.machine import ServerState
from telemetry.text import MISSING, NBSP, duration
from telemetry.words import GRADE_LABELS, Grade

# A lag is told as being under one of these.
LAG_STEPS_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
EXACT_UP_TO = 20
GRADES = {
    Channel.SOCKET: Grade.MEASURED,
    Channel.LOG: Grade.LOG,
    Channel.POLL: Grade.POLLED,
    Channel.SENSORS: Grade.MEASURED,
}
FROM = {
    Channel.SOCKET: "from a frame's coming to its being taken in",
    Channel.LOG: "from ComfyUI's writing a line, against its fastest one",
    Channel.POLL: "from the question to the answer",
    Channel.SENSORS: "from the driver's reading",
}
BY_OWN_TIME = "from the time that a frame tells, against its fastest one"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A way in which the server is heard: open or not, and how good what comes of it is.

    `lag` comes with its unit, `lag_note` says how it is known. Counts are since the server is
    followed, "–" before the channel was open. `shut_at` is since when it is not any more.
    """

    name: str
    open: bool
    grade: str
    lag: Hot
    lag_note: str
    dropped: str
    reconnects: str
    blind: str
    shut_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The channels, and the server's clock against ours."""

    channels: list[ChannelRow]
    skew: str

    @property
    def hot(self) -> list[Hot]:
        """Return what goes to the viewers as values of some bytes."""
        return [channel.lag for channel in self.channels]


def link_of(state: ServerState, server_id: int, measured: bool) -> LinkRow:
    """Return how the server is watched; `measured` says that a driver tells of its GPUs."""
    open_now = {
        Channel.SOCKET: state.contact.socket_open,
        Channel.LOG: state.contact.log_stream,
        Channel.POLL: state.channels[Channel.POLL].is_open,
        Channel.SENSORS: measured,
    }
    rows = [
        _row(channel, state, is_open, f"server-{server_id}-lag-{place}")
        for place, (channel, is_open) in enumerate(open_now.items())
    ]
    return LinkRow(rows, _skew(state.skew_s))


def _row(channel: Channel, state: ServerState, is_open: bool, place: str) -> ChannelRow:
    health = state.channels[channel]
    known = health.opened > 0
    dropped = health.dropped + (state.logbook.pushed_out if channel is Channel.LOG else 0)
    return ChannelRow(
        channel.value,
        is_open,
        GRADE_LABELS[GRADES[channel]],
        Hot(place, TEXT, _lag(health.lag.shown_s)),
        _lag_note(channel, health.lag),
        _about(dropped) if known else MISSING,
        _about(health.opened - 1) if known else MISSING,
        _blind(health) if known else MISSING,
        health.shut_at,
    )


def _lag(lag_s: float | None) -> str:
    if lag_s is None:
        return MISSING
    step_s = next((step for step in LAG_STEPS_S if lag_s < step), None)
    if step_s is None:
        return f"over {LAG_STEPS_S[-1]:g}{NBSP}s"
    return f"under {step_s:g}{NBSP}s" if step_s >= 1 else f"under {step_s * 1000:g}{NBSP}ms"


def _lag_note(channel: Channel, lag: Lag) -> str:
    if lag.shown_s is None:
        return "not known"
    own = channel is Channel.SOCKET and lag.grade is Grade.ESTIMATED
    return f"{GRADE_LABELS[lag.grade]}, {BY_OWN_TIME if own else FROM[channel]}"


def _blind(health: Health) -> str:
    if not health.gaps:
        return "none"
    return f"{_about(health.gaps)}, {duration(health.gaps_s)} in all"


def _about(count: int) -> str:
    """Return a count exactly while it is small; then its first digit, as "over 300"."""
    if count <= EXACT_UP_TO:
        return str(count)
    tens = 10 ** (len(str(count - 1)) - 1)
    return f"over {(count - 1) // tens * tens:,}"


def _skew(skew_s: float | None) -> str:
    """Return how far the server's clock is ahead of ours."""
    if skew_s is None:
        return MISSING
    return "as ours" if abs(skew_s) < 1 else f"{skew_s:+,.0f}{NBSP}s"

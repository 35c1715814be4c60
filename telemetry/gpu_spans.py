"""A server's devices over time, in spans of ten seconds, as they are kept on record. Pure.

What a span cannot add to the one before (an idle card for minutes) is left out, but for one a
minute. Spans are told together and seldom, with the end of a prompt if there is one: each word to
the record costs a transaction.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from telemetry.nvml import GpuReading
from telemetry.transitions import DeviceSpan
from telemetry.words import Grade

SPAN_S = 10
# With the end of a prompt, and otherwise.
TOLD_AFTER, TOLD_AT_LATEST = timedelta(seconds=60), timedelta(seconds=300)
STILL_FOR = timedelta(seconds=60)
# What counts as no change: shares of a card's memory, percent of use, degrees.
STILL_SHARE, STILL_PERCENT, STILL_C = 0.01, 5, 5
# A server that tells of no end of a prompt, and a record that is away, may not fill the memory.
WAITING_LIMIT = 5000


@dataclass(slots=True)
class Sums:
    """The samples of one device in the span that goes on."""

    began_s: int
    grade: Grade
    total: int | None
    free: list[int] = field(default_factory=list)
    cards: list[GpuReading] = field(default_factory=list)

    def span(self, place: int) -> DeviceSpan:
        """Return the span as it is kept."""
        use = [c.utilisation_percent for c in self.cards if c.utilisation_percent is not None]
        heat = [c.temperature_c for c in self.cards if c.temperature_c is not None]
        power = [c.power_w for c in self.cards if c.power_w is not None]
        return DeviceSpan(
            place,
            datetime.fromtimestamp(self.began_s, UTC),
            len(self.free),
            self.grade,
            self.total,
            min(self.free),
            sum(self.free) // len(self.free),
            sum(use) / len(use) if use else None,
            max(use, default=None),
            max(heat, default=None),
            sum(power) / len(power) if power else None,
        )


@dataclass(slots=True)
class Spans:
    """The spans of a server's devices: that which goes on, the last kept, those not yet told."""

    _open: dict[int, Sums] = field(default_factory=dict)
    _last: dict[int, DeviceSpan] = field(default_factory=dict)
    _waiting: list[DeviceSpan] = field(default_factory=list)
    _told_at: datetime | None = None

    def add(
        self,
        place: int,
        at: datetime,
        grade: Grade,
        total: int | None,
        free: int | None,
        card: GpuReading | None = None,
    ) -> None:
        """Add a sample of a device; the driver's word begins a span anew where both tell."""
        if free is None:
            return
        began_s = int(at.timestamp()) // SPAN_S * SPAN_S
        sums = self._open.get(place)
        if sums is not None and sums.began_s < began_s:
            self._close(place, sums)
            sums = None
        if sums is None or grade.rank < sums.grade.rank:
            sums = self._open[place] = Sums(began_s, grade, total)
        if grade is sums.grade and sums.began_s == began_s:
            sums.free.append(free)
            if card is not None:
                sums.cards.append(card)

    def _close(self, place: int, sums: Sums) -> None:
        span, last = sums.span(place), self._last.get(place)
        if last is None or span.at - last.at >= STILL_FOR or _moved(span, last):
            self._last[place] = span
            if len(self._waiting) < WAITING_LIMIT:
                self._waiting.append(span)

    def told(self, at: datetime, riding: bool) -> tuple[DeviceSpan, ...]:
        """Return the spans that are to be told now, none where it is too early."""
        self._told_at = self._told_at or at
        wait = TOLD_AFTER if riding else TOLD_AT_LATEST
        if not self._waiting or at - self._told_at < wait:
            return ()
        spans, self._waiting, self._told_at = tuple(self._waiting), [], at
        return spans


def _moved(span: DeviceSpan, last: DeviceSpan) -> bool:
    """Say whether a span adds anything to the one before."""
    if span.grade is not last.grade or span.total != last.total:
        return True
    room = STILL_SHARE * (span.total or 1 << 34)
    return (
        abs(span.free_lowest - last.free_lowest) > room
        or _apart(span.utilisation_highest_percent, last.utilisation_highest_percent, STILL_PERCENT)
        or _apart(span.temperature_highest_c, last.temperature_highest_c, STILL_C)
    )


def _apart(value: float | None, other: float | None, least: float) -> bool:
    if value is None or other is None:
        return value is not other
    return abs(value - other) > least

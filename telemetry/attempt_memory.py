"""The free memory before, during and after each attempt, out of samples. Pure.

Samples of the two sources are kept apart: free memory does not mean the same to them. All times
are by our clock; a late or repeated sample changes nothing. Missing is None.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telemetry.transitions import DeviceMemory, Key
from telemetry.words import Grade

# A device, by its place in /system_stats, as one source tells it.
Source = tuple[int, Grade]

RING = 120
# Before: a sample this old is as good as new; an older one only if nothing ran since.
FRESH = timedelta(seconds=2.5)
BEFORE_AT_MOST = timedelta(seconds=35)
# ComfyUI frees what it holds for a prompt within a moment after its end.
SETTLED = timedelta(seconds=1)
AFTER_AT_MOST = timedelta(seconds=10)
TRACKS = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """The free bytes at a time."""

    at: datetime
    free: int


@dataclass(frozen=True, slots=True)
class Span:
    """When an attempt ran; `busy_from` is when the next one at the latest took over, if one did."""

    key: Key
    began_at: datetime
    ended_at: datetime
    busy_from: datetime | None = None


@dataclass(slots=True)
class Track:
    """The samples of an attempt at work, and of the time just before it was known to be."""

    lead: tuple[Sample, ...]
    recent: deque[Sample] = field(default_factory=deque)
    lowest: int | None = None
    count: int = 0

    def add(self, sample: Sample) -> None:
        """Add a sample; of old ones only the lowest and their number are kept."""
        self.recent.append(sample)
        if len(self.recent) > RING:
            old = self.recent.popleft().free
            self.lowest = old if self.lowest is None else min(self.lowest, old)
            self.count += 1


@dataclass(slots=True)
class SampleBook:
    """The samples of one server's devices."""

    _rings: dict[Source, deque[Sample]] = field(default_factory=dict)
    _tracks: dict[Key, dict[Source, Track]] = field(default_factory=dict)
    _ends: deque[datetime] = field(default_factory=lambda: deque(maxlen=16))

    def add(self, source: Source, sample: Sample, running: Key | None) -> None:
        """Add a sample, taken while this attempt ran as far as is known."""
        ring = self._rings.setdefault(source, deque(maxlen=RING))
        if ring and sample.at <= ring[-1].at:
            return
        if running is not None:
            tracks = self._tracks.setdefault(running, {})
            if source not in tracks:
                tracks[source] = Track(tuple(ring))
            tracks[source].add(sample)
        while len(self._tracks) > TRACKS:
            del self._tracks[next(iter(self._tracks))]
        ring.append(sample)

    def forget(self, source: Source) -> None:
        """Drop the samples of a device that is another card than was thought."""
        self._rings.pop(source, None)
        for tracks in self._tracks.values():
            tracks.pop(source, None)

    def close(self, span: Span) -> None:
        """Drop what was kept for an attempt that has been told of."""
        self._tracks.pop(span.key, None)

    def note_end(self, at: datetime) -> None:
        """Keep that an attempt ended then."""
        self._ends.append(at)

    def sources(self) -> Iterator[Source]:
        """Return all that has samples."""
        yield from sorted(self._rings)

    def newest(self, source: Source) -> Sample | None:
        """Return the last sample of a source."""
        ring = self._rings.get(source)
        return ring[-1] if ring else None

    def told(self, source: Source, span: Span) -> Figures:
        """Return what the samples of a source say of an attempt."""
        track = self._tracks.get(span.key, {}).get(source) or Track(())
        points = _in_order((*track.lead, *track.recent, *self._rings.get(source, ())))
        during = [p.free for p in points if span.began_at <= p.at <= span.ended_at]
        count = len(during) + track.count
        if track.lowest is not None:
            during.append(track.lowest)
        return Figures(
            self._before(points, span), min(during, default=None), _after(points, span), count
        )

    def _before(self, points: list[Sample], span: Span) -> int | None:
        sample = next((p for p in reversed(points) if p.at <= span.began_at), None)
        if sample is None or span.began_at - sample.at > BEFORE_AT_MOST:
            return None
        ran_since = any(sample.at < end <= span.began_at for end in self._ends)
        fresh = span.began_at - sample.at <= FRESH
        return sample.free if fresh or not ran_since else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Free bytes before, at their lowest and after, and how many samples fell into the run."""

    before: int | None
    lowest: int | None
    after: int | None
    samples: int

    @property
    def known(self) -> int:
        """Return how many of the three are known."""
        return sum(value is not None for value in (self.before, self.lowest, self.after))


def _in_order(points: Iterable[Sample]) -> list[Sample]:
    return sorted({point.at: point for point in points}.values(), key=lambda point: point.at)


def _after(points: list[Sample], span: Span) -> int | None:
    """Return the first sample a moment after the end, else the last before the next began."""
    end = span.busy_from or span.ended_at + AFTER_AT_MOST
    free = [p for p in points if span.ended_at < p.at < end]
    settled = [p.free for p in free if p.at >= span.ended_at + SETTLED]
    if settled:
        return settled[0]
    return free[-1].free if free and span.busy_from is not None else None


def figures_known(devices: tuple[DeviceMemory, ...]) -> int:
    """Return how many figures are known of all devices together."""
    return sum(
        value is not None
        for device in devices
        for value in (device.free_before, device.free_lowest, device.free_after)
    )

"""A server's devices and their memory: the latest of both sources, and what each attempt took.

The driver's readings count only for devices of which it is certain which card they are
(gpu_match.py); `/system_stats` tells the others, and all of them where the driver cannot be asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry.attempt_memory import Sample, SampleBook, Span, figures_known
from telemetry.contact import Passed, StatsTold
from telemetry.gpu_match import Match, Matching
from telemetry.gpu_spans import Spans
from telemetry.hearing import Channel
from telemetry.nvml import GpuReading, NvmlReadings, NvmlState
from telemetry.protocol import Device
from telemetry.transitions import (
    AttemptEnded,
    AttemptMemory,
    DeviceMemory,
    DevicesIdentified,
    DevicesSampled,
    EnvironmentChanged,
    Key,
    ServerCameOnline,
    ServerRestarted,
    Transition,
)
from telemetry.words import Grade

if TYPE_CHECKING:
    from telemetry.machine import ServerState

# A reading older than this is not shown as what is now.
CURRENT = timedelta(seconds=5)
# After an end: how long a sample of each source is waited for, and how long better is told.
MEASURED_WAIT = timedelta(seconds=3)
POLLED_WAIT = timedelta(seconds=8)
DONE_AFTER = timedelta(seconds=12)
DONE_KEPT = 64


@dataclass(frozen=True, slots=True)
class GpuTold:
    """What the driver of the host tells of all its cards."""

    readings: NvmlReadings


@dataclass(slots=True)
class Due:
    """An ended attempt whose memory is still to be told, or may yet be told better."""

    end: AttemptEnded
    since: datetime
    told: tuple[DeviceMemory, ...] = ()


@dataclass(slots=True)
class Gpus:
    """What is known of one server's devices."""

    readings: NvmlReadings | None = None
    matching: Matching = field(default_factory=Matching)
    matches: list[Match] = field(default_factory=list)
    book: SampleBook = field(default_factory=SampleBook)
    spans: Spans = field(default_factory=Spans)
    driver: str | None = None
    due: dict[Key, Due] = field(default_factory=dict)
    done: deque[Key] = field(default_factory=lambda: deque(maxlen=DONE_KEPT))

    def reading(self, place: int, at: datetime) -> GpuReading | None:
        """Return what the driver tells now of the device in this place of /system_stats."""
        if self.readings is None or at - self.readings.at > CURRENT or place >= len(self.matches):
            return None
        uuid = self.matches[place].uuid
        return next((card for card in self.readings.devices if card.uuid == uuid), None)

    def match_anew(self, at: datetime) -> Iterator[DevicesIdentified]:
        """Take over which cards the devices are; samples of another card are dropped."""
        before, self.matches = self.matches, self.matching.matches()
        old, new = [m.uuid for m in before], [m.uuid for m in self.matches]
        if old == new:
            return
        for place in range(max(len(old), len(new))):
            if old[place : place + 1] != new[place : place + 1]:
                self.book.forget((place, Grade.MEASURED))
        if any(old) or any(new):
            yield DevicesIdentified(at, tuple(uuid or "" for uuid in new))


def follow(
    state: ServerState, event: Any, changes: list[Transition], at: datetime
) -> list[Transition]:
    """Return what an event, and what it changed, tells of the devices' memory."""
    for change in changes:
        if isinstance(change, AttemptEnded):
            _note_end(state, change, at)
        elif isinstance(change, EnvironmentChanged | ServerRestarted | ServerCameOnline):
            # It may have been started on other cards that look the same.
            state.gpus.matching.forget()
    handler = HANDLERS.get(type(event))
    told = list(handler(state, event, at)) if handler else []
    ended = any(isinstance(change, AttemptEnded) for change in changes)
    if ended or isinstance(event, StatsTold):
        told += _sampled(state, at, ended)
    return told


def _sampled(state: ServerState, at: datetime, riding: bool) -> Iterator[Transition]:
    spans = state.gpus.spans.told(at, riding)
    if spans:
        yield DevicesSampled(spans)


def _note_end(state: ServerState, end: AttemptEnded, at: datetime) -> None:
    """Have the memory of an attempt told that was watched while it ran."""
    gpus = state.gpus
    if end.found_later or end.started_at is None or end.ended_at is None or end.key in gpus.done:
        return
    gpus.book.note_end(end.ended_at - _skew(state))
    known = gpus.due.get(end.key)
    gpus.due[end.key] = Due(end, known.since, known.told) if known else Due(end, at)


def _gpu(state: ServerState, event: GpuTold, at: datetime) -> Iterator[Transition]:
    gpus, readings = state.gpus, event.readings
    if gpus.readings is not None and readings.at <= gpus.readings.at:
        return
    gpus.readings = readings
    sensors = state.channels[Channel.SENSORS]
    if readings.state is not NvmlState.OK:
        sensors.shut(at)
    else:
        sensors.open(at)
        sensors.lag.note((at - readings.at).total_seconds(), at)
    if readings.state is NvmlState.OK:  # else the cards are unknown, not gone
        gpus.matching.take_readings(readings)
        yield from gpus.match_anew(at)
    for place in range(len(gpus.matches)):
        card = gpus.reading(place, readings.at)
        if card is not None:
            _sample(state, (place, Grade.MEASURED), readings.at, card.free_bytes)
            total, free = card.total_bytes, card.free_bytes
            gpus.spans.add(place, readings.at, Grade.MEASURED, total, free, card)
    yield from _note_driver(state, at)
    yield from _settle(state, at)


def _note_driver(state: ServerState, at: datetime) -> Iterator[Transition]:
    """Tell the driver's version once it is certain that the server's card is this host's."""
    gpus = state.gpus
    driver = gpus.readings.driver if gpus.readings else None
    ours = any(match.uuid for match in gpus.matches)
    if driver is not None and driver != gpus.driver and ours and state.stats is not None:
        gpus.driver = driver
        yield EnvironmentChanged(at, state.stats, driver)


def _stats(state: ServerState, event: StatsTold, at: datetime) -> Iterator[Transition]:
    gpus, idle = state.gpus, state.running_attempt() is None
    gpus.matching.take_stats(event.answer, at, idle)
    yield from gpus.match_anew(at)
    for place, device in enumerate(event.answer.devices):
        if device.type != "cpu":  # there it is the host's RAM
            _sample(state, (place, Grade.POLLED), at, device.vram_free)
            if gpus.reading(place, at) is None:
                gpus.spans.add(place, at, Grade.POLLED, device.vram_total, device.vram_free)
    yield from _settle(state, at)


def _passed(state: ServerState, event: Passed, at: datetime) -> Iterator[Transition]:
    yield from _settle(state, at)


def _sample(state: ServerState, source: tuple[int, Grade], at: datetime, free: int | None) -> None:
    if free is not None:
        running = state.running_attempt()
        state.gpus.book.add(source, Sample(at, free), running.key if running else None)


def _settle(state: ServerState, at: datetime) -> Iterator[AttemptMemory]:
    """Tell of the attempts of which all is known, or as much as will be."""
    gpus = state.gpus
    for key, due in list(gpus.due.items()):
        span = _span(state, due.end)
        devices = _devices(state, span)
        over = at - due.since > DONE_AFTER
        # What differs from what was told is a correction: the next prompt or the end came earlier.
        if devices and devices != due.told and (over or _is_ripe(devices, span, at)):
            due.told = devices
            yield AttemptMemory(key, devices)
        if over:
            del gpus.due[key]
            gpus.done.append(key)
            gpus.book.close(span)


def _is_ripe(devices: tuple[DeviceMemory, ...], span: Span, at: datetime) -> bool:
    measured = all(device.grade is Grade.MEASURED for device in devices)
    wait = MEASURED_WAIT if measured else POLLED_WAIT
    complete = all(device.free_after is not None for device in devices)
    return complete or span.busy_from is not None or at - span.ended_at >= wait


def _span(state: ServerState, end: AttemptEnded) -> Span:
    """Return when an attempt ran, by our clock, and when ComfyUI had other work again."""
    assert end.started_at is not None
    assert end.ended_at is not None
    skew = _skew(state)
    ended_at = end.ended_at - skew
    begins = [
        attempt.submitted_at - skew if attempt.submitted_at else attempt.seen_at
        for attempt in (*state.open_attempts(), *state.recent)
        if attempt.key != end.key and (attempt.is_open or _ended_later(attempt.end, end))
    ]
    # One prompt at a time: what waited took over at once.
    busy_from = max(ended_at, min(begins)) if begins else None
    return Span(end.key, end.started_at - skew, ended_at, busy_from)


def _ended_later(other: AttemptEnded | None, end: AttemptEnded) -> bool:
    ended_at = other.ended_at if other and other.started_at else None
    return ended_at is not None and end.ended_at is not None and ended_at > end.ended_at


def _devices(state: ServerState, span: Span) -> tuple[DeviceMemory, ...]:
    """Return a device's memory by the source that knows most, the better graded among equals."""
    best: dict[int, DeviceMemory] = {}
    for place, grade in state.gpus.book.sources():
        new = _device(state, place, grade, span)
        if new is None:
            continue
        old = best.get(place)
        if old is None or _rank(new) > _rank(old):
            best[place] = new
    return tuple(best[place] for place in sorted(best))


def _rank(device: DeviceMemory) -> tuple[int, int]:
    return figures_known((device,)), -device.grade.rank


def _device(state: ServerState, place: int, grade: Grade, span: Span) -> DeviceMemory | None:
    told = state.gpus.book.told((place, grade), span)
    stats = state.stats.devices if state.stats else ()
    if not told.known or place >= len(stats):
        return None
    device: Device = stats[place]
    match = state.gpus.matches[place] if place < len(state.gpus.matches) else Match()
    return DeviceMemory(
        place,
        match.uuid or "",
        device.name,
        device.vram_total,
        told.before,
        told.lowest,
        told.after,
        grade,
        told.samples,
    )


def _skew(state: ServerState) -> timedelta:
    return timedelta(seconds=state.skew_s or 0.0)


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    GpuTold: _gpu,
    StatsTold: _stats,
    Passed: _passed,
}

"""The GPU while an attempt was at work: memory and utilisation over time, as lines. Pure.

Lines are drawn in a box of 1000 × HEIGHT; the device is the one that had least memory left.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from history.models import GpuSample
from history.scene_page.reading import Read
from history.words import SPAN_LABELS, Span
from telemetry.text import MISSING, NBSP, duration, gib

HEIGHT = 150
LOW = 80
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, in percent of the width or in pixels from the top."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a device came to, as a row of the table."""

    name: str
    used: str
    free: str
    busy: str
    hottest: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Two lines over one axis, and all devices as a table. A line is "" where nobody told it."""

    name: str
    every: str
    used: str
    used_area: str
    busy: str
    busy_area: str
    memory: list[Tick]
    times: list[Tick]
    in_words: str
    devices: list[Device]
    failed: bool


def trace_of(of: Read) -> Trace | None:
    """Return the trace of the attempt that is looked at, None where no sample is on record."""
    attempt = of.shown
    if attempt is None or attempt.started_at is None or not of.samples:
        return None
    begin, until = attempt.started_at, attempt.ended_at or of.at
    devices = _by_device(of.samples)
    rows = [_device(index, some) for index, some in devices.items()]
    index, fullest = min(devices.items(), key=lambda one: _least(one[1]))
    total = max((s.total_bytes or 0 for s in fullest), default=0)
    span = max((until - begin).total_seconds(), 1.0)
    used = _line(fullest, begin, span, lambda s: _used_share(s, total), HEIGHT)
    busy = _line(fullest, begin, span, _busy_share, LOW)
    return Trace(
        f"GPU {index}",
        SPAN_LABELS[Span(fullest[0].span_s)],
        *used,
        *busy,
        _memory_ticks(total),
        _time_ticks(span),
        f"{rows[list(devices).index(index)].used} GiB of memory in use at most",
        rows,
        attempt.error_type is not None,
    )


def _by_device(samples: Iterable[GpuSample]) -> dict[int, list[GpuSample]]:
    told: dict[int, list[GpuSample]] = {}
    for sample in samples:
        told.setdefault(sample.index, []).append(sample)
    return told


def _least(samples: list[GpuSample]) -> float:
    known = [s.free_lowest_bytes for s in samples if s.free_lowest_bytes is not None]
    return min(known, default=float("inf"))


def _used_share(sample: GpuSample, total: int) -> float | None:
    if not total or sample.free_lowest_bytes is None:
        return None
    return 1 - sample.free_lowest_bytes / total


def _busy_share(sample: GpuSample) -> float | None:
    told = sample.utilisation_mean_percent
    return None if told is None else told / 100


def _line(
    samples: list[GpuSample],
    begin: datetime,
    span: float,
    share: Callable[[GpuSample], float | None],
    height: int,
) -> tuple[str, str]:
    """Return a line and the area below it; broken where spans are missing."""
    line, area = [], []
    for part in _unbroken(samples, share):
        points = [f"{_x(sample, begin, span)} {_y(value, height)}" for sample, value in part]
        if len(part) == 1:
            points = [f"{x} {_y(part[0][1], height)}" for x in _ends(part[0][0], begin, span)]
        first, last = points[0].partition(" ")[0], points[-1].partition(" ")[0]
        line.append("M" + "L".join(points))
        area.append(f"M{first} {height}L{'L'.join(points)}L{last} {height}Z")
    return "".join(line), "".join(area)


def _unbroken(
    samples: list[GpuSample], share: Callable[[GpuSample], float | None]
) -> list[list[tuple[GpuSample, float]]]:
    parts: list[list[tuple[GpuSample, float]]] = []
    for sample in samples:
        value = share(sample)
        if value is None:
            continue
        last = parts[-1][-1][0] if parts else None
        if last is None or (sample.at - last.at).total_seconds() > 1.5 * sample.span_s:
            parts.append([])
        parts[-1].append((sample, value))
    return parts


def _y(value: float, height: int) -> float:
    return round(height * (1 - min(1.0, max(0.0, value))), 1)


def _ends(sample: GpuSample, begin: datetime, span: float) -> tuple[float, float]:
    """Return where a sample that stands alone begins and ends."""
    first = (sample.at - begin).total_seconds()
    return _place(first, span), _place(first + sample.span_s, span)


def _x(sample: GpuSample, begin: datetime, span: float) -> float:
    """Return where the middle of a sample's span is, from 0 to 1000."""
    middle = (sample.at - begin).total_seconds() + sample.span_s / 2
    return _place(middle, span)


def _place(seconds: float, span: float) -> float:
    return round(1000 * min(1.0, max(0.0, seconds / span)), 1)


def _memory_ticks(total: int) -> list[Tick]:
    if not total:
        return []
    step = next((s for s in (2, 4, 8, 16, 32, 64) if total / GIB / s <= 4), 128)
    marks = range(0, int(total / GIB * 0.94) + 1, step)
    inner = [Tick(round(HEIGHT * (1 - n * GIB / total), 1), f"{n}") for n in marks]
    return [*inner, Tick(0, f"{gib(total)}{NBSP}GiB")]


def _time_ticks(span: float) -> list[Tick]:
    return [Tick(share, duration(span * share / 100)) for share in (25, 50, 75)] + [
        Tick(100, duration(span))
    ]


def _device(index: int, samples: list[GpuSample]) -> Device:
    total = max((s.total_bytes or 0 for s in samples), default=0)
    least = _least(samples)
    known = least != float("inf")
    busy = [s.utilisation_mean_percent for s in samples if s.utilisation_mean_percent is not None]
    hot = [s.temperature_highest_c for s in samples if s.temperature_highest_c is not None]
    return Device(
        name=f"GPU {index}",
        used=f"{gib(total - least)} of {gib(total)}" if known and total else MISSING,
        free=gib(least) if known else MISSING,
        busy=f"{sum(busy) / len(busy):.0f}%" if busy else MISSING,
        hottest=f"{max(hot):.0f}{NBSP}°C" if hot else MISSING,
    )

"""Where an axis ends and what stands on it: three to five round numbers. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from history.charts.parts import Axis, Unit
from telemetry.text import NBSP

# Steps of clocks, in seconds; beyond them days.
CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
DAY = 86400
GIB = 1 << 30
MOST = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends of an axis, and its ticks with their labels."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def from_zero(self) -> bool:
        """Say whether it begins at zero."""
        return self.low == 0


def scale_of(axis: Axis, values: list[float]) -> Scale:
    """Return the scale that holds the values; from 0 to 1 where there are none."""
    known = [value for value in values if isfinite(value)]
    least, most = min(known, default=0.0), max(known, default=1.0)
    if axis.unit is Unit.SHARE and axis.from_zero:
        least, most = 0.0, 1.0
    elif axis.from_zero or most - least > 0.6 * most:
        least = min(0.0, least)
    # No wider than what floats can tell apart: then from zero on.
    if most - least < max(1e-6, 1e-6 * most):
        least, most = 0.0, most if most > 1e-6 else 1.0
    step = _step(axis.unit, most - least)
    first, last = floor(least / step + 1e-9), ceil(most / step - 1e-9)
    ticks = tuple(n * step for n in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, tuple(label(axis.unit, tick) for tick in ticks))


def _step(unit: Unit, span: float) -> float:
    """Return the smallest round step that goes at most MOST - 1 times into a span."""
    if unit is Unit.SECONDS and span >= MOST - 1:
        fit = next((step for step in CLOCK if span / step <= MOST - 1), None)
        return float(fit or DAY * ceil(span / DAY / (MOST - 1)))
    size = GIB if unit is Unit.BYTES else 1
    raw = span / size / (MOST - 1)
    power = 10.0 ** floor(log10(raw))
    step = next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= raw * (1 - 1e-9))
    if unit is Unit.COUNT:
        step = max(1.0, ceil(step))
    return step * size


def label(unit: Unit, value: float) -> str:
    """Return a tick's label: 45m, 1h 30m, 70%, 24 GiB, 1,200."""
    return LABELS[unit](value)


def _share(value: float) -> str:
    return f"{100 * value:g}%"


def _gib(value: float) -> str:
    return f"{value / GIB:g}{NBSP}GiB"


def _count(value: float) -> str:
    return f"{value:,g}"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    parts = [(number, unit) for number, unit in ((hours, "h"), (left, "m"), (rest, "s")) if number]
    first, *others = parts
    # As elsewhere on the page: 5m 05s, and 5m where nothing is left.
    return NBSP.join([f"{first[0]}{first[1]}", *(f"{n:02}{unit}" for n, unit in others)])


LABELS: dict[Unit, Callable[[float], str]] = {
    Unit.SECONDS: _clock,
    Unit.SHARE: _share,
    Unit.BYTES: _gib,
    Unit.COUNT: _count,
}

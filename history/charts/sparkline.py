"""A line without axes beside a figure: geometry for templates/history/_sparkline.html. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeGuard

from telemetry.readable import Readable

WIDTH, HEIGHT, EDGE = 100.0, 24.0, 2.0
# Half of what is drawn of a value that has no neighbour.
DASH = 1.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sparkline(Readable):
    """Paths in a box of 100 by 24; `base` is where the baseline runs, `last` the end in percent.

    `last` is None where the newest value is missing: there is no end to mark.
    """

    line: str
    area: str
    base: str | None
    last: str | None


def sparkline_of(values: Sequence[float | None], base: float | None = None) -> Sparkline | None:
    """Return the line through values, oldest first; None below two, where there is no line.

    A missing value interrupts it; one alone between two such is a dash.
    """
    known = [value for value in values if _is_known(value)]
    if len(known) < 2:
        return None
    among = [*known, *([] if base is None else [base])]
    least, span = min(among), max(among) - min(among)

    def down(value: float) -> float:
        share = (value - least) / span if span else 0.5
        return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)

    parts = _parts([down(value) if _is_known(value) else None for value in values])
    return Sparkline(
        "".join(_line(part) for part in parts),
        "".join(_area(part) for part in parts),
        None if base is None else f"M0 {down(base):.4g}H{WIDTH:g}",
        f"{100 * down(values[-1]) / HEIGHT:.4g}%" if _is_known(values[-1]) else None,
    )


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and isfinite(value)


def _parts(downs: Sequence[float | None]) -> list[list[Point]]:
    """Return the points of each stretch without a gap."""
    step = WIDTH / (len(downs) - 1)
    parts: list[list[Point]] = [[]]
    for place, down in enumerate(downs):
        if down is None:
            parts.append([])
        else:
            parts[-1].append((place * step, down))
    return [_seen(part) for part in parts if part]


def _seen(part: list[Point]) -> list[Point]:
    """Return a stretch that can be seen: one point alone has no length."""
    if len(part) > 1:
        return part
    [(across, down)] = part
    return [(max(0.0, across - DASH), down), (min(WIDTH, across + DASH), down)]


def _line(part: list[Point]) -> str:
    return "M" + "L".join(f"{across:.4g} {down:.4g}" for across, down in part)


def _area(part: list[Point]) -> str:
    (first, _), (last, _) = part[0], part[-1]
    return f"{_line(part)}L{last:.4g} {HEIGHT:g}L{first:.4g} {HEIGHT:g}Z"

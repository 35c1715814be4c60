"""A line without axes beside a figure: geometry for templates/history/_sparkline.html. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

WIDTH, HEIGHT, EDGE = 100.0, 24.0, 2.0


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Paths in a box of 100 by 24; `base` is where the baseline runs, `last` the end in percent."""

    line: str
    area: str
    base: str | None
    last: str


def sparkline_of(values: Sequence[float | None], base: float | None = None) -> Sparkline | None:
    """Return the line through values, oldest first; None below two, where there is no line."""
    known = [value for value in values if value is not None and isfinite(value)]
    if len(known) < 2:
        return None
    among = [*known, *([] if base is None else [base])]
    least, span = min(among), max(among) - min(among)

    def down(value: float) -> float:
        share = (value - least) / span if span else 0.5
        return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)

    step = WIDTH / (len(known) - 1)
    points = [f"{place * step:.4g} {down(value):.4g}" for place, value in enumerate(known)]
    line = "M" + "L".join(points)
    return Sparkline(
        line,
        f"{line}L{WIDTH:g} {HEIGHT:g}L0 {HEIGHT:g}Z",
        None if base is None else f"M0 {down(base):.4g}H{WIDTH:g}",
        f"{100 * down(known[-1]) / HEIGHT:.4g}%",
    )

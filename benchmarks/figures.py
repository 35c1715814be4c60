"""A measured figure, the limit that it must hold, and how both are printed."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `value` None means that it was not reached: that never passes a limit.

    `limit` None: told for information. `better` says on which side of the limit it must be; a value
    that is exactly the limit holds it.
    """

    name: str
    value: float | None
    unit: str
    limit: float | None = None
    better: Literal["less", "more"] = "less"

    @property
    def holds(self) -> bool | None:
        """Say whether the limit is held, None where there is none."""
        if self.limit is None:
            return None
        if self.value is None:
            return False
        return self.value <= self.limit if self.better == "less" else self.value >= self.limit


VERDICTS = {True: "pass", False: "FAIL", None: ""}
SIGNS = {"less": "<=", "more": ">="}


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table for people."""
    rows = [("figure", "value", "limit", "")]
    for figure in figures:
        limit = "" if figure.limit is None else f"{SIGNS[figure.better]} {shown(figure.limit)}"
        value = f"{shown(figure.value)} {figure.unit}".strip()
        rows.append((figure.name, value, limit, VERDICTS[figure.holds]))
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {limit:>{widths[2]}}  {verdict}".rstrip()
        for name, value, limit, verdict in rows
    )


def shown(value: float | None) -> str:
    """Return a number with what digits it deserves; "–" where there is none."""
    if value is None:
        return "–"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def lines(benchmark: str, figures: Iterable[Figure]) -> str:
    """Return the figures as one JSON object a line."""
    return "\n".join(
        json.dumps(
            {
                "benchmark": benchmark,
                "figure": figure.name,
                "value": figure.value,
                "unit": figure.unit,
                "limit": figure.limit,
                "better": figure.better,
                "holds": figure.holds,
            },
            ensure_ascii=False,
        )
        for figure in figures
    )

"""What a purge counted or deleted, by kind of row, and how long the database was at work for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

Rows = list[tuple[str, int]]


@dataclass(slots=True)
class Line:
    """One kind of row: how many were older than `before`; pauses are not in its seconds."""

    what: str
    before: datetime
    rows: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0

    def took(self, seconds: float) -> None:
        """Take in how long a statement took."""
        self.seconds += seconds
        self.slowest_ms = max(self.slowest_ms, seconds * 1000)


@dataclass(slots=True)
class Tally:
    """Lines in the order in which they began. `tell` hears of each gain: the line and its rows."""

    tell: Callable[[Line, int], None] = lambda line, rows: None
    lines: dict[str, Line] = field(default_factory=dict)
    _open: list[Line] = field(default_factory=list)

    @contextmanager
    def on(self, what: str, before: datetime) -> Iterator[Line]:
        """Have the statements of the block booked to a line."""
        line = self.lines.setdefault(what, Line(what, before))
        self._open.append(line)
        try:
            yield line
        finally:
            self._open.pop()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time every statement of the block on this thread's connection."""
        with connection.execute_wrapper(self._timed):
            yield

    def _timed(self, execute: Callable[..., Any], *args: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*args)
        finally:
            self.took(time.perf_counter() - began)

    def took(self, seconds: float) -> None:
        """Book the time of a statement to the line that is at work."""
        if self._open:
            self._open[-1].took(seconds)

    def add(self, rows: Rows) -> None:
        """Add rows to their lines."""
        for what, count in rows:
            if not count:
                continue
            line = self.lines[what]
            line.rows += count
            self.tell(line, count)


def table(tally: Tally, verb: str) -> str:
    """Return the lines as a table for people; `verb` says what became of the rows."""
    rows = [("what", "older than (UTC)", verb, "seconds", "slowest statement")]
    for line in tally.lines.values():
        slowest = f"{line.slowest_ms:,.1f} ms"
        before = f"{line.before:%Y-%m-%d %H:%M:%S}"
        rows.append((line.what, before, f"{line.rows:,}", f"{line.seconds:.2f}", slowest))
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )

"""From when what a page tells is: its figures, and the file that told of a run. Pure.

A page that is open asks for its figures again as things happen and each minute (refresh.js), so
that they follow what is pushed within 2 s; the age tells where they do not. What a file told is as
old as the file: nothing makes it newer but another file.
"""

from dataclasses import dataclass
from datetime import datetime

from history.models import Run
from telemetry.text import duration


@dataclass(frozen=True, slots=True)
class Freshness:
    """When figures were reckoned; of an imported run when its file was written, and how long ago.

    `told_by` says what `told_at` is: the file's own word, or when it was imported. `limit` is the
    age from which a file is called old, "" where this one is not.
    """

    as_of: datetime
    told_at: datetime | None
    told_by: str
    age: str
    limit: str


def freshness_of(run: Run, at: datetime, stale_after_h: float) -> Freshness:
    """Return from when what is told of a run is, as it is at a time."""
    if not run.revision:
        return Freshness(at, None, "", "", "")
    told_at = run.told_at or run.touched_at
    age_s = max(0.0, (at - told_at).total_seconds())
    return Freshness(
        as_of=at,
        told_at=told_at,
        told_by="written" if run.told_at else "imported",
        age=duration(age_s),
        limit=f"{stale_after_h:g} h" if age_s > 3600 * stale_after_h else "",
    )

"""Where a run's figures come from: watched or told by files, and what nobody saw. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from history.run_page.reading import Read
from history.words import ORIGIN_LABELS, Origin
from telemetry.text import duration, plural


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A time in which one of the run's servers was not watched."""

    server: str
    began_at: datetime
    lasted: str
    reason: str


def told_by(read: Read) -> str:
    """Return who told of the run's attempts, in a sentence."""
    counts = Counter({origin: count for origin, (count, _) in read.origins.items()})
    if not counts:
        return "Nothing was watched: there is no attempt on record."
    parts = [f"{counts[o.value]:,} {ORIGIN_LABELS[o]}" for o in Origin if counts[o.value]]
    later = sum(found for _, found in read.origins.values())
    seen = f" {later:,} found only after the end." if later else ""
    return f"{plural(counts.total(), 'attempt')}: {', '.join(parts)}.{seen}"


def gaps(read: Read) -> list[Unwatched]:
    """Return the times in which its servers were not watched, within the run."""
    until = read.run.ended_at or read.at
    return [
        Unwatched(
            gap.server.name,
            max(gap.began_at, read.run.began_at),
            duration(
                (
                    min(gap.ended_at or until, until) - max(gap.began_at, read.run.began_at)
                ).total_seconds()
            ),
            gap.reason,
        )
        for gap in read.gaps
    ]

"""The earlier runs of the same work, as a table. Pure."""

from dataclasses import dataclass
from datetime import datetime

from history.explore.listing import title_of_run
from history.explore.panel import percent
from history.run_charts.reading import alike
from history.run_page.reading import Read
from telemetry.text import MISSING, duration
from telemetry.words import Outcome

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run of the baseline."""

    pk: int
    name: str
    of: str
    began_at: datetime
    took: str
    success: str


def earlier(read: Read) -> list[Earlier]:
    """Return the newest runs of the same work, newest first."""
    rows = alike(read.run, read.judged.earlier)[::-1][:SHOWN]
    return [
        Earlier(
            run.pk,
            *title_of_run(run),
            run.began_at,
            duration(run.work_s) if run.outcome == Outcome.SUCCESS else MISSING,
            percent(run.success_rate),
        )
        for run in rows
    ]

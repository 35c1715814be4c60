"""Small lines of a list of runs: how each one's work went before, what of the rows succeeded."""

from collections.abc import Sequence

from history.charts.sparkline import Sparkline, sparkline_of
from history.judged.judging import Judged
from history.models import Run

# A line of a row is some sixty pixels wide.
SHOWN = 12


def time_line(judged: Judged) -> Sparkline | None:
    """Return how long the completed runs before it took that are like it, and the run itself."""
    before = judged.baseline.values[1 - SHOWN :]
    return sparkline_of([*before, judged.work.value], judged.baseline.median)


def success_line(newest_first: Sequence[Run]) -> Sparkline | None:
    """Return the share of scenes that completed, run by run; a gap where one has none yet."""
    return sparkline_of([run.success_rate for run in reversed(newest_first)])

"""The figures of a list of values, and what may be said of them in words. Pure.

Missing values are left out and counted, never taken for 0. Percentiles are interpolated linearly
between order statistics (type 7 of Hyndman and Fan), as PostgreSQL's percentile_cont does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from history.baseline.ladder import ENOUGH
from history.baseline.logs import logs_of, spread_of
from history.baseline.proportions import Rate
from history.baseline.ranks import Floats
from telemetry.text import plural


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of values looks like, in the values' unit; None where there are none.

    `sd` is that of a sample (n - 1), None below two; `population_sd` that of just these values.
    `variation` is the robust run-to-run variation as a share (0.05: 5 %), None below five.
    """

    n: int
    missing: int
    total: float | None = None
    mean: float | None = None
    median: float | None = None
    p90: float | None = None
    p95: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    sd: float | None = None
    population_sd: float | None = None
    variation: float | None = None


def summary_of(values: Iterable[float | None], *, alike: bool = True) -> Summary:
    """Return the summary of values; None, NaN and infinite ones are missing.

    Values that are not `alike`, as those of runs of many kinds, have no variation from run to run.
    """
    told = np.array(list(values), dtype=float)  # None becomes NaN
    known = told[np.isfinite(told)]
    n, missing = known.size, told.size - known.size
    if not n:
        return Summary(0, missing)
    median, p90, p95 = np.quantile(known, [0.5, 0.9, 0.95]).tolist()
    return Summary(
        n,
        missing,
        float(known.sum()),
        float(known.mean()),
        median,
        p90,
        p95,
        float(known.min()),
        float(known.max()),
        float(known.std(ddof=1)) if n > 1 else None,
        float(known.std()),
        _variation_of(known) if alike else None,
    )


def _variation_of(known: Floats) -> float | None:
    return float(spread_of(logs_of(known))) if known.size >= ENOUGH and known.min() > 0 else None


# --- in words ------------------------------------------------------------------------------------

# A tenth and a twentieth of the values are somebody only among so many.
FOR_P90, FOR_P95 = 10, 20
# A longest that is no more than this many medians is not worth a word.
LONG = 2.0


Say = Callable[[float | None], str]


def _seconds(value: float | None) -> str:
    return f"{value:,.1f} s"


def insights(summary: Summary, success: Rate | None = None, say: Say = _seconds) -> list[str]:
    """Return what n allows to say, in sentences; none below five values. `say` words a value."""
    said = [_middle(summary, say), _tail(summary, say), _longest(summary, say)]
    said += [_variation(summary), _success(success)]
    return [sentence for sentence in said if sentence]


def _middle(summary: Summary, say: Say) -> str:
    if summary.n < ENOUGH or summary.median is None:
        return ""
    return f"Half of {plural(summary.n, 'run')} took {say(summary.median)} or less."


def _tail(summary: Summary, say: Say) -> str:
    if summary.n >= FOR_P95:
        return f"One in twenty took more than {say(summary.p95)}."
    if summary.n >= FOR_P90:
        return f"One in ten took more than {say(summary.p90)}."
    return ""


def _longest(summary: Summary, say: Say) -> str:
    if summary.n < ENOUGH or not summary.median or not summary.maximum:
        return ""
    times = summary.maximum / summary.median
    long = f"The longest, {say(summary.maximum)}, took {times:.1f} times the median."
    return long if times >= LONG else ""


def _variation(summary: Summary) -> str:
    if summary.variation is None:
        return ""
    return f"From run to run it varies by {summary.variation:.1%}."


def _success(success: Rate | None) -> str:
    if success is None or success.n < ENOUGH or success.share is None:
        return ""
    return (
        f"{success.successes:,} of {success.n:,} completed ({success.share:.1%}; "
        f"95 % interval {success.low:.0%} to {success.high:.0%})."
    )

"""The statistics panel above a list of runs: its figures in words, the interval as a drawing."""

from dataclasses import dataclass
from datetime import datetime
from math import floor, nan, sqrt
from typing import TYPE_CHECKING

from history.explore.figures import Figures
from history.explore.filters import STATUSES
from telemetry.text import MISSING, duration, plural

if TYPE_CHECKING:
    from history.baseline.proportions import Rate
    from history.baseline.summary import Summary

COLUMNS = {
    "mean": "Mean",
    "median": "Median",
    "p90": "p90",
    "p95": "p95",
    "minimum": "Min",
    "maximum": "Max",
    "sd": "Std dev",
}
# A mean is sure as far as it lies within a tenth, which is what people act on.
NEAR = 0.1


@dataclass(frozen=True, slots=True)
class Figure:
    """A duration in words, and exactly: seconds with two decimals; the median stands out."""

    words: str
    exact: str
    stands_out: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the panel: a measure's n, and its figures in the order of COLUMNS.

    `level` says how sure the mean is: Low, Medium or High; "" where there is none.
    """

    label: str
    n: str
    missing: int
    figures: list[Figure]
    level: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate's interval as a drawing from `begin` to 100 %: places in percent of its width."""

    begin: str
    low: str
    width: str
    at: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel. Texts are "–" where nothing is known."""

    said: str
    counts: list[tuple[str, str, str]]
    share: str
    of: str
    interval: Interval | None
    measures: list[Measure]
    columns: list[str]
    insights: list[str]
    oldest_at: datetime | None
    newest_at: datetime | None


def panel_of(figures: Figures) -> Panel:
    """Return the panel of figures."""
    from history.baseline.summary import insights

    rate = figures.success
    return Panel(
        said=_said(figures),
        counts=[(name, STATUSES[name][0], f"{n:,}") for name, n in figures.by_status.items() if n],
        share=percent(rate.share),
        of=_interval_words(rate),
        interval=_interval(rate),
        measures=[
            _measure("From first start to last end", figures.duration_s),
            _measure("Its scenes together", figures.work_s),
        ],
        columns=list(COLUMNS.values()),
        insights=insights(figures.duration_s, say=duration),
        oldest_at=figures.oldest_at,
        newest_at=figures.newest_at,
    )


def _said(figures: Figures) -> str:
    of = "the newest " if figures.is_part else ""
    return f"{of}{plural(figures.runs, 'run')}, {plural(figures.scenes, 'scene')}"


def percent(share: float | None) -> str:
    """Return a share in percent; 100 only for all: 99.96 % of a thousand is one that failed."""
    if share is None:
        return MISSING
    text = f"{100 * share:.1f}%" if share < 1 else "100%"
    return "99.9%" if text == "100.0%" else text


def _interval_words(rate: "Rate") -> str:
    if rate.share is None:
        return "none was tried"
    tried = f"{rate.successes:,} of {rate.n:,} tried"
    return f"{tried}, 95% interval {percent(rate.low)} to {percent(rate.high)}"


def _interval(rate: "Rate") -> Interval | None:
    if rate.share is None or rate.low is None or rate.high is None:
        return None
    begin = max(0, floor(10 * rate.low - 0.2) / 10)
    low, at, high = (100 * (x - begin) / (1 - begin) for x in (rate.low, rate.share, rate.high))
    return Interval(f"{begin:.0%}", f"{low:.1f}%", f"{high - low:.1f}%", f"{at:.1f}%")


def _measure(label: str, summary: "Summary") -> Measure:
    figures = [_figure(name, getattr(summary, name)) for name in COLUMNS]
    return Measure(label, f"{summary.n:,}", summary.missing, figures, _level(summary))


def _level(summary: "Summary") -> str:
    """Return how sure it is that the mean is within a tenth of what such runs take."""
    from history.baseline.confidence import confidence_of, level_of

    if not summary.n:
        return ""
    known = summary.sd is not None and summary.mean
    error = (summary.sd or 0.0) / (summary.mean or 1.0) / sqrt(summary.n) if known else nan
    sure = confidence_of(0.0, error, NEAR, beyond=False, n=summary.n)
    return level_of(sure, summary.n).value


def _figure(name: str, seconds: float | None) -> Figure:
    exact = MISSING if seconds is None else f"{seconds:.2f}"
    return Figure(duration(seconds), exact, name == "median")

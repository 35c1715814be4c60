"""A run's figures against its baseline, as cards. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import dropwhile
from statistics import median
from typing import TYPE_CHECKING

from history.baseline.ladder import Baseline
from history.charts.sparkline import Sparkline, sparkline_of
from history.explore.panel import percent
from history.judged.judging import Judged, JudgedRun
from history.judged.words import Delta, Trend, delta_of, trend_of
from history.run_charts.reading import alike
from history.run_page.reading import Read
from history.run_page.success import success_of
from telemetry.text import NBSP, duration, gib, plural
from telemetry.words import Outcome

if TYPE_CHECKING:
    # Here, for it loads numpy.
    from history.baseline.proportions import RateJudgement

# What a verdict on a rate says, by its name or by that of why there is none: tone and words.
RATES = {
    "IMPROVING": ("ok", "better"),
    "DEGRADING": ("bad", "worse"),
    "STABLE": ("", "no significant change"),
    "FEW": ("", "too few scenes to tell"),
    "NOISE": ("", "a large difference, but not certain"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """When the runs of a baseline began; told by days where they are days apart."""

    first: datetime
    last: datetime

    @property
    def is_of_days(self) -> bool:
        """Say whether the days tell enough, without the time of day."""
        return self.last - self.first >= timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Card:
    """A figure: this run's, the baseline's, the difference, and where it goes.

    `level` is how sure the verdict is, "" where nothing is asserted.
    """

    title: str
    value: str
    unit: str
    baseline: str
    delta: Delta | None
    trend: Trend | None
    level: str
    n: int
    line: Sparkline | None = None
    period: Period | None = None

    @property
    def icon(self) -> str:
        """Return the icon of what the difference means."""
        tone = self.delta.tone if self.delta else ""
        return {"ok": "s-completed", "bad": "s-warn"}.get(
            tone, "t-flat" if self.level else "s-info"
        )


def cards(read: Read) -> list[Card]:
    """Return the cards; one without a figure of this run is left out."""
    told = [_work(read), _success(read), _memory(read), _scenes(read)]
    return [card for card in told if card is not None]


def _work(read: Read) -> Card | None:
    judged = read.judged.run
    if read.run.work_s is None:
        return None
    delta, trend = delta_of(judged), trend_of(judged)
    return Card(
        "Time of its scenes together",
        duration(read.run.work_s),
        "",
        _median(judged.baseline),
        _in_seconds(delta, judged) if delta.is_known else None,
        trend,
        _surely(judged, delta),
        trend.n if trend else judged.baseline.n,
        sparkline_of([*_times(read), judged.work.value], judged.baseline.median),
        period_of(read.judged),
    )


def _median(baseline: Baseline) -> str:
    n = baseline.n
    return f"median {duration(baseline.median)}, n{NBSP}={NBSP}{n}" if n else "no baseline"


def _in_seconds(delta: Delta, judged: Judged) -> Delta:
    """Return a difference that says how long its percent are."""
    value, usual = judged.work.value, judged.baseline.median
    if value is None or usual is None:
        return delta
    sign = "+" if value > usual else "−" if value < usual else ""
    return replace(delta, text=f"{sign}{duration(abs(value - usual))}, {delta.text}")


def period_of(judged: JudgedRun) -> Period | None:
    """Return from when to when the runs of a run's baseline began, where they are several."""
    ids = set(judged.run.baseline.ids)
    began = [run.began_at for run in judged.earlier if run.pk in ids]
    return Period(min(began), max(began)) if len(began) > 1 else None


def _times(read: Read) -> list[float | None]:
    """Return what the baseline's runs took, oldest first; None for those between that failed."""
    baseline = read.judged.run.baseline
    known = dict(zip(baseline.ids, baseline.values, strict=True))
    failed = {
        run.pk for run in alike(read.run, read.judged.earlier) if run.outcome != Outcome.SUCCESS
    }
    told = [known.get(run.pk) for run in read.judged.earlier[::-1] if run.pk in {*known, *failed}]
    return list(dropwhile(lambda value: value is None, told))


def _surely(judged: Judged, delta: Delta) -> str:
    """Return how sure the verdict is that the card shows: the trend's, or the run's own."""
    if judged.trend is not None:
        return "" if judged.trend.why else str(judged.trend.level)
    is_open = judged.deviation is None or str(judged.deviation.standing) == "unclear"
    return delta.level if delta.is_known and not is_open else ""


def _success(read: Read) -> Card | None:
    told = success_of(read.run, read.judged.earlier)
    if told is None:
        return None
    judged, usual, runs = told.judged, told.usual, told.runs
    note = f"{percent(usual.share)} of {plural(usual.n, 'earlier scene')}" if usual.n else ""
    return Card(
        "Success rate",
        percent(read.run.success_rate),
        "",
        note or "no baseline",
        _points(judged, note) if usual.n else None,
        None,
        told.level,
        len(runs),
        sparkline_of(_rates(read), usual.share),
    )


def _rates(read: Read) -> list[float | None]:
    """Return the rates of earlier runs and this one, oldest first; None where nobody knows it."""
    runs = [*alike(read.run, read.judged.earlier), read.run]
    return [run.success_rate for run in runs]


def _points(judged: "RateJudgement", title: str) -> Delta | None:
    change = judged.change
    if change is None:
        return None
    tone, words = RATES[(judged.why or judged.verdict).name]
    icon = "t-flat" if abs(change) < 0.001 else "t-up" if change > 0 else "t-down"
    return Delta(icon, f"{abs(100 * change):.1f}{NBSP}pt", tone, words, title, 0, "")


def _memory(read: Read) -> Card | None:
    own = read.lowest.get(read.run.pk)
    if own is None:
        return None
    before = [int(str(pk)) for pk in read.judged.run.baseline.ids]
    line = [read.lowest.get(pk) for pk in before]
    usual = [least for least in line if least is not None]
    middle = median(usual) if usual else None
    delta = None
    if middle is not None:
        change = own - middle
        icon = "t-flat" if abs(change) < 0.05 * (1 << 30) else "t-up" if change > 0 else "t-down"
        words = "no verdict on memory"
        delta = Delta(icon, f"{gib(abs(change))}{NBSP}GiB", "", words, "", len(usual), "")
    return Card(
        "Lowest free VRAM",
        gib(own),
        "GiB",
        f"median {gib(middle)}{NBSP}GiB" if usual else "no baseline",
        delta,
        None,
        "",
        len(usual),
        sparkline_of([*line, own], middle),
    )


def _scenes(read: Read) -> Card | None:
    judged = [one for one in read.judged.scenes.values() if _is_known(one)]
    if not judged:
        return None
    slow = sum(str(one.deviation.standing) == "worse than usual" for one in judged if one.deviation)
    fast = sum(
        str(one.deviation.standing) == "better than usual" for one in judged if one.deviation
    )
    n = min(one.baseline.n for one in judged)
    return Card(
        "Scenes slower than usual",
        f"{slow:,} of {len(judged):,}",
        "",
        _compared(fast, len(judged), len(read.judged.scenes)),
        None,
        None,
        "",
        n,
    )


def _compared(fast: int, judged: int, count: int) -> str:
    """Return what became of the others, and how many are no part of it."""
    told = f"{fast:,} faster than usual; others within the noise, or too few runs to tell"
    without = count - judged
    return f"{told}; {without:,} without a baseline" if without else told


def _is_known(judged: Judged) -> bool:
    return delta_of(judged).is_known

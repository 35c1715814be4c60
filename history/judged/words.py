"""Judgements in words: the delta of a cell, a verdict's badge, what it was compared with. Pure.

An arrow is the direction of the value, the tone says whether that is good; without a tone it is
within the noise, or nobody can tell. Nothing is said by colour alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from history.judged.judging import Judged
from telemetry.readable import Readable
from telemetry.text import MISSING, NBSP, duration, plural

# Below one percent nothing has changed that anybody would see.
NOISE = 0.01
TONES = {"better than usual": "ok", "worse than usual": "bad"}
ADVERBS = {
    ("better than usual", False): "faster than usual",
    ("better than usual", True): "slower than usual",
    ("worse than usual", True): "slower than usual",
    ("worse than usual", False): "faster than usual",
    ("as usual", True): "as usual",
    ("as usual", False): "as usual",
    ("unclear", True): "slower, but too few runs to tell",
    ("unclear", False): "faster, but too few runs to tell",
}
TREND_ICONS = {
    "improving": ("s-completed", "ok"),
    "degrading": ("s-warn", "bad"),
    "stable": ("t-flat", ""),
    "unclear": ("s-info", ""),
    "cannot be compared": ("s-info", ""),
}


@dataclass(frozen=True, slots=True)
class Delta(Readable):
    """A difference as a cell: icon, amount, what that means; `title` names the baseline."""

    icon: str
    text: str
    tone: str
    words: str
    title: str
    n: int
    level: str

    @property
    def is_known(self) -> bool:
        """Say whether there was anything to compare with."""
        return self.text != MISSING


@dataclass(frozen=True, slots=True)
class Trend(Readable):
    """Where the work is going: a badge with its evidence.

    `level` is how sure it is, "" where nothing is asserted; `evidence` says both in words.
    """

    icon: str
    tone: str
    label: str
    title: str
    n: int
    level: str
    evidence: str


def delta_of(judged: Judged, shown: Callable[[float | None], str] = duration) -> Delta:
    """Return how work stands against its baseline, as a cell; `shown` writes a value."""
    deviation, baseline = judged.deviation, judged.baseline
    title = compared_with(judged, shown)
    if deviation is None or deviation.change is None or not baseline.judges:
        return Delta("t-flat", MISSING, "", "cannot be compared", title, baseline.n, "Low")
    change, standing = deviation.change, str(deviation.standing)
    flat = abs(change) < NOISE or standing == "as usual"
    icon = "t-flat" if flat else "t-up" if change > 0 else "t-down"
    words = ADVERBS.get((standing, change > 0), "")
    tone, level = TONES.get(standing, ""), str(deviation.level)
    return Delta(icon, percent(change), tone, words, title, deviation.n, level)


def percent(change: float) -> str:
    """Return the size of a relative change: its direction is the arrow's."""
    amount = abs(100 * change)
    return f"{amount:.1f}%" if amount < 10 else f"{amount:,.0f}%"


def compared_with(judged: Judged, shown: Callable[[float | None], str] = duration) -> str:
    """Return a sentence: the median it is compared with, what is usual, on which rung, of how many.

    Where there is nothing: why.
    """
    baseline, deviation = judged.baseline, judged.deviation
    if not baseline.n:
        left_out = baseline.sentence().removeprefix("Not compared").removeprefix("; ")
        return f"Nothing earlier to compare with{_because(left_out)}"
    usual = ""
    if deviation and deviation.low is not None and baseline.judges:
        usual = f", usual {shown(deviation.low)} to {shown(deviation.high)}"
    return f"Median {shown(baseline.median)}{usual}. {baseline.sentence()}"


def _because(left_out: str) -> str:
    return "." if left_out == "." else f": {left_out.removeprefix('left out: ')}"


def trend_of(judged: Judged) -> Trend | None:
    """Return where work is going, as a badge; None where nobody can tell."""
    trend = judged.trend
    if trend is None:
        return None
    icon, tone = TREND_ICONS[str(trend.verdict)]
    title = f"The last {plural(trend.recent, 'run')} against the {trend.n} before"
    if trend.change is not None:
        title += f": {percent(trend.change)} {'more' if trend.change > 0 else 'less'}"
    if trend.low is not None and trend.high is not None:
        title += f" (99{NBSP}% interval {_signed(trend.low)} to {_signed(trend.high)})"
    if trend.why:
        title += f"; {trend.why}"
    label, level = str(trend.verdict).capitalize(), "" if trend.why else str(trend.level)
    count = f"n{NBSP}={NBSP}{trend.n}"
    evidence = f"{level} · {count}" if level else count
    return Trend(icon, tone, label, title, trend.n, level, evidence)


def _signed(change: float) -> str:
    return f"{'+' if change > 0 else '−'}{percent(change)}"

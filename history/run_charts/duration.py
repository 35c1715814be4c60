"""How long a run took, over the runs of its baseline, and since when."""

from collections.abc import Sequence

import numpy as np

from history.baseline.ladder import Rung
from history.charts.parts import Axis, Chart, Kind, Series, Unit, Usual, Value
from history.judged.words import delta_of
from history.models import Run, Scene
from history.run_charts.reading import TITLES, Compared, name_of
from history.run_charts.steps import servers_of, with_steps
from telemetry.text import duration, plural
from telemetry.words import Outcome

NAME = "Time of its scenes together"


def dated_duration_of(read: Compared) -> Chart:
    """Return the line with its steps; where there is one, one query for what changed then."""
    servers = servers_of([read.run.pk, *(run.pk for run, _ in read.baseline)])
    return with_steps(duration_of(read), read.judged.baseline, servers, "such runs take")


def duration_of(read: Compared) -> Chart:
    """Return the line of the baseline's runs and this one: their scenes together, in s. Pure."""
    pairs = read.baseline
    values = [
        Value(place, took, name_of(run), duration(took), run.began_at)
        for place, (run, took) in enumerate(pairs)
    ]
    own = read.judged.work.value
    if own is not None:
        run = read.run
        values.append(
            Value(len(pairs), own, name_of(run), duration(own), run.began_at, is_this=True)
        )
    return Chart(
        Kind.LINES,
        TITLES["duration"],
        _finding(read),
        Axis(NAME, Unit.SECONDS, from_zero=False),
        (Series("Run", tuple(values)),),
        usual=usual_of([took for _, took in pairs]),
        subtitle=_scaled(read),
        nothing="Nothing to draw: no completed run, this or an earlier one like it, has its time "
        "on record.",
    )


def usual_of(took: Sequence[float]) -> Usual | None:
    """Return the median, and from two values on the middle half, which is half of the runs."""
    if not took:
        return None
    low, middle, high = (float(value) for value in np.quantile(took, [0.25, 0.5, 0.75]))
    if len(took) < 2:
        return Usual("Baseline", middle, duration(middle))
    return Usual("Baseline", middle, duration(middle), low, high, "Middle half of runs")


def _finding(read: Compared) -> str:
    judged, n = read.judged, read.judged.baseline.n
    if judged.work.value is None:
        return f"{without_figure(read.run, 'run')} {_usually(read)}"
    took = f"This run took {duration(judged.work.value)}"
    delta = delta_of(judged)
    if not n or not delta.is_known:
        return (
            f"{took}; nothing earlier to compare it with. The next runs of this work join it here."
        )
    against = f"the median of {plural(n, 'run')}, {duration(judged.baseline.median)}"
    if delta.icon == "t-flat":
        return f"{took}, {delta.words}: within the noise around {against}."
    way = "more" if delta.icon == "t-up" else "less"
    return f"{took}, {delta.text} {way} than {against}: {delta.words}."


def without_figure(of: Run | Scene, name: str) -> str:
    """Say why a run or scene is not in the line of those that completed."""
    if of.open_count:
        return f"This {name} goes on: it joins the line when it completes."
    if of.outcome == Outcome.SUCCESS:
        return f"How long this {name} took is not on record."
    return f"This {name} did not complete: its time is not comparable."


def _usually(read: Compared) -> str:
    n, middle = read.judged.baseline.n, read.judged.baseline.median
    return f"{plural(n, 'earlier run')} took {duration(middle)} in the middle." if n else ""


def _scaled(read: Compared) -> str:
    scaled = read.judged.baseline.rung is Rung.SCALED
    return "Earlier runs scaled to the size of this one" if scaled else ""

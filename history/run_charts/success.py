"""How much of a run and of the earlier ones of its work completed. Pure."""

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Unit, Usual, Value
from history.explore.panel import percent
from history.models import Run
from history.run_charts.reading import TITLES, Compared, name_of, rated
from telemetry.text import plural


def success_of(read: Compared) -> Chart:
    """Return a bar for each run: the share of its scenes that completed, and that did not.

    Skipped scenes count in neither; a run that goes on, or of which nobody knows how a scene ended,
    is left out.
    """
    earlier = rated(read.alike)
    pairs = list(enumerate([*earlier, *rated([read.run])]))
    done = tuple(_value(read, place, run, run.success_count) for place, run in pairs)
    wrong = tuple(_value(read, place, run, _wrong(run)) for place, run in pairs)
    return Chart(
        Kind.BARS,
        TITLES["success"],
        _finding(read.run, earlier),
        Axis("Share of the scenes that were tried", Unit.SHARE),
        (
            Series("Completed scenes", done, "--ok", Shape.LOWER),
            Series("Not completed", wrong, "--bad", Shape.UPPER),
        ),
        usual=_usual(earlier),
        nothing="Of no run of this work it is known how it ended: nothing to draw yet.",
    )


def _value(read: Compared, place: int, run: Run, count: int) -> Value:
    share = count / _tried(run)
    text = f"{count:,} of {_tried(run):,}"
    more = (("Success rate", percent(run.success_rate)),)
    this = run.pk == read.run.pk
    return Value(place, share, name_of(run), text, run.began_at, more, is_this=this)


def _tried(run: Run) -> int:
    return run.scene_count - run.skipped_count


def _wrong(run: Run) -> int:
    return _tried(run) - run.success_count


def _share(runs: list[Run]) -> tuple[float | None, int]:
    tried = sum(map(_tried, runs))
    return (sum(run.success_count for run in runs) / tried if tried else None), tried


def _usual(runs: list[Run]) -> Usual | None:
    share, _ = _share(runs)
    return None if share is None else Usual("Baseline", share, percent(share))


def _finding(run: Run, before: list[Run]) -> str:
    share, n = _share(before)
    earlier = (
        f"{percent(share)} of {plural(n, 'scene')} of {plural(len(before), 'earlier run')} did."
        if n
        else "There is no earlier run of this work; the next will stand beside it."
    )
    if run.success_rate is None:
        return f"{_without_rate(run)} {earlier}"
    done = f"{run.success_count:,} of {plural(_tried(run), 'scene')}"
    told = f"{done} completed ({percent(run.success_rate)})"
    return f"{told}; {earlier[:1].lower() + earlier[1:] if not n else earlier}"


def _without_rate(run: Run) -> str:
    if run.open_count or not _tried(run):
        return "This run has no rate yet."
    return "Nobody knows how all of its scenes ended."

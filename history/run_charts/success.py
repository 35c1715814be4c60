"""How much of a run and of the earlier ones of its work completed. Pure."""

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Unit, Usual, Value
from history.explore.panel import percent
from history.models import Run
from history.run_charts.reading import TITLES, Compared, name_of
from telemetry.text import MISSING, plural


def success_of(read: Compared) -> Chart:
    """Return a bar for each run: the share of its scenes that completed, and that did not.

    Skipped scenes count in neither; a run that goes on is left out.
    """
    runs = [*read.alike, *([] if read.run.open_count else [read.run])]
    tried = [run for run in runs if _tried(run)]
    pairs = list(enumerate(tried))
    done = tuple(_value(read, place, run, run.success_count) for place, run in pairs)
    wrong = tuple(_value(read, place, run, _wrong(run)) for place, run in pairs)
    return Chart(
        Kind.BARS,
        TITLES["success"],
        _finding(read),
        Axis("Share of the scenes that were tried", Unit.SHARE),
        (
            Series("Completed scenes", done, "--ok", Shape.LOWER),
            Series("Not completed", wrong, "--bad", Shape.UPPER),
        ),
        usual=_usual(read.alike),
        nothing="No run of this work is over: nothing to draw yet.",
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


def _finding(read: Compared) -> str:
    share, n = _share(read.alike)
    earlier = (
        f"{percent(share)} of {plural(n, 'scene')} of {plural(len(read.alike), 'earlier run')} did."
        if n
        else "There is no earlier run of this work; the next will stand beside it."
    )
    run = read.run
    if run.open_count or not _tried(run):
        return f"This run has no rate yet. {earlier}"
    done = f"{run.success_count:,} of {plural(_tried(run), 'scene')}"
    rate = percent(run.success_rate)
    told = "" if rate == MISSING else f" ({rate})"
    return f"{done} completed{told}; {earlier[:1].lower() + earlier[1:] if not n else earlier}"

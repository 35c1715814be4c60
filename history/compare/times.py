"""The times of the scenes by run as a chart: a column a scene, a dot a run. One query."""

from collections.abc import Sequence

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Unit, Value
from history.compare.align import Row, rows_of
from history.compare.choice import CHART
from history.compare.reading import scenes_of
from history.compare.words import letter_of
from history.models import Run, Scene
from history.strip import status_of
from telemetry.text import duration
from telemetry.words import Outcome

SHAPES = (Shape.CIRCLE, Shape.TRIANGLE, Shape.DIAMOND, Shape.SQUARE, Shape.CROSS)
# So wide a column's dots stand side by side, as a share of it.
WIDTH = 0.6
# Of more runs all but the base are drawn faint.
FEW = 6


def times_of(runs: Sequence[Run], base: int) -> Chart:
    """Return the chart of runs in their order; `base` is the place of the base among them."""
    rows = rows_of(scenes_of([run.pk for run in runs]))
    series = tuple(_series(runs, place, rows, place == base) for place in range(len(runs)))
    return Chart(
        Kind.DOTS,
        CHART,
        _finding(rows),
        Axis("Time of the scene", Unit.SECONDS),
        series,
        x=Axis("Scene", Unit.COUNT, from_zero=False),
        nothing="No time of a scene of these runs is on record.",
        this="base",
    )


def _series(runs: Sequence[Run], place: int, rows: Sequence[Row], is_base: bool) -> Series:
    letter, count = letter_of(place), len(runs)
    beside = WIDTH * (place - (count - 1) / 2) / max(count, 1)
    values = tuple(
        _value(scene, number + beside, letter, is_base)
        for number, row in enumerate(rows, 1)
        if (scene := row.scenes[place]) is not None and _took(scene) is not None
    )
    name = f"{letter}, #{runs[place].pk}"
    shape = SHAPES[place % len(SHAPES)]
    return Series(name, values, f"--c{place % 6 + 1}", shape, full=count <= FEW)


def _took(scene: Scene) -> float | None:
    return None if scene.open_count else scene.duration_s


def _value(scene: Scene, x: float, letter: str, is_base: bool) -> Value:
    status = status_of(scene.outcome, running=False, waiting=False)
    more = (("Status", status.capitalize()), ("GPU", scene.gpu_model or "–"))
    took, name = _took(scene), f"{letter}: {scene.external_id}"
    return Value(x, took, name, duration(took), scene.began_at, more, is_base)


def _finding(rows: Sequence[Row]) -> str:
    """Return which scene differs most between the runs, in the words of its least and most."""
    spans = []
    for row in rows:
        took = [
            (seconds, letter_of(place))
            for place, scene in enumerate(row.scenes)
            if scene is not None and scene.outcome == Outcome.SUCCESS and (seconds := _took(scene))
        ]
        if len(took) > 1:
            spans.append((max(took)[0] / min(took)[0], row.first.external_id, min(took), max(took)))
    if not spans:
        return "No scene completed in two of the runs."
    _, name, (least, one), (most, other) = max(spans)
    return f"{name} differs most: {duration(least)} in {one}, {duration(most)} in {other}."

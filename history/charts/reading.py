"""A chart in words: what is read at a place of it, the legend, and the table twin. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.charts.parts import Axis, Chart, Kind, Series, Shape, Value
from history.charts.spec import x_scale, y_scale
from history.charts.ticks import Scale
from telemetry.text import MISSING


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend; `look` is a class of the style sheet."""

    name: str
    look: str
    shape: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: whose values, when, and the cells; `mark` tells a level that begins."""

    name: str
    at: datetime | None
    cells: tuple[str, ...]
    is_this: bool
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A chart's values as a table."""

    head: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def has_times(self) -> bool:
        """Say whether any row has a time."""
        return any(row.at for row in self.rows)


def look_of(token: str) -> str:
    """Return the class that colours a token's swatch: c1, c-base."""
    name = token.removeprefix("--")
    return name if name[:1] == "c" and name[1:].isdecimal() else f"c-{name}"


def legend_of(chart: Chart) -> list[Key]:
    """Return the legend: every series, and what is usual."""
    shapes = {Shape.CIRCLE: "circle", Shape.TRIANGLE: "triangle"}
    keys = [
        Key(one.name, look_of(one.token), shapes.get(one.shape, str(one.shape)))
        for one in chart.series
    ]
    if chart.usual:
        keys.append(Key(f"{chart.usual.name} {chart.usual.text}", "c-base", "dashed"))
        if chart.usual.band:
            keys.append(Key(chart.usual.band, "c-base", "band"))
    if chart.kind is not Kind.BARS and any(value.is_this for value in chart.values):
        keys.append(Key(f"large mark: {chart.this}", "c-base", "circle"))
    return keys


def stops_of(chart: Chart) -> list[dict[str, Any]]:
    """Return what a pointer or an arrow key stops at, from left to right.

    Of lines and bars one for each place with all its series, of dots one for each.
    """
    if chart.kind is Kind.DOTS:
        pairs = [(series, value) for series in chart.series for value in series.values]
        return [
            _stop([(series, value)], value.y)
            for series, value in sorted(pairs, key=lambda pair: pair[1].x)
            if value.y is not None
        ]
    return [_stop(pairs, _height(chart, pairs)) for pairs in _by_place(chart).values()]


def _by_place(chart: Chart) -> dict[float, list[tuple[Series, Value]]]:
    places: dict[float, list[tuple[Series, Value]]] = {}
    for series in chart.series:
        for value in series.values:
            places.setdefault(value.x, []).append((series, value))
    return dict(sorted(places.items()))


def _height(chart: Chart, pairs: list[tuple[Series, Value]]) -> float | None:
    known = [value.y for _, value in pairs if value.y is not None]
    if chart.kind is Kind.BARS:
        return sum(known)
    return known[0] if known else None


def _stop(pairs: list[tuple[Series, Value]], y: float | None) -> dict[str, Any]:
    first = pairs[0][1]
    rows = [[look_of(series.token), series.name, value.text] for series, value in pairs]
    more = [["", name, text] for _, value in pairs[:1] for name, text in value.more]
    at = first.at.isoformat() if first.at else None
    return {"x": first.x, "y": y, "name": first.name, "at": at, "rows": rows + more}


def table_of(chart: Chart) -> Table:
    """Return the chart as a table: what stops tell, a column for each series."""
    if chart.kind is Kind.DOTS:
        return _table_of_dots(chart)
    more, marks = _more(chart), marks_of(chart)
    names = [series.name for series in chart.series]
    rows = []
    for pairs in _by_place(chart).values():
        told = {series.name: value.text for series, value in pairs}
        extra = dict(pairs[0][1].more)
        cells = [*(told.get(name, MISSING) for name in names), *_cells(extra, more)]
        first = pairs[0][1]
        this, mark = any(v.is_this for _, v in pairs), marks.get(first.x, "")
        rows.append(Row(first.name, first.at, tuple(cells), this, mark))
    return Table((*names, *more), tuple(rows))


def marks_of(chart: Chart) -> dict[float, str]:
    """Return what a mark says at its place, in words for a row: "from here on 20% longer"."""
    return {mark.x: f"from here on {mark.label}" for mark in chart.marks}


def _table_of_dots(chart: Chart) -> Table:
    more = _more(chart)
    rows = [
        Row(value.name, value.at, (series.name, value.text, *_cells(dict(value.more), more)), this)
        for series in chart.series
        for value in series.values
        for this in (value.is_this,)
    ]
    return Table(("Group", chart.y.name.capitalize(), *more), tuple(rows))


def _more(chart: Chart) -> list[str]:
    return list(dict.fromkeys(name for value in chart.values for name, _ in value.more))


def _cells(told: dict[str, str], names: list[str]) -> list[str]:
    return [told.get(name, MISSING) for name in names]


def shown_of(chart: Chart) -> str:
    """Say how many values are drawn where that is not all of them."""
    if not chart.total:
        return ""
    return f"Shown: {len(chart.values):,} of {chart.total:,} points, extremes kept."


def axes_of(chart: Chart) -> str:
    """Say what the axes are, and where one begins if that is not zero."""
    y = y_scale(chart)
    said = [_axis_words(chart.y, y)]
    if chart.x:
        across = _axis_words(chart.x, x_scale(chart, chart.x))
        said = [f"upwards: {said[0]}", f"across: {across}"]
    return "; ".join(filter(None, [chart.subtitle, *said]))


def _axis_words(axis: Axis, scale: Scale) -> str:
    return f"{axis.name}, axis from {scale.labels[0]}" if scale.low else axis.name

"""The Vega-Lite spec of a chart. Pure.

Colours and the font are the names of the design's tokens ("--c1"): who draws puts values in, a
browser those of the scheme that is shown (static/js/colours.js), a report its own (`with_tokens`).
Ticks and labels are worked out here, so page and report show the same.
"""

import json
from collections.abc import Mapping
from typing import Any

from history.charts.parts import Axis, Chart, Kind, Mark, Series, Shape, Value
from history.charts.ticks import Scale, scale_of

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 200
PAST = 0.38
# Where no value is what the page is about, none is earlier either.
ALIKE = 0.8
THIS: Spec = {"size": 110, "stroke": "--surface", "strokeWidth": 1.5, "opacity": 1}
CONFIG: Spec = {
    "aria": False,
    "background": "transparent",
    "font": "--font",
    "view": {"stroke": None},
    "axis": {
        **{"domain": False, "ticks": False, "title": None, "labelPadding": 8},
        **{"labelColor": "--text-3", "labelFontSize": 11, "gridColor": "--grid"},
    },
    "axisX": {"grid": False},
    # So that what stands below a plot begins where the plot does (.chart .ends).
    "axisY": {"minExtent": 48, "maxExtent": 48},
}


def spec_of(chart: Chart) -> Spec:
    """Return a chart's spec, with its values in it; as wide as the element that it is put in."""
    y = y_scale(chart)
    x = _x(chart)
    layers = [*_usual(chart, y), *_marks(chart, x), *DRAWN[chart.kind](chart, x, _axis("y", y))]
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 0, "right": 8, "top": 8, "bottom": 4},
        "config": CONFIG,
        "layer": layers,
    }


def y_scale(chart: Chart) -> Scale:
    """Return the upright axis: it holds all values, stacked ones on top of each other."""
    values = [value.y for value in chart.values if value.y is not None]
    if chart.kind is Kind.BARS:
        values = [top for bars in stacked(chart) for _, _, top in bars]
    usual = chart.usual
    more = (usual.low, usual.middle, usual.high) if usual else ()
    return scale_of(chart.y, [*values, *(value for value in more if value is not None)])


def with_tokens(spec: Any, tokens: Mapping[str, str]) -> Any:
    """Return a spec with values in place of the names of tokens."""
    if isinstance(spec, dict):
        return {key: with_tokens(value, tokens) for key, value in spec.items()}
    if isinstance(spec, list):
        return [with_tokens(value, tokens) for value in spec]
    return tokens.get(spec, spec) if isinstance(spec, str) else spec


# --- axes -----------------------------------------------------------------------------------------


def _x(chart: Chart) -> Spec:
    if chart.x is not None:
        return _axis("x", x_scale(chart, chart.x))
    places = sorted({*(value.x for value in chart.values), *(mark.x for mark in chart.marks)})
    kind = (
        {"type": "band", "padding": 0.28}
        if chart.kind is Kind.BARS
        else {"type": "point", "padding": 0.1}
    )
    scale = {**kind, "domain": places}
    return {"field": "x", "type": "ordinal", "scale": scale, "axis": None}


def x_scale(chart: Chart, axis: Axis) -> Scale:
    """Return the level axis of dots, and of lines that are no order."""
    return scale_of(axis, [value.x for value in chart.values])


def _axis(field: str, scale: Scale) -> Spec:
    ticks, labels = list(scale.ticks), list(scale.labels)
    told = f"{json.dumps(labels)}[indexof({json.dumps(ticks)}, datum.value)]"
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": [scale.low, scale.high], "nice": False, "zero": False},
        "axis": {
            "values": ticks,
            "labelExpr": told,
            "labelFlush": field == "x",
            "grid": field == "y",
        },
    }


# --- layers ---------------------------------------------------------------------------------------


def _usual(chart: Chart, scale: Scale) -> list[Spec]:
    usual = chart.usual
    if usual is None:
        return []
    y = {name: told for name, told in _axis("y", scale).items() if name != "field"}
    line = {"type": "rule", "strokeDash": [4, 4], "strokeWidth": 1.5, "color": "--base"}
    layers = [_layer([{}], line, {"y": {**y, "datum": usual.middle}})]
    if usual.low is not None and usual.high is not None:
        ends = {"y": {**y, "datum": usual.low}, "y2": {"datum": usual.high}}
        layers.insert(0, _layer([{}], {"type": "rect", "color": "--base", "opacity": 0.16}, ends))
    return layers


def _marks(chart: Chart, x: Spec) -> list[Spec]:
    """Return a rule across the plot for each mark, and its label on the side that has room."""
    middle = max((value.x for value in chart.values), default=0.0) / 2
    return [layer for mark in chart.marks for layer in _mark(mark, x, mark.x > middle)]


def _mark(mark: Mark, x: Spec, is_right: bool) -> list[Spec]:
    rows: list[Spec] = [{"x": mark.x, "label": mark.label}]
    line = {"type": "rule", "strokeDash": [2, 3], "strokeWidth": 1.5, "color": "--text-3"}
    side = {"align": "right", "dx": -6} if is_right else {"align": "left", "dx": 6}
    text = {"type": "text", "baseline": "top", "fontSize": 11, "color": "--text-2", **side}
    told = {"x": x, "y": {"value": 0}, "text": {"field": "label", "type": "nominal"}}
    return [_layer(rows, line, {"x": x}), _layer(rows, text, told)]


def _lines(chart: Chart, x: Spec, y: Spec) -> list[Spec]:
    layers = []
    for series in chart.series:
        path = {"type": "line", "color": series.token, "strokeWidth": 2, "strokeJoin": "round"}
        layers.append(_layer(_rows(series.values), path, {"x": x, "y": y}))
        alone = len(series.values) == 1
        marked = [value for value in series.values if value.is_this or alone]
        layers.append(_dots_of(marked, series, x, y, THIS))
    return layers


def _bars(chart: Chart, x: Spec, y: Spec) -> list[Spec]:
    layers = []
    for series, bars in zip(chart.series, stacked(chart), strict=True):
        rows = [
            {"x": value.x, "y": high, "low": low, "of": 1 if value.is_this else PAST}
            for value, low, high in bars
        ]
        mark = {"type": "bar", "color": series.token, "cornerRadius": 1.5}
        opacity = {"field": "of", "type": "quantitative", "scale": None}
        ends = {"x": x, "y": y, "y2": {"field": "low"}, "opacity": opacity}
        layers.append(_layer(rows, mark, ends))
    return layers


def stacked(chart: Chart) -> list[list[tuple[Value, float, float]]]:
    """Return of each series its values with where their bars begin and end."""
    reached: dict[float, float] = {}
    told = []
    for series in chart.series:
        bars = []
        for value in series.values:
            low = reached.get(value.x, 0.0)
            high = reached[value.x] = low + (value.y or 0.0)
            bars.append((value, low, high))
        told.append(bars)
    return told


def _dots(chart: Chart, x: Spec, y: Spec) -> list[Spec]:
    """Return earlier values below, and what the page is about on top of them."""
    layers = []
    opacity = PAST if any(value.is_this for value in chart.values) else ALIKE
    for is_this in (False, True):
        for series in chart.series:
            values = [value for value in series.values if value.is_this is is_this]
            own = THIS if is_this else {"opacity": 1 if series.full else opacity}
            layers.append(_dots_of(values, series, x, y, own))
    return layers


def _dots_of(values: list[Value], series: Series, x: Spec, y: Spec, own: Spec) -> Spec:
    shape = Shape.CIRCLE if series.shape is Shape.LINE else series.shape
    mark = {"type": "point", "filled": True, "size": 45, "shape": str(shape)}
    return _layer(_rows(values), {**mark, "color": series.token, **own}, {"x": x, "y": y})


def _rows(values: tuple[Value, ...] | list[Value]) -> list[Spec]:
    return [{"x": value.x, "y": value.y} for value in values]


def _layer(rows: list[Spec], mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


DRAWN = {Kind.LINES: _lines, Kind.BARS: _bars, Kind.DOTS: _dots}

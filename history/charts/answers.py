"""A chart as an answer: the data for a script, or its table as a page."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response

from history.charts import reading
from history.charts.parts import Chart, Kind
from history.charts.sampling import thinned
from history.charts.spec import spec_of
from telemetry.models import Team

# A person's own data: browsers may keep it and ask whether it changed, nobody between may.
CACHING = "private, no-cache"


def chart_data(request: HttpRequest, chart: Chart) -> HttpResponseBase:
    """Answer with a chart's spec, what is read at its places, and its figure; 304 where known.

    `figure` is the HTML of sentence, legend and table, from the template that the page has.
    """
    drawn = thinned(chart)
    told = {
        "kind": drawn.kind,
        "spec": None if drawn.is_empty else spec_of(drawn),
        "stops": stops_of(drawn),
        "figure": render_to_string("history/_chart_figure.html", {"chart": figure_of(drawn)}),
    }
    response = JsonResponse(told)
    tag = f'"{hashlib.sha256(response.content).hexdigest()[:24]}"'
    response.headers["Cache-Control"], response.headers["ETag"] = CACHING, tag
    return get_conditional_response(request, etag=tag, response=response) or response


def chart_page(
    request: HttpRequest, chart: Chart, team: Team, back: tuple[str, str]
) -> HttpResponse:
    """Show a chart's table as a page, for who has no JavaScript; `back` is where it stood."""
    figure = figure_of(thinned(chart))
    context = {"team": team, "chart": figure, "back": {"url": back[0], "name": back[1]}}
    return render(request, "history/chart.html", context)


def figure_of(chart: Chart) -> dict[str, Any]:
    """Return what the templates of a chart show."""
    table = reading.table_of(chart)
    return {
        "title": chart.title,
        "sentence": chart.nothing if chart.is_empty else chart.sentence,
        "marks": [] if chart.is_empty else chart.marks,
        "axes": "" if chart.is_empty else reading.axes_of(chart),
        "legend": [] if chart.is_empty else reading.legend_of(chart),
        "ends": [] if chart.is_empty or chart.x else _ends(table),
        "shown": reading.shown_of(chart),
        "table": table,
        "this": chart.this,
        "is_empty": chart.is_empty,
    }


def stops_of(chart: Chart) -> list[dict[str, Any]]:
    """Return what is read at the places of a chart, with what is usual there."""
    usual = chart.usual
    row = [["c-base", usual.name, usual.text]] if usual and chart.kind is not Kind.DOTS else []
    marks = {mark.x: [["", "From here on", mark.label]] for mark in chart.marks}
    return [
        {**stop, "rows": [*stop["rows"], *marks.get(stop["x"], []), *row]}
        for stop in reading.stops_of(chart)
    ]


def _ends(table: reading.Table) -> list[reading.Row]:
    """Return the first and the last place of an order, whose names stand below the plot."""
    return [table.rows[0], table.rows[-1]] if len(table.rows) > 1 else list(table.rows)

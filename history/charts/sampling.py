"""Fewer values where there are more than anybody can see, extremes kept. Pure."""

from dataclasses import replace

from history.charts.parts import Chart, Series, Value

# Marks of a whole chart: more take a browser long to draw and nobody can tell them apart.
MOST = 1000


def thinned(chart: Chart, most: int = MOST) -> Chart:
    """Return the chart with about `most` values; `total` then says how many there were.

    Each series is cut into slices along x, and of each slice its least and its greatest value stay,
    so that no peak and no dip is lost. The ends stay too, and what the page is about unless that
    alone is too much.
    """
    total = len(chart.values)
    if total <= most:
        return chart
    share = most / total
    series = tuple(_thinned(one, max(2, int(share * len(one.values)))) for one in chart.series)
    return replace(chart, series=series, total=total)


def _thinned(series: Series, most: int) -> Series:
    values = series.values
    if len(values) <= most:
        return series
    ranked = sorted(range(len(values)), key=lambda place: (values[place].x, place))
    own = [place for place, value in enumerate(values) if value.is_this]
    kept = {ranked[0], ranked[-1], *(own if len(own) <= most // 2 else ())}
    slices = max(1, most // 2)
    for number in range(slices):
        part = ranked[number * len(ranked) // slices : (number + 1) * len(ranked) // slices]
        kept |= _extremes(values, part)
    return replace(series, values=tuple(values[place] for place in sorted(kept)))


def _extremes(values: tuple[Value, ...], places: list[int]) -> set[int]:
    known = [(y, place) for place in places if (y := values[place].y) is not None]
    if not known:
        return set(places[:1])  # a gap stays a gap
    return {min(known)[1], max(known)[1]}

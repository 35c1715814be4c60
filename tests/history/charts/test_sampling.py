"""Down-sampling: few marks, and no peak, dip, end or gap is lost."""

import random

from history.charts.parts import Axis, Chart, Kind, Series, Unit, Value
from history.charts.reading import shown_of
from history.charts.sampling import thinned


def chart_of(*values: Value) -> Chart:
    axis = Axis("Time", Unit.SECONDS)
    return Chart(Kind.LINES, "Trend", "It goes on.", axis, (Series("Run", values),))


def values_of(ys: list[float | None]) -> list[Value]:
    return [Value(x, y, f"run {x}", f"{y} s") for x, y in enumerate(ys)]


def test_few_values_stay_as_they_are() -> None:
    chart = chart_of(*values_of([1.0, 2.0, 3.0]))

    assert thinned(chart) is chart
    assert shown_of(chart) == ""


def test_of_many_values_the_extremes_stay() -> None:
    noise = random.Random(7)
    ys: list[float | None] = [noise.uniform(10, 20) for _ in range(12_345)]
    ys[1_244], ys[9_888] = 99.0, 1.0

    chart = thinned(chart_of(*values_of(ys)))

    kept = [value.y for value in chart.values]
    assert len(kept) <= 1_002
    assert {99.0, 1.0} <= set(kept)
    assert (chart.values[0].x, chart.values[-1].x) == (0, 12_344)
    assert shown_of(chart) == f"Shown: {len(kept):,} of 12,345 points, extremes kept."


def test_what_the_page_is_about_stays() -> None:
    values = values_of([5.0] * 5_000)
    values[2_500] = Value(2_500, 5.0, "this", "5 s", is_this=True)

    assert any(value.is_this for value in thinned(chart_of(*values)).values)


def test_a_long_gap_stays_a_gap() -> None:
    ys: list[float | None] = [5.0] * 2_000 + [None] * 2_000 + [5.0] * 2_000

    assert any(value.y is None for value in thinned(chart_of(*values_of(ys))).values)

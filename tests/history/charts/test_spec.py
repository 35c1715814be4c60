"""Specs: the axes they promise, tokens instead of colours, and that Vega-Lite takes them."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from history.charts.parts import Axis, Chart, Kind, Mark, Series, Shape, Unit, Usual, Value
from history.charts.reading import axes_of, legend_of, stops_of, table_of
from history.charts.spec import PAST, spec_of, with_tokens

TIME, RATE = Axis("Time", Unit.SECONDS), Axis("Rate", Unit.SHARE)
USUAL = Usual("Baseline", 2100.0, "35m", 2040.0, 2160.0, "Middle half of runs")


def line(*ys: float | None) -> tuple[Value, ...]:
    last = len(ys) - 1
    return tuple(Value(x, y, f"run {x}", f"{y} s", is_this=x == last) for x, y in enumerate(ys))


LINES = Chart(
    Kind.LINES,
    "Trend",
    "It took 40m.",
    Axis("Time", Unit.SECONDS, from_zero=False),
    (Series("Run", line(2040.0, None, 2400.0)),),
    usual=USUAL,
)
BARS = Chart(
    Kind.BARS,
    "Success",
    "3 of 4 completed.",
    RATE,
    (
        Series("Completed", line(1.0, 0.75), "--ok", Shape.LOWER),
        Series("Not completed", line(0.0, 0.25), "--bad", Shape.UPPER),
    ),
)
DOTS = Chart(
    Kind.DOTS,
    "Memory",
    "The fullest took 60s.",
    TIME,
    (
        Series(
            "RTX 4090", (Value(0.5, 60.0, "scene-1", "60s", is_this=True),), "--c3", Shape.CIRCLE
        ),
        Series("H200", (Value(0.9, 30.0, "scene-2", "30s"),), "--c2", Shape.DIAMOND),
    ),
    x=Axis("Peak VRAM", Unit.SHARE, from_zero=False),
)
ALL = (LINES, BARS, DOTS)
MARKED = replace(LINES, marks=(Mark(2, "run 2", "20% longer", "such runs take 20% longer"),))


def found(spec: Any, key: str) -> list[Any]:
    """Return every value under a key, however deep."""
    if isinstance(spec, list):
        return [one for part in spec for one in found(part, key)]
    if not isinstance(spec, dict):
        return []
    return [*([spec[key]] if key in spec else []), *found(list(spec.values()), key)]


def test_bars_begin_at_zero_and_stand_on_each_other() -> None:
    upper = spec_of(BARS)["layer"][1]

    assert upper["encoding"]["y"]["scale"]["domain"][0] == 0
    assert [(row["low"], row["y"]) for row in upper["data"]["values"]] == [(1.0, 1.0), (0.75, 1.0)]


def test_a_line_axis_that_does_not_begin_at_zero_says_so() -> None:
    assert "axis from 34m" in axes_of(LINES)
    assert "axis from" not in axes_of(BARS)


def test_colours_are_names_of_tokens() -> None:
    for chart in ALL:
        assert all(colour.startswith("--") for colour in found(spec_of(chart), "color"))


@pytest.mark.parametrize(("x", "side"), [(0, "left"), (2, "right")])
def test_a_mark_is_a_dashed_rule_with_its_label_on_the_side_with_room(x: int, side: str) -> None:
    (mark,) = MARKED.marks
    layers = spec_of(replace(MARKED, marks=(replace(mark, x=x),)))["layer"]

    rule, text = (one for one in layers if one["data"]["values"][0].get("label") == "20% longer")
    assert (rule["mark"]["type"], rule["mark"]["strokeDash"]) == ("rule", [2, 3])
    assert (text["mark"]["type"], text["mark"]["align"]) == ("text", side)
    assert rule["data"]["values"][0]["x"] == x
    assert "y" not in rule["encoding"]  # so it stands from the bottom to the top


def test_a_mark_stands_in_its_row_of_the_table() -> None:
    assert [row.mark for row in table_of(MARKED).rows] == ["", "", "from here on 20% longer"]


def test_tokens_get_their_values_for_a_report() -> None:
    told = with_tokens(spec_of(BARS), {"--ok": "#123456"})

    assert "#123456" in found(told, "color")
    assert "--ok" not in found(told, "color")


def test_each_group_of_dots_has_a_shape_of_its_own() -> None:
    assert {"circle", "diamond"} <= set(found(spec_of(DOTS), "shape"))
    assert [key.shape for key in legend_of(DOTS)][:2] == ["circle", "diamond"]


def test_what_the_page_is_about_is_larger() -> None:
    sizes = found(spec_of(DOTS), "size")

    assert max(sizes) >= 2 * min(sizes)


def test_dots_that_are_no_background_are_drawn_full() -> None:
    full = tuple(replace(series, full=True) for series in DOTS.series)

    assert PAST in found(spec_of(DOTS), "opacity")
    assert PAST not in found(spec_of(replace(DOTS, series=full)), "opacity")


def test_a_stop_of_bars_tells_all_series_of_its_place() -> None:
    last = stops_of(BARS)[-1]

    assert [row[1:] for row in last["rows"]] == [
        ["Completed", "0.75 s"],
        ["Not completed", "0.25 s"],
    ]


def test_the_table_holds_every_value() -> None:
    assert [row.cells for row in table_of(BARS).rows] == [("1.0 s", "0.0 s"), ("0.75 s", "0.25 s")]
    assert [row.cells[:2] for row in table_of(DOTS).rows] == [("RTX 4090", "60s"), ("H200", "30s")]


TOKENS = ("c1", "c2", "c3", "ok", "bad", "base", "grid", "text-2", "text-3", "surface")
COMPILE = """
import json, sys, vl_convert
for spec in json.load(sys.stdin):
    print(len(vl_convert.vegalite_to_svg(spec, vl_version="6.4")), end=" ")
"""


@pytest.fixture(scope="module")
def drawn() -> list[int]:
    """Return how long the pictures are that Vega-Lite makes of all, without a browser."""
    tokens = {f"--{name}": "#808080" for name in TOKENS}
    specs = [with_tokens({**spec_of(chart), "width": 400}, tokens) for chart in (*ALL, MARKED)]
    # A process of its own: one that has used vl_convert must not be forked.
    told = subprocess.run(
        [sys.executable, "-c", COMPILE],
        input=json.dumps(specs),
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "WARN" not in told.stderr
    return [int(size) for size in told.stdout.split()]


def test_vega_lite_draws_each_kind(drawn: list[int]) -> None:
    assert len(drawn) == 4
    assert drawn[3] > drawn[0]
    assert min(drawn) > 1_000

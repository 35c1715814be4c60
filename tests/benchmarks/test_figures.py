"""How a figure holds its limit, and how it is printed."""

import json

import pytest

from benchmarks.figures import Figure, lines, table


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("lag", 2.0, "s", 2.0), True),
        (Figure("lag", 2.1, "s", 2.0), False),
        (Figure("rows", 9_999, "rows/s", 10_000, "more"), False),
        (Figure("rows", 10_000, "rows/s", 10_000, "more"), True),
        (Figure("size", 3, "MB"), None),
    ],
)
def test_it_holds_a_limit_on_the_right_side(figure, holds):
    assert figure.holds is holds


def test_it_never_passes_what_was_not_reached():
    assert Figure("lag", None, "s", 2.0).holds is False


def test_it_says_pass_and_fail_beside_the_limit():
    text = table([Figure("lag", 0.25, "s", 2.0), Figure("rows", 12.0, "rows/s", 10_000, "more")])
    assert "0.25 s" in text
    assert text.splitlines()[1].endswith("<= 2  pass")
    assert text.splitlines()[2].endswith(">= 10,000  FAIL")


def test_it_shows_a_missing_figure_as_missing():
    assert "–" in table([Figure("lag", None, "s", 2.0)])


def test_it_prints_one_json_object_for_each_figure():
    told = [
        json.loads(line)
        for line in lines("x", [Figure("a", 1, "s", 2), Figure("b", 3, "")]).splitlines()
    ]
    assert [(t["benchmark"], t["figure"], t["holds"]) for t in told] == [
        ("x", "a", True),
        ("x", "b", None),
    ]

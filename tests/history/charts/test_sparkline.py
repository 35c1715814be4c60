"""Sparklines: the line, the baseline within it, and what makes none."""

from history.charts.sparkline import sparkline_of


def test_the_line_goes_from_the_oldest_to_the_newest_and_up_is_more() -> None:
    line = sparkline_of([1.0, 2.0, 3.0])

    assert line is not None
    assert line.line == "M0 22L50 12L100 2"
    assert line.last == "8.333%"


def test_the_baseline_is_within_it() -> None:
    line = sparkline_of([2.0, 3.0], base=1.0)

    assert line is not None
    assert line.base == "M0 22H100"


def test_equal_values_make_a_level_line_in_the_middle() -> None:
    line = sparkline_of([5.0, 5.0])

    assert line is not None
    assert line.line == "M0 12L100 12"


def test_one_value_is_no_line() -> None:
    assert sparkline_of([5.0, None, float("nan")]) is None

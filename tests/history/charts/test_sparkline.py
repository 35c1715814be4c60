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


def test_a_missing_value_interrupts_the_line() -> None:
    line = sparkline_of([1.0, 2.0, None, 2.0, 3.0])

    assert line is not None
    assert line.line == "M0 22L25 12M75 12L100 2"
    assert line.area == "M0 22L25 12L25 24L0 24ZM75 12L100 2L100 24L75 24Z"


def test_a_value_between_gaps_stays_in_sight() -> None:
    line = sparkline_of([None, 1.0, None, 3.0, 3.0])

    assert line is not None
    assert line.line == "M24 22L26 22M75 2L100 2"


def test_no_dot_is_set_where_the_newest_value_is_missing() -> None:
    line = sparkline_of([1.0, 3.0, None])

    assert line is not None
    assert line.last is None

"""Axes: round numbers, few of them, and every value within."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.charts.parts import Axis, Unit
from history.charts.ticks import GIB, label, scale_of

UNITS = st.sampled_from(list(Unit))


def test_it_begins_at_zero_where_it_is_told_to() -> None:
    assert scale_of(Axis("Time", Unit.SECONDS), [300.0, 340.0]).ticks[0] == 0


def test_it_may_begin_near_the_least_value_where_the_spread_is_small() -> None:
    scale = scale_of(Axis("Time", Unit.SECONDS, from_zero=False), [2040.0, 2460.0])

    assert (scale.low, scale.high) == (2040, 2520)
    assert scale.labels == ("34m", "36m", "38m", "40m", "42m")


def test_a_share_goes_from_none_to_all() -> None:
    assert scale_of(Axis("Rate", Unit.SHARE), [0.97]).labels == ("0%", "25%", "50%", "75%", "100%")


@pytest.mark.parametrize(
    ("unit", "most", "last"),
    [
        (Unit.SECONDS, 0.8, "0.8s"),
        (Unit.SECONDS, 5400.0, "1h\u00a030m"),
        (Unit.BYTES, 24 * GIB, "30\u00a0GiB"),
        (Unit.COUNT, 3, "3"),
        (Unit.COUNT, 12_000, "15,000"),
    ],
)
def test_its_labels_carry_their_unit(unit: Unit, most: float, last: str) -> None:
    assert scale_of(Axis("What", unit), [most]).labels[-1] == last


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(300.0, "5m"), (305.0, "5m\u00a005s"), (3900.0, "1h\u00a005m"), (5.0, "5s")],
)
def test_a_time_reads_as_it_does_beside_the_chart(seconds: float, words: str) -> None:
    assert label(Unit.SECONDS, seconds) == words


@given(UNITS, st.booleans(), st.lists(st.floats(0, 1e12), max_size=5))
def test_every_value_is_on_it_and_it_has_few_ticks(
    unit: Unit, from_zero: bool, values: list[float]
) -> None:
    if unit is Unit.SHARE:
        values = [value / 1e12 for value in values]

    scale = scale_of(Axis("What", unit, from_zero), values)

    assert scale.low < scale.high
    assert 2 <= len(scale.ticks) <= 7
    room = (scale.high - scale.low) * 1e-6
    assert all(scale.low - room <= value <= scale.high + room for value in values)

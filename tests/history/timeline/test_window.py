"""Which time the strip shows, as its address says; what lies next to it; its axis."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from history.models import Run
from history.timeline.axis import TICKS, ticks_of
from history.timeline.window import NO_SPAN, NO_TIME, Window, window_of
from tests.cast import NOON, make_cast
from tests.history.timeline.made import DAY, ran

HOUR = timedelta(hours=1)


def asked(**words):
    return window_of(words, Run.objects.none(), NOON)


def test_it_takes_moments_of_the_address() -> None:
    window, problem = asked(since="2026-03-04T07:00:00Z", until="2026-03-04T08:30:00Z")

    assert problem is None
    assert (window.since, window.until) == (NOON - 5 * HOUR, NOON - 3.5 * HOUR)


def test_a_day_is_the_viewers_and_the_last_one_is_all_of_it() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        window, _ = asked(since="2026-03-01", until="2026-03-02")

    assert window.since == datetime(2026, 2, 28, 15, tzinfo=UTC)
    assert window.until - window.since == 48 * HOUR


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"since": "yesterday"}, NO_TIME),
        ({"since": "2026-13-01"}, NO_TIME),
        ({"since": "9999-12-31", "until": "9999-12-31"}, NO_TIME),
        ({"until": "9999-12-31T23:59"}, NO_TIME),
        ({"since": "9999-12-31T23:59-12:00"}, NO_TIME),
        ({"until": "0001-01-01"}, NO_TIME),
        ({"since": "2026-03-04T07:00Z", "until": "2026-03-04T06:00Z"}, NO_SPAN),
        ({"since": "0001-01-02", "until": "2026-03-04"}, NO_TIME),
        ({"since": "1900-01-02", "until": "2026-03-04"}, NO_SPAN),
    ],
)
def test_what_makes_no_sense_is_told_and_not_applied(words, said) -> None:
    window, problem = asked(**words)

    assert problem == said
    assert window.until == NOON


@pytest.mark.django_db
def test_without_a_word_it_holds_the_newest_runs() -> None:
    cast = make_cast()
    for hours in (1, 100, 300):
        ran(cast.northlight, None, NOON - hours * HOUR)

    window, _ = window_of({}, Run.objects.all(), NOON)

    assert NOON - 320 * HOUR < window.since < NOON - 300 * HOUR
    assert NOON - HOUR < window.until <= NOON


def test_zooming_keeps_the_middle_and_moving_goes_on_by_half() -> None:
    past = Window(NOON - 48 * HOUR, NOON - 24 * HOUR, NOON)

    assert past.zoomed(0.5) == Window(NOON - 42 * HOUR, NOON - 30 * HOUR, NOON)
    assert past.zoomed(2) == Window(NOON - 60 * HOUR, NOON - 12 * HOUR, NOON)
    assert past.moved(-0.5) == Window(NOON - 60 * HOUR, NOON - 36 * HOUR, NOON)


def test_there_is_no_way_into_what_is_yet_to_come() -> None:
    assert DAY.moved(0.5) is None
    assert DAY.zoomed(2) == Window(NOON - 48 * HOUR, NOON, NOON)


def test_it_ends_at_a_minute_and_at_ten_years() -> None:
    minute = Window(NOON - timedelta(seconds=90), NOON, NOON)
    decade = Window(NOON - timedelta(days=3000), NOON, NOON)

    assert minute.zoomed(0.5) is None
    assert decade.zoomed(2) is None


@pytest.mark.parametrize("minutes", [1, 7, 60, 300, 1440, 10_000, 100_000, 1_000_000, 5_000_000])
def test_an_axis_has_a_few_round_times(minutes) -> None:
    window = Window(NOON - timedelta(minutes=minutes), NOON, NOON)

    ticks = ticks_of(window)

    assert 1 <= len(ticks) <= TICKS
    assert all(tick.at.second % 10 == 0 and tick.at.microsecond == 0 for tick in ticks)


def test_days_begin_at_the_viewers_midnight_also_when_the_clocks_change() -> None:
    rome = ZoneInfo("Europe/Rome")
    change = datetime(2026, 3, 29, 12, tzinfo=UTC)
    with timezone.override(rome):
        ticks = ticks_of(Window(change - timedelta(days=3), change + timedelta(days=3), change))

    assert {tick.at.astimezone(rome).hour for tick in ticks} == {0}

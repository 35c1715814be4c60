"""How late what a server says is taken in: sampled, by its own time where it tells one."""

from datetime import UTC, timedelta

import pytest

from telemetry.hearing import SAMPLES, TELL_EVERY, Channel, Health, Lag, channel_of
from telemetry.protocol import frames as f
from telemetry.words import Grade
from tests.telemetry.sample_cards import NOW

STATUS = f.Status(f.StatusBody(f.ExecInfo(0)))


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def written(seconds, zone_s=0.0):
    """Return a log line that was written then, by a local clock that is so far from ours."""
    local = after(seconds + zone_s).astimezone(UTC).replace(tzinfo=None)
    return f.Logs([f.LogEntry("got prompt", local.isoformat())])


def noted(*samples, grade=Grade.MEASURED):
    """Return a lag with a sample each TELL_EVERY."""
    lag = Lag()
    for place, sample_s in enumerate(samples):
        lag.note(sample_s, NOW + place * TELL_EVERY, grade)
    return lag


def lateness(*words, apart_s=0.0):
    """Return what is shown after (written at, heard at) for each word, by a clock so far off."""
    lag = Lag()
    for written_s, heard_s in words:
        lag.note_frame(written(written_s, apart_s), after(heard_s), after(heard_s))
    return lag.shown_s


def test_nothing_is_known_before_the_first_sample():
    assert Lag().shown_s is None


def test_it_shows_the_middle_of_the_last_samples():
    assert noted(0.1, 9.0, 0.2).shown_s == 0.2
    assert noted(*[9.0] * SAMPLES, *[0.3] * SAMPLES).shown_s == 0.3


def test_what_it_shows_changes_once_in_a_while():
    lag = Lag()

    for seconds in range(10):
        lag.note(float(seconds), after(seconds))

    assert lag.shown_s == 0.0
    lag.note(9.0, after(10))
    assert lag.shown_s == 6.0


@pytest.mark.parametrize(
    ("more_s", "shown_s"), [(0.14, 0.1), (0.07, 0.1), (0.2, 0.2), (0.05, 0.05)]
)
def test_a_lag_that_is_nearly_the_same_is_shown_as_it_was(more_s, shown_s):
    assert noted(0.1, *[more_s] * SAMPLES).shown_s == shown_s


def test_differences_below_a_blink_are_none():
    assert noted(0.0, *[0.03] * SAMPLES).shown_s == 0.0


def test_one_sample_a_second_is_enough():
    lag = noted(0.1)

    assert [lag.is_due(after(seconds)) for seconds in (0.2, 0.9, 1.0)] == [False, False, True]
    assert lag.is_due(after(-5)), "our clock was set back"


def test_a_frame_without_a_time_is_as_late_as_it_was_taken_in():
    lag = Lag()

    lag.note_frame(STATUS, after(0), after(0.15))

    assert (lag.shown_s, lag.grade) == (0.15, Grade.MEASURED)


@pytest.mark.parametrize("apart_s", [0.0, 0.4, -3.2, 2 * 3600.0, -5.75 * 3600])
def test_a_line_is_as_late_as_it_came_after_the_fastest_whatever_the_clocks_say(apart_s):
    words = [(0, 0.01), (10, 10.01), (20, 22.51)] + [(s, s + 2.51) for s in range(30, 100, 10)]

    assert lateness(*words, apart_s=apart_s) == pytest.approx(2.5)


def test_it_is_an_estimate_where_the_clock_is_another():
    lag = Lag()

    lag.note_frame(written(0), after(1), after(1))

    assert (lag.shown_s, lag.grade) == (0.0, Grade.ESTIMATED)


def test_a_frame_that_tells_its_time_counts_more_than_one_that_does_not():
    lag, start = Lag(), f.ExecutionStart("p", after(0).timestamp() * 1000)
    lag.note_frame(start, after(0.01), after(0.01))

    lag.note_frame(STATUS, after(20), after(25))
    soon = lag.grade
    lag.note_frame(STATUS, after(90), after(90))

    assert (soon, lag.grade) == (Grade.ESTIMATED, Grade.MEASURED)


def test_a_clock_that_was_set_back_is_no_lag():
    before = [(seconds, seconds) for seconds in range(0, 100, 10)]

    assert lateness(*before, *((s - 200, s) for s in range(100, 220, 10))) == pytest.approx(0)


def test_clocks_that_drift_apart_are_no_lag():
    drifting = [(s * 0.9999, s) for s in range(0, 7200, 10)]

    assert lateness(*drifting) < 0.07


def test_a_line_without_a_time_is_as_late_as_it_was_taken_in():
    lag = Lag()

    lag.note_frame(f.Logs([f.LogEntry("got prompt", "no time")]), after(0), after(0.1))
    lag.note_frame(f.Logs([]), after(10), after(10.1))

    assert (lag.shown_s, lag.grade) == (pytest.approx(0.1), Grade.MEASURED)


def test_a_time_that_no_clock_shows_is_none():
    lag = Lag()

    lag.note_frame(f.ExecutionStart("p", 1e300), after(0), after(0.1))

    assert lag.grade is Grade.MEASURED


def test_log_lines_are_a_channel_of_their_own():
    assert channel_of(written(0)) is Channel.LOG
    assert channel_of(STATUS) is Channel.SOCKET


def test_a_channel_that_shut_forgets_how_late_it_was():
    health = Health()
    health.open(NOW)
    health.lag.note(0.1, NOW)

    health.shut(after(5))

    assert health.lag.shown_s is None
    assert health.lag.is_due(after(5))


def test_shutting_twice_is_one_gap():
    health = Health()
    for act, seconds in (("open", 0), ("shut", 5), ("shut", 8), ("open", 9), ("open", 11)):
        getattr(health, act)(after(seconds))

    assert (health.opened, health.gaps, health.gaps_s) == (2, 1, 4.0)

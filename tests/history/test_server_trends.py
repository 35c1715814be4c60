"""What a server did lately, as lines: from old to new, and gaps where nothing is known."""

from datetime import timedelta

import pytest

from history.server_trends import DAYS, HOURS, trends_of
from telemetry.words import Status
from tests.cast import NOON, make_attempt, make_cast, make_gpu_sample, make_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    return make_server(make_cast().northlight)


def ended(server, hours, outcome="success", took_s=60.0):
    return make_attempt(
        server,
        status=Status.ENDED,
        outcome=outcome,
        duration_s=took_s,
        ended_at=NOON - timedelta(hours=hours),
    )


def trend(server, label):
    newest = list(server.attempts.order_by("-ended_at"))
    return {one.label: one for one in trends_of(server, newest, NOON)}.get(label)


def test_times_of_prompts_run_from_old_to_new_and_one_that_failed_is_a_gap(server) -> None:
    ended(server, 5, took_s=10)
    ended(server, 4, took_s=20)
    ended(server, 3, "failed", took_s=1)
    ended(server, 2, took_s=20)
    ended(server, 1, took_s=30)

    told = trend(server, "Time of a prompt")

    assert told.line.line == "M0 22L25 12M75 12L100 2"
    assert told.value == "20s"


def test_what_completed_is_told_day_by_day_and_a_day_without_prompts_is_a_gap(server) -> None:
    for hours, outcome in ((1, "success"), (1, "failed"), (25, "success"), (73, "success")):
        ended(server, hours, outcome)
    ended(server, 24 * DAYS + 24, "failed")
    ended(server, 2, "cancelled")

    told = trend(server, "Prompts that completed")

    assert told.value == "75.0%"
    assert told.note.startswith(f"3 of 4 in {DAYS} days")
    # Of fourteen days the 11th, the 13th and the 14th are known.
    assert told.line.line == "M75.92 2L77.92 2M92.31 2L100 22"


def test_the_use_of_gpus_breaks_where_nobody_measured(server) -> None:
    for hours, use in ((20, 50.0), (19, 100.0), (2, 50.0), (1, 0.0)):
        for index in (0, 1):
            make_gpu_sample(
                server,
                index=index,
                span_s=3600,
                at=NOON - timedelta(hours=hours),
                utilisation_mean_percent=use,
                total_bytes=100,
                free_lowest_bytes=40 - 10 * index,
            )

    use, memory = trend(server, "GPU use"), trend(server, "VRAM in use")

    assert use.value == "50%"
    assert use.line.line.count("M") == 2
    assert use.line.line.startswith(f"M{100 * 3 / (HOURS - 1):.4g} 12L")
    assert memory.value == "70%"


def test_what_is_not_known_twice_is_no_trend(server) -> None:
    ended(server, 1)
    make_gpu_sample(server, span_s=3600, at=NOON - timedelta(hours=1), utilisation_mean_percent=5)

    assert trends_of(server, list(server.attempts.all()), NOON) == []


def test_samples_of_others_and_of_shorter_spans_do_not_count(server) -> None:
    other = make_server(server.team)
    for hours in (1, 2):
        at = NOON - timedelta(hours=hours)
        make_gpu_sample(other, span_s=3600, at=at, utilisation_mean_percent=5)
        make_gpu_sample(server, span_s=60, at=at, utilisation_mean_percent=5)

    assert trend(server, "GPU use") is None

"""history/gpu_samples.py: GPUs over time, as rows, and rolled up."""

from datetime import timedelta

import pytest

from history.gpu_samples import LATE, roll_up
from history.models import GpuSample
from history.rows import Told, write_rows
from telemetry.leases import claim
from telemetry.transitions import DeviceSpan, DevicesSampled
from telemetry.words import Grade
from tests import cast
from tests.telemetry.gpus import GIB

pytestmark = pytest.mark.django_db
NOON = cast.NOON


@pytest.fixture
def server():
    return cast.make_server(cast.make_team("Northlight"))


def span(second, free=8, samples=2, grade=Grade.MEASURED, index=0, **fields):
    at = NOON + timedelta(seconds=second)
    lowest, mean = round((free - 1) * GIB), round(free * GIB)
    return DeviceSpan(index, at, samples, grade, 24 * GIB, lowest, mean, **fields)


def write(server, *spans):
    leased = next(one for one in claim("me", NOON) if one.server_id == server.pk)
    write_rows([Told(leased, [DevicesSampled(spans)], [])])


def rows(span_s):
    told = GpuSample.objects.filter(span_s=span_s).order_by("server", "index", "at")
    return [
        ((row.at - NOON).total_seconds(), row.samples, row.free_lowest_bytes / GIB) for row in told
    ]


def test_it_keeps_spans_as_they_came(server):
    write(server, span(0), span(10, 4, utilisation_mean_percent=50.0, power_mean_w=300.5))

    assert rows(10) == [(0, 2, 7), (10, 2, 3)]
    second = GpuSample.objects.last()
    assert (second.utilisation_mean_percent, second.power_mean_w) == (50.0, 300.5)
    assert (second.temperature_highest_c, second.grade) == (None, "measured")


def test_a_span_that_is_told_again_is_not_kept_twice(server):
    for free in (8, 5):
        write(server, span(0, free))

    assert rows(10) == [(0, 2, 4)]


def test_it_rolls_up_minutes_and_hours(server):
    write(server, *(span(second, 8 + second / 60) for second in range(0, 7200, 60)))
    write(server, span(30, 3))

    roll_up(NOON + timedelta(hours=2))

    assert rows(60)[0] == (0, 4, 2)
    assert rows(3600) == [(0, 122, 2), (3600, 120, 67)]


def test_a_mean_is_weighted_by_samples_and_passes_over_what_is_missing(server):
    write(
        server,
        span(0, 4, 1, utilisation_mean_percent=10.0),
        span(10, 8, 3, utilisation_mean_percent=50.0),
        span(20, 8, 4),
    )

    roll_up(NOON + timedelta(minutes=1))

    minute = GpuSample.objects.get(span_s=60)
    assert minute.free_mean_bytes == 7.5 * GIB
    assert minute.utilisation_mean_percent == pytest.approx(40.0)
    assert minute.power_mean_w is None


def test_of_two_grades_the_worse_counts(server):
    write(server, span(0), span(10, grade=Grade.POLLED))

    roll_up(NOON + timedelta(minutes=1))

    assert GpuSample.objects.get(span_s=60).grade == "polled"


def test_devices_and_servers_are_kept_apart(server):
    other = cast.make_server(server.team)
    write(server, span(0), span(0, index=1))
    write(other, span(0))

    roll_up(NOON + timedelta(minutes=1))

    assert GpuSample.objects.filter(span_s=60).count() == 3


def test_rolling_up_again_changes_nothing(server):
    write(server, *(span(second) for second in range(0, 600, 10)))
    roll_up(NOON + timedelta(minutes=10))
    before = list(GpuSample.objects.order_by("pk").values())

    roll_up(NOON + timedelta(minutes=10))

    assert list(GpuSample.objects.order_by("pk").values()) == before


def test_what_comes_late_is_rolled_up_too(server):
    write(server, span(0), span(1200))
    roll_up(NOON + timedelta(minutes=21))
    write(server, span(10, 2))

    roll_up(NOON + timedelta(minutes=22))

    assert rows(60)[0] == (0, 4, 1)
    assert timedelta(seconds=1200) < LATE


def test_minutes_outlive_the_samples_that_they_are_of(server):
    write(server, span(0), span(86_400))
    roll_up(NOON + timedelta(days=2))
    GpuSample.objects.filter(span_s=10, at__lt=NOON + timedelta(hours=1)).delete()

    roll_up(NOON + timedelta(days=2))

    assert [second for second, *_ in rows(60)] == [0, 86_400]


def test_there_is_nothing_to_roll_up_without_samples():
    assert roll_up(NOON) == 0

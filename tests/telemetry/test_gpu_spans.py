"""telemetry/gpu_spans.py: devices over time, and when the record hears of them."""

from dataclasses import replace

import pytest

from telemetry.contact import Passed
from telemetry.gpu import GpuTold
from telemetry.transitions import DevicesSampled, EnvironmentChanged
from telemetry.words import Grade
from tests.telemetry.gpus import GIB, card, device, gpu_told, readings, stats_told
from tests.telemetry.test_gpu import GpuFeed
from tests.telemetry.test_machine import BEGAN


@pytest.fixture
def feed():
    return GpuFeed()


def spans(feed):
    """Return what the record heard of: (second of the span, samples, lowest and mean GiB free)."""
    return [
        (
            (span.at - BEGAN).total_seconds(),
            span.samples,
            span.free_lowest / GIB,
            round(span.free_mean / GIB, 3),
        )
        for change in feed.changes
        if isinstance(change, DevicesSampled)
        for span in change.spans
    ]


def test_it_sums_up_ten_seconds(feed):
    for second, free in ((0, 20), (5, 8), (10, 14), (300, 3), (310, 20)):
        feed.comfyui(second, free)

    assert spans(feed) == [(-10, 1, 20, 20), (0, 2, 8, 14), (10, 1, 14, 14)]


def test_it_tells_of_five_minutes_at_once_where_nothing_ends(feed):
    for second in range(0, 290, 10):
        feed.comfyui(second, second / 20)
    assert spans(feed) == []

    feed.comfyui(300, 20)

    assert len(spans(feed)) == 30


def test_it_tells_with_the_end_of_a_prompt_but_not_with_each(feed):
    feed.comfyui(0, 20)
    for second, name in ((70, "a"), (80, "b"), (150, "c")):
        feed.runs(second - 5, name)
        feed.comfyui(second - 2, second / 10)
        feed.ended(second, second - 5, second - 1, name)
    told = [change for change in feed.changes if isinstance(change, DevicesSampled)]

    assert len(told) == 2


def test_of_an_idle_card_one_span_a_minute_is_kept(feed):
    for second in range(0, 600, 30):
        feed.comfyui(second, 20)

    assert [second for second, *_ in spans(feed)] == [-10, 60, 120, 180, 240]


def test_a_change_is_kept_at_once(feed):
    for second, free in ((0, 20), (10, 19.99), (20, 12), (30, 12), (300, 12)):
        feed.comfyui(second, free)

    assert [second for second, *_ in spans(feed)] == [-10, 20]


def test_the_driver_is_asked_before_comfyui_and_never_mixed_with_it(feed):
    feed.driver(0, 20)
    feed.comfyui(1, 3)
    feed.driver(2, 10)
    feed.comfyui(11, 3)
    feed.comfyui(301, 3)

    measured = [
        span
        for change in feed.changes
        if isinstance(change, DevicesSampled)
        for span in change.spans
        if span.grade is Grade.MEASURED
    ]
    assert [(span.samples, span.free_lowest / GIB) for span in measured] == [(2, 10)]
    assert measured[0].utilisation_highest_percent == 97
    assert measured[0].power_mean_w == pytest.approx(431.2)


def test_what_the_driver_does_not_tell_is_missing_and_not_zero(feed):
    told = card("GPU-a", 20, utilisation_percent=None, temperature_c=None, power_w=None)
    feed.at(0, gpu_told(0, told))
    feed.at(10, gpu_told(10, told))
    feed.comfyui(301, 20)

    (span,) = (
        span
        for change in feed.changes
        if isinstance(change, DevicesSampled)
        for span in change.spans
        if span.grade is Grade.MEASURED
    )
    assert (span.utilisation_mean_percent, span.temperature_highest_c) == (None, None)
    assert span.power_mean_w is None


def test_a_processor_is_no_gpu(feed):
    cpu = device(20)
    feed.at(0, stats_told(type(cpu)("cpu", "cpu", None, 64 * GIB, 30 * GIB, None, None)))
    feed.at(400, Passed())

    assert spans(feed) == []


def drivers(feed):
    return [c.driver for c in feed.changes if isinstance(c, EnvironmentChanged)]


def test_the_drivers_version_is_told_once_the_card_is_certain(feed):
    for second in (0, 1, 2):
        told = readings(second, card("GPU-a", 20))
        feed.at(second, GpuTold(replace(told, driver="570")))

    assert drivers(feed) == [None, "570"]


def test_the_driver_of_another_host_is_not_the_servers(feed):
    other = readings(0, card("GPU-b", 20, name="NVIDIA H200"))
    feed.at(0, GpuTold(replace(other, driver="570")))

    assert drivers(feed) == [None]

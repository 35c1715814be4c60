"""A device's row: each number by the better of two sources, and why not where not."""

import pytest

from telemetry.device_rows import Sensors, device_rows
from telemetry.nvml import NvmlState
from tests.telemetry.gpus import GIB, card, device, gpu_told, lost, stats_told
from tests.telemetry.test_machine import BEGAN, Feed, timedelta


@pytest.fixture
def feed():
    feed = Feed()
    feed.at(0, stats_told(device(6)))
    return feed


def row(feed, second):
    return device_rows(feed.state, BEGAN + timedelta(seconds=second))[0]


def memory(shown):
    return shown.used, shown.total, shown.grade


def test_it_shows_what_comfyui_tells_where_nobody_measures(feed):
    shown = row(feed, 1)

    assert memory(shown) == ("18.0", "24.0", "polled")
    assert (shown.sensors, shown.note, shown.lost) == (None, "", False)


def test_it_shows_what_the_driver_measures_with_units(feed):
    feed.at(1, gpu_told(1, card(free=4)))

    shown = row(feed, 1)
    assert memory(shown) == ("20.0", "24.0", "measured")
    assert shown.sensors == Sensors("97%", "74\u00a0°C", "431\u00a0W")


def test_it_shows_a_dash_for_the_one_figure_that_is_not_told(feed):
    feed.at(1, gpu_told(1, card(temperature_c=None, utilisation_percent=0)))

    assert row(feed, 1).sensors == Sensors("0%", "–", "431\u00a0W")


def test_it_shows_polled_memory_beside_sensors_where_the_driver_does_not_tell_it(feed):
    feed.at(1, gpu_told(1, card(free=None)))

    shown = row(feed, 1)
    assert memory(shown) == ("18.0", "24.0", "polled")
    assert shown.sensors is not None


def test_it_goes_back_to_polled_memory_when_no_reading_comes_any_more(feed):
    feed.at(1, gpu_told(1, card(free=4)))

    assert row(feed, 5).grade == "measured"
    assert row(feed, 7).grade == "polled"


def test_it_says_that_a_card_is_lost_and_shows_what_comfyui_says_of_it(feed):
    feed.at(1, gpu_told(1, card(free=6)))
    feed.at(2, gpu_told(2, lost()))

    shown = row(feed, 2)
    assert (shown.lost, shown.sensors, shown.grade) == (True, None, "polled")


@pytest.mark.parametrize(
    ("cards", "state", "note"),
    [
        ([], NvmlState.NO_DRIVER, "the NVIDIA driver is not loaded"),
        ([], NvmlState.HANGS, "the NVIDIA driver does not answer"),
        ([card("a"), card("b")], NvmlState.OK, "one of several equal cards, not yet known which"),
        ([card(name="NVIDIA H200")], NvmlState.OK, "none of this host's cards"),
    ],
)
def test_it_says_why_the_driver_tells_nothing(feed, cards, state, note):
    feed.at(1, gpu_told(1, *cards, state=state))

    shown = row(feed, 1)
    assert (shown.note, shown.sensors, shown.grade) == (note, None, "polled")


def test_it_has_nothing_to_say_of_a_processor():
    feed = Feed()
    cpu = type(device())(name="cpu", type="cpu", vram_total=64 * GIB, vram_free=4 * GIB)
    feed.at(0, stats_told(cpu))
    feed.at(1, gpu_told(1, state=NvmlState.NO_LIBRARY))

    assert row(feed, 1).note == ""

"""What an attempt took of each device's memory, from samples of two sources."""

import itertools

import pytest

from telemetry.contact import Passed
from telemetry.nvml import NvmlState
from telemetry.transitions import AttemptMemory, DevicesIdentified
from telemetry.words import Grade
from tests.telemetry.gpus import GIB, card, device, gpu_told, lost, stats_told
from tests.telemetry.test_machine import BEGAN, Feed, ms, prompt, success


class GpuFeed(Feed):
    """A server on this host with one card, or on another one."""

    def __init__(self):
        super().__init__()
        self.at(-2, stats_told(device(20)))

    def driver(self, second, free, *others):
        return self.at(second, gpu_told(second, card("GPU-a", free), *others))

    def comfyui(self, second, free):
        return self.at(second, stats_told(device(free)))

    def runs(self, second, prompt_id="a", number=1, waiting=()):
        self.queue(
            second, running=[prompt(prompt_id, number, create_time=ms(second))], pending=waiting
        )

    def ended(self, second, began, ended, prompt_id="a", number=1, **extra):
        extra = {"create_time": ms(began), **extra}
        self.history(
            second, (prompt(prompt_id, number, **extra), success(began, ended)), complete=False
        )

    def passes(self, first, last):
        for second in range(first, last):
            self.at(second, Passed())

    def told(self, prompt_id="a"):
        """Return each word on the memory of an attempt: (before, lowest, after, grade, samples)."""
        return [
            tuple(_row(device) for device in change.devices)
            for change in self.changes
            if isinstance(change, AttemptMemory) and change.key.prompt_id == prompt_id
        ]


def _row(told):
    figures = (told.free_before, told.free_lowest, told.free_after)
    gib = [None if value is None else value / GIB for value in figures]
    return (*gib, told.grade, told.samples)


@pytest.fixture
def feed():
    return GpuFeed()


def a_measured_run(feed):
    feed.driver(9.5, 20)
    feed.runs(10)
    for second, free in ((10.5, 12), (11.5, 4), (12.5, 8)):
        feed.driver(second, free)
    feed.ended(13.2, 10, 13)
    feed.driver(13.5, 9)


def test_it_measures_before_lowest_and_after(feed):
    a_measured_run(feed)
    assert feed.told() == []
    feed.driver(14.5, 18)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 3),)]


def test_it_tells_what_is_known_when_nothing_comes_after(feed):
    a_measured_run(feed)
    feed.passes(14, 40)

    assert feed.told() == [((20, 4, None, Grade.MEASURED, 3),)]


def test_it_takes_the_samples_of_system_stats_where_there_is_no_driver(feed):
    feed.comfyui(8, 20)
    feed.runs(10)
    for second, free in ((10.2, 15), (15.2, 5), (20.2, 9)):
        feed.comfyui(second, free)
    feed.ended(22, 10, 21.9)
    feed.comfyui(25, 19)

    assert feed.told() == [((20, 5, 19, Grade.POLLED, 3),)]


def test_it_does_not_mix_the_sources(feed):
    feed.comfyui(8, 23)
    a_measured_run(feed)
    feed.comfyui(14.4, 1)
    feed.driver(14.5, 18)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 3),)]


def test_it_knows_a_run_that_was_over_before_anybody_saw_it(feed):
    for second, free in ((9.5, 20), (10.5, 7), (11.5, 20), (12.5, 19)):
        feed.driver(second, free)
    feed.at(12, Passed())
    feed.state.contact.watching_since = BEGAN
    feed.ended(12.6, 10, 11)
    feed.at(13, Passed())

    assert feed.told() == [((20, 7, 19, Grade.MEASURED, 1),)]


def test_it_corrects_the_begin_that_a_poll_told_late(feed):
    feed.driver(9.5, 20)
    feed.driver(10.5, 3)  # it ran already, unknown to us
    feed.runs(11)
    feed.driver(11.5, 9)
    feed.ended(12.2, 10, 12)
    feed.driver(13.5, 18)

    assert feed.told() == [((20, 3, 18, Grade.MEASURED, 2),)]


def test_it_says_no_after_where_the_next_prompt_took_over_at_once(feed):
    feed.driver(9.5, 20)
    feed.runs(10, waiting=[prompt("b", 2, create_time=ms(10.1))])
    feed.driver(11, 4)
    feed.queue(12.1, running=[prompt("b", 2, create_time=ms(10.1))])
    feed.ended(12.2, 10, 12)
    feed.driver(13.5, 2)
    feed.passes(14, 30)

    assert feed.told("a") == [((20, 4, None, Grade.MEASURED, 1),)]


def test_it_takes_what_lies_between_two_prompts(feed):
    feed.driver(9.5, 20)
    feed.runs(10)
    feed.driver(11, 4)
    feed.ended(12.2, 10, 12)
    feed.driver(12.6, 17)
    feed.runs(12.7, "b", 2)
    feed.driver(13.6, 3)

    assert feed.told("a")[-1] == ((20, 4, 17, Grade.MEASURED, 1),)


def test_it_takes_back_an_after_that_was_the_next_prompts(feed):
    a_measured_run(feed)
    feed.driver(14.5, 2)
    assert feed.told()[-1] == ((20, 4, 2, Grade.MEASURED, 3),)
    feed.queue(15, running=[prompt("b", 2, create_time=ms(12))])
    feed.passes(15, 30)

    assert feed.told()[-1] == ((20, 4, None, Grade.MEASURED, 3),)


def test_it_has_no_before_from_the_middle_of_the_prompt_before(feed):
    feed.comfyui(2, 20)
    feed.runs(3)
    feed.comfyui(5, 4)
    feed.ended(9.1, 3, 9)
    feed.runs(10, "b", 2)
    feed.comfyui(12, 6)
    feed.ended(13.1, 10, 13, "b", 2)
    feed.passes(14, 40)

    assert feed.told("b") == [((None, 6, None, Grade.POLLED, 1),)]


def test_it_has_no_before_that_is_too_old(feed):
    feed.runs(100)
    feed.comfyui(101, 6)
    feed.ended(103, 100, 102)
    feed.passes(103, 130)

    assert feed.told() == [((None, 6, None, Grade.POLLED, 1),)]


def test_it_keeps_the_lowest_of_a_run_that_is_longer_than_what_it_keeps(feed):
    feed.driver(9.5, 20)
    feed.runs(10)
    for second in range(11, 400):
        feed.driver(second, 3 if second == 20 else 9)
    feed.ended(400.1, 10, 400)
    feed.driver(401.5, 18)

    assert feed.told() == [((20, 3, 18, Grade.MEASURED, 389),)]


def test_late_and_repeated_samples_change_nothing(feed):
    a_measured_run(feed)
    feed.driver(11.5, 1)
    feed.driver(13.5, 1)
    feed.driver(14.5, 18)
    feed.driver(14.5, 1)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 3),)]


def test_it_translates_comfyuis_clock_into_ours(feed):
    feed.state.skew_s = 100.0
    feed.driver(9.5, 20)
    feed.queue(10, running=[prompt("a", 1, create_time=ms(110))])
    feed.driver(11, 4)
    feed.ended(12.2, 110, 112)
    feed.driver(13.5, 18)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 1),)]


def test_it_tells_each_device_by_itself(feed):
    both = [device(20), device(20, 140, "NVIDIA H200", 1)]
    feed.at(8, stats_told(*both))
    other = card("GPU-h", 120, 140, "NVIDIA H200")
    feed.driver(9.5, 20, other)
    feed.runs(10)
    feed.driver(11, 4, card("GPU-h", None, 140, "NVIDIA H200"))
    feed.ended(12.2, 10, 12)
    feed.driver(13.5, 18, card("GPU-h", 119, 140, "NVIDIA H200"))

    assert feed.told()[-1] == (
        (20, 4, 18, Grade.MEASURED, 1),
        (120, None, 119, Grade.MEASURED, 0),
    )


def test_it_says_nothing_of_a_run_without_samples(feed):
    feed.runs(100)
    feed.ended(103, 100, 102)
    feed.passes(103, 130)

    assert feed.told() == []


def test_it_says_nothing_of_an_attempt_that_never_ran(feed):
    feed.history(9)
    feed.queue(10, pending=[prompt("a", 1)])
    feed.driver(10.5, 20)
    feed.queue(12)
    feed.history(12)
    feed.driver(13.5, 18)
    feed.passes(14, 30)

    assert feed.ends()["a"][0] == "cancelled"
    assert feed.told() == []


def test_it_takes_the_hosts_memory_for_no_gpus():
    feed = Feed()
    cpu = type(device())(name="cpu", type="cpu", vram_total=64 * GIB, vram_free=40 * GIB)
    feed.at(9, stats_told(cpu))
    feed.queue(10, running=[prompt("a", 1)])
    feed.at(11, stats_told(cpu))
    feed.history(12.2, (prompt("a", 1), success(10, 12)))
    for second in range(13, 40):
        feed.at(second, Passed())

    assert not [change for change in feed.changes if isinstance(change, AttemptMemory)]


def test_it_says_which_cards_the_devices_are_once(feed):
    for second in (1, 2, 3):
        feed.driver(second, 20)

    told = [change.uuids for change in feed.changes if isinstance(change, DevicesIdentified)]
    assert told == [("GPU-a",)]


def test_it_keeps_what_it_knows_while_the_driver_hangs(feed):
    feed.driver(9.5, 20)
    feed.runs(10)
    feed.driver(10.5, 4)
    feed.at(11.5, gpu_told(11.5, state=NvmlState.HANGS))
    feed.driver(12.5, 9)
    feed.ended(13.1, 10, 13)
    feed.driver(14.5, 18)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 2),)]


def test_a_lost_card_tells_nothing_and_is_the_same_when_it_is_back(feed):
    feed.driver(9.5, 20)
    feed.runs(10)
    feed.driver(10.5, 4)
    feed.at(11.5, gpu_told(11.5, lost("GPU-a")))
    feed.driver(12.5, 9)
    feed.ended(13.1, 10, 13)
    feed.driver(14.5, 18)

    assert feed.told() == [((20, 4, 18, Grade.MEASURED, 2),)]
    assert sum(isinstance(change, DevicesIdentified) for change in feed.changes) == 1


def test_it_goes_back_to_system_stats_where_the_card_turns_out_to_be_another(feed):
    for second in (10, 40):
        feed.driver(second - 0.5, 20)
        feed.comfyui(second, 6)
        feed.driver(second + 0.5, 20)
    feed.runs(42)
    feed.driver(42.5, 20)
    feed.comfyui(43, 3)
    feed.ended(44.1, 42, 44)
    feed.driver(45.5, 20)
    feed.comfyui(46, 5)

    assert feed.told() == [((6, 3, 5, Grade.POLLED, 1),)]


def test_the_order_of_what_comes_at_one_time_does_not_matter():
    """It must not matter whether the end or the sample after it is taken in first."""
    said = set()
    for order in itertools.permutations(range(3)):
        feed = GpuFeed()
        feed.driver(9.5, 20)
        feed.runs(10)
        feed.driver(11, 4)
        last = [
            lambda feed=feed: feed.ended(13.2, 10, 12),
            lambda feed=feed: feed.driver(13.2, 18),
            lambda feed=feed: feed.at(13.2, Passed()),
        ]
        for index in order:
            last[index]()
        feed.passes(14, 30)
        said.add(tuple(feed.told()))

    assert said == {(((20, 4, 18, Grade.MEASURED, 1),),)}


def test_it_forgets_what_has_been_told(feed):
    for number in range(20):
        at = 100 * number
        feed.driver(at - 0.5, 20)
        feed.runs(at, f"p-{number}", number + 1)
        feed.driver(at + 1, 4)
        feed.ended(at + 2.2, at, at + 2, f"p-{number}", number + 1)
        feed.passes(at + 3, at + 30)

    assert feed.state.gpus.due == {}

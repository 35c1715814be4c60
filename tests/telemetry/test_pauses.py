"""That a paused process asks before it shows anything."""

import asyncio

import pytest

from telemetry.leases import Leased
from telemetry.pauses import Pauses
from telemetry.stores import live_store
from telemetry.topics import Topics
from telemetry.watch import Watch
from tests.telemetry.simulated import Kept, simulator, until


class Clock:
    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pauses(clock):
    return Pauses(10, clock)


def test_it_takes_what_looks_often_enough_for_awake(pauses, clock):
    for _ in range(5):
        clock.at += 9
        assert not pauses.paused()


def test_it_notices_a_pause_until_the_leases_were_asked_for(pauses, clock):
    clock.at += 22
    assert pauses.paused()
    clock.at += 1
    assert pauses.paused()

    pauses.asked(began_at=clock.at)
    assert not pauses.paused()


def test_it_believes_no_answer_that_was_asked_for_before_the_pause(pauses, clock):
    began_at = clock.at
    clock.at += 22
    assert pauses.paused()

    pauses.asked(began_at)
    assert pauses.paused()


def test_it_shows_nothing_while_paused_and_everything_afterwards():
    state = {"paused": True}

    async def work():
        async with simulator() as sim:
            leased = Leased(1, 1, "sim", sim.url, "", True, 1)
            watch = Watch(leased, Kept().doors(), Topics(lambda: state["paused"]))
            task = asyncio.create_task(watch.run())
            await until(lambda: watch.state.contact.log_stream, "the watch")
            await asyncio.sleep(0.3)  # a window and more: there is nothing to wait for
            before = await live_store().snapshot("team-1")
            state["paused"] = False
            async with asyncio.timeout(10):
                while not (await live_store().snapshot("team-1")).fragments:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            task.cancel()
            return before

    assert asyncio.run(work()).fragments == []

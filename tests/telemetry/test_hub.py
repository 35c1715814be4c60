"""One channel per process, handed on to the viewers of each topic."""

import asyncio
import time

import pytest

from telemetry import hub as hub_module
from telemetry.envelope import group_of
from telemetry.hub import LARGEST_BACKLOG, Hub
from telemetry.layers import LoopBoundInMemoryChannelLayer
from telemetry.stores import Stamp


@pytest.fixture
def layer(monkeypatch):
    layer = LoopBoundInMemoryChannelLayer()
    monkeypatch.setattr(hub_module, "_layer", lambda: layer)
    return layer


def message(topic, seq, text="x"):
    return {"type": "live", "topic": topic, "epoch": "e", "seq": seq, "text": text}


def test_it_hands_a_message_to_each_viewer_of_its_topic_and_no_other(layer):
    async def work():
        hub = Hub()
        ours = [await hub.join("team-1") for _ in range(3)]
        other = await hub.join("team-2")
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            heard = [await viewer.get() for viewer in ours]
        return heard, other.waiting.qsize()

    heard, others = asyncio.run(work())
    assert heard == [(Stamp("e", 1), "x")] * 3
    assert others == 0


def test_it_marks_a_viewer_that_falls_behind_and_keeps_no_more_for_it(layer):
    async def work():
        hub = Hub()
        viewer = await hub.join("team-1")
        viewer.put(Stamp("e", 1), "x" * LARGEST_BACKLOG)
        viewer.put(Stamp("e", 2), "x")
        return viewer.overrun.is_set(), viewer.waiting.qsize()

    assert asyncio.run(work()) == (True, 1)


def test_it_leaves_a_topic_with_its_last_viewer(layer):
    async def work():
        hub = Hub()
        first, second = await hub.join("team-1"), await hub.join("team-1")
        await hub.leave("team-1", first)
        before = group_of("team-1") in layer.groups
        await hub.leave("team-1", second)
        return before, group_of("team-1") in layer.groups

    assert asyncio.run(work()) == (True, False)


def test_it_joins_a_topic_once_more_after_joining_failed(layer, monkeypatch):
    async def work():
        hub = Hub()
        joins = layer.group_add
        with monkeypatch.context() as patch:

            async def away(group, channel):
                raise ConnectionError("away")

            patch.setattr(layer, "group_add", away)
            with pytest.raises(ConnectionError):
                await hub.join("team-1")
        assert layer.group_add == joins
        viewer = await hub.join("team-1")
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            return await viewer.get()

    assert asyncio.run(work()) == (Stamp("e", 1), "x")


def test_it_still_hears_after_more_than_a_day(layer, monkeypatch):
    async def work():
        hub = Hub()
        viewer = await hub.join("team-1")
        later = time.time() + 3 * 86_400
        monkeypatch.setattr(time, "time", lambda: later)
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            return await viewer.get()

    assert asyncio.run(work()) == (Stamp("e", 1), "x")

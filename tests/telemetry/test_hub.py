"""One channel per process, handed on to the viewers of each topic."""

import asyncio
import time

import pytest

from telemetry import hub as hub_module
from telemetry.envelope import group_of
from telemetry.hub import (
    KEPT_LENGTH,
    LARGEST_BACKLOG,
    VIEWERS_AT_ONCE,
    Hub,
    Text,
    Viewer,
    Watched,
)
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
        ours, other = [Viewer() for _ in range(3)], Viewer()
        for viewer in ours:
            await hub.join("team-1", viewer)
        await hub.join("team-2", other)
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            heard = [await viewer.get() for viewer in ours]
        return heard, len(other.waiting)

    heard, others = asyncio.run(work())
    assert heard == [Text("team-1", Stamp("e", 1), "x")] * 3
    assert others == 0


def test_it_marks_a_viewer_that_falls_behind_and_keeps_no_more_for_it(layer):
    async def work():
        viewer = Viewer()
        viewer.put(Text("team-1", Stamp("e", 1), "x" * LARGEST_BACKLOG))
        viewer.put(Text("team-1", Stamp("e", 2), "x"))
        return viewer.overrun, len(viewer.waiting)

    assert asyncio.run(work()) == (True, 1)


def test_it_hands_texts_on_in_order_to_who_waits_and_to_who_comes_late():
    async def work():
        viewer = Viewer()
        first = asyncio.create_task(viewer.get())
        await asyncio.sleep(0)  # it waits now
        texts = [Text("team-1", Stamp("e", seq), "x") for seq in (1, 2, 3)]
        for text in texts:
            viewer.put(text)
        return [await first, await viewer.get(), await viewer.get()] == texts, viewer.backlog

    assert asyncio.run(work()) == (True, 0)


def test_it_keeps_a_text_for_the_next_reader_where_one_was_cancelled():
    async def work():
        viewer = Viewer()
        gone = asyncio.create_task(viewer.get())
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        viewer.put(Text("team-1", Stamp("e", 1), "x"))
        return await viewer.get()

    assert asyncio.run(work()).stamp.seq == 1


def test_it_reaches_more_viewers_than_it_serves_at_once(layer):
    async def work():
        hub = Hub()
        viewers = [Viewer() for _ in range(2 * VIEWERS_AT_ONCE + 1)]
        for viewer in viewers:
            await hub.join("team-1", viewer)
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            return {(await viewer.get()).stamp.seq for viewer in viewers}

    assert asyncio.run(work()) == {1}


def test_it_leaves_a_topic_with_its_last_viewer(layer):
    async def work():
        hub = Hub()
        first, second = Viewer(), Viewer()
        await hub.join("team-1", first)
        await hub.join("team-1", second)
        await hub.leave("team-1", first)
        before = group_of("team-1") in layer.groups
        await hub.leave("team-1", second)
        return before, group_of("team-1") in layer.groups

    assert asyncio.run(work()) == (True, False)


def test_it_joins_a_topic_once_more_after_joining_failed(layer, monkeypatch):
    async def work():
        hub, viewer = Hub(), Viewer()
        joins = layer.group_add
        with monkeypatch.context() as patch:

            async def away(group, channel):
                raise ConnectionError("away")

            patch.setattr(layer, "group_add", away)
            with pytest.raises(ConnectionError):
                await hub.join("team-1", viewer)
        assert layer.group_add == joins
        await hub.join("team-1", viewer)
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            return await viewer.get()

    assert asyncio.run(work()) == Text("team-1", Stamp("e", 1), "x")


def test_it_still_hears_after_more_than_a_day(layer, monkeypatch):
    async def work():
        hub, viewer = Hub(), Viewer()
        await hub.join("team-1", viewer)
        later = time.time() + 3 * 86_400
        monkeypatch.setattr(time, "time", lambda: later)
        await layer.group_send(group_of("team-1"), message("team-1", 1))
        async with asyncio.timeout(5):
            return await viewer.get()

    assert asyncio.run(work()) == Text("team-1", Stamp("e", 1), "x")


def test_it_keeps_no_more_texts_than_a_snapshot_is_long():
    watched = Watched("team-1")
    for seq in range(1, 5):
        watched.keep(Text("team-1", Stamp("e", seq), "x" * (KEPT_LENGTH // 2)))

    assert [text.stamp.seq for text in watched.since(Stamp("e", 2))] == [3, 4]
    assert watched.since(Stamp("e", 1)) is None
    assert watched.length == KEPT_LENGTH


def test_it_tells_of_no_gap_as_if_there_were_none():
    watched = Watched("team-1")
    for seq in (1, 2, 4):
        watched.keep(Text("team-1", Stamp("e", seq), "x"))

    assert watched.since(Stamp("e", 2)) is None
    assert watched.since(Stamp("e", 4)) == []


def test_a_topic_that_was_left_already_can_be_left_again(layer):
    async def work():
        hub, viewer = Hub(), Viewer()
        await hub.join("team-1", viewer)
        await hub.leave("team-1", viewer)
        await hub.leave("team-1", viewer)
        return group_of("team-1") in layer.groups

    assert asyncio.run(work()) is False

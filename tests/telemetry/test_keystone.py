"""The keystone: for every prefix of every recorded run, snapshot + later messages = full render.

The full render is that of a process which saw none of it: it is handed the state alone
(fresh_render.py). And the same where messages are lost, doubled and reordered on their way, as a
viewer behind the hub has to bear it (test_keystone_js.py: live.js in a browser).
"""

import asyncio
import json
import random

import pytest

from telemetry import following as following_module
from telemetry import hub as hub_module
from telemetry.following import Following
from telemetry.hub import Hub
from telemetry.layers import LoopBoundInMemoryChannelLayer
from telemetry.places import Wanted
from telemetry.stores import Stamp
from tests.telemetry.keystone import told_and_rendered
from tests.telemetry.test_live import Page
from tests.telemetry.traces import TRACES


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return per trace its steps, and after each what a new process renders from the state."""
    return told_and_rendered(tmp_path_factory.mktemp("keystone"))


def shown(page):
    """Return the parts and attributes that a viewer holds, in the words of a fresh render."""
    return {key: html for key, html in page.elements.items() if key != "server-3"}, page.attrs


@pytest.mark.parametrize("name", TRACES)
def test_a_snapshot_after_any_event_is_a_full_render(runs, name):
    steps, fresh = runs[0][name], runs[1]

    for place, (snapshot, _, feed) in enumerate(steps):
        page = Page(snapshot)
        assert shown(page) == fresh[name, place], place
        assert page.feed == feed


@pytest.mark.parametrize("name", TRACES)
def test_any_snapshot_and_all_later_messages_are_a_full_render(runs, name):
    steps, fresh = runs[0][name], runs[1]

    for start in range(len(steps)):
        page = Page(steps[start][0])
        for _, message, _ in steps[start + 1 :]:
            if message is not None:
                page.change(message)
        assert shown(page) == fresh[name, len(steps) - 1], start
        assert page.feed == steps[-1][2]


class Retained:
    """A store that holds what was retained at this moment, as its text."""

    text = ""

    async def snapshot(self, topic):
        return self

    @property
    def stamp(self):
        body = json.loads(self.text)
        return Stamp(body["epoch"], body["seq"])


@pytest.fixture
def behind_hub(monkeypatch):
    """Return a hub and a store, and what they make of a viewer's connection."""
    layer, one_hub, store = LoopBoundInMemoryChannelLayer(), Hub(), Retained()
    monkeypatch.setattr(hub_module, "_layer", lambda: layer)
    monkeypatch.setattr(following_module, "hub", lambda: one_hub)
    monkeypatch.setattr(following_module, "live_store", lambda: store)
    monkeypatch.setattr(following_module, "snapshot_text", lambda topic, whole, at: whole.text)
    return one_hub, store


async def hand(one_hub, message):
    body = json.loads(message)
    await one_hub._hand("team-1", Stamp(body["epoch"], body["seq"]), message)


async def drain(following, page):
    """Have the viewer take what is due; return what it holds then."""
    while following.viewer.waiting:
        text = await following.due()
        if text is None:
            continue
        if json.loads(text)["type"] == "snapshot":
            page = Page(text)
        else:
            page.change(text)
    return page


async def watch(steps, one_hub, store, dice):
    """Have a viewer watch the steps of a run, its messages lost, doubled and out of order."""
    following, on_the_way = Following(), []
    store.text = steps[0][0]
    page = Page((await following.follow(Wanted("team-1"), 1))[0])
    for snapshot, message, _ in steps[1:]:
        store.text = snapshot
        on_the_way += [message] * dice.choice((0, 1, 1, 1, 2)) if message else []
        if dice.random() < 0.5:
            dice.shuffle(on_the_way)
            while on_the_way and dice.random() < 0.9:
                await hand(one_hub, on_the_way.pop())
            page = await drain(following, page)
    messages = [message for _, message, _ in steps if message]
    for message in [*on_the_way, messages[-1]]:
        await hand(one_hub, message)
    return await drain(following, page)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", TRACES)
def test_whatever_the_network_does_a_viewer_ends_with_a_full_render(runs, behind_hub, name, seed):
    steps, fresh = runs[0][name], runs[1]

    page = asyncio.run(watch(steps, *behind_hub, random.Random(seed)))

    assert shown(page) == fresh[name, len(steps) - 1]
    assert page.feed == steps[-1][2]

"""What a connection is sent: in order, without a gap, and no more than it reads."""

import asyncio
import json
import random

import pytest

from telemetry import following as module
from telemetry import hub as hub_module
from telemetry.clock import now
from telemetry.envelope import change_text, group_of
from telemetry.following import BEHIND_S, Following, Unread
from telemetry.hub import KEPT_TEXTS, LARGEST_BACKLOG, Hub, Text
from telemetry.layers import LoopBoundInMemoryChannelLayer
from telemetry.places import Wanted
from telemetry.stores import Change, Fragment, MemoryStore, Part, Stamp

TOPIC = "team-1"


@pytest.fixture
def site(monkeypatch):
    """Return a store and what publishes to it and to the hub of a process."""
    layer, store, one_hub = LoopBoundInMemoryChannelLayer(), MemoryStore(), Hub()
    monkeypatch.setattr(hub_module, "_layer", lambda: layer)
    monkeypatch.setattr(module, "live_store", lambda: store)
    monkeypatch.setattr(module, "hub", lambda: one_hub)

    async def publish(text, dropped=False):
        change = Change([Fragment("server-1-head", f"<b>{text}</b>")])
        stamped = await store.stamp(TOPIC, [Part((1, 1), change)])
        if not dropped:
            place = {"topic": TOPIC, "epoch": stamped.stamp.epoch, "seq": stamped.stamp.seq}
            words = change_text(TOPIC, stamped.stamp, change, now())
            await layer.group_send(group_of(TOPIC), {"type": "live", **place, "text": words})
        return stamped.stamp

    return publish


def run(work):
    async def bounded():
        async with asyncio.timeout(10):
            return await work()

    return asyncio.run(bounded())


async def heard(following, count):
    """Wait until so many texts came to a viewer, and so to the hub."""
    for _ in range(count):
        await following.viewer.get()


def kinds(texts):
    return [json.loads(text)["type"] for text in texts]


def held(text):
    return json.loads(text)["fragments"][0]["html"]


def test_it_begins_with_all_and_goes_on_with_changes(site):
    async def work():
        await site("one")
        following = Following()
        begun = await following.follow(Wanted(TOPIC), 1)
        await site("two")
        return begun, await following.due()

    begun, due = run(work)
    assert kinds(begun) == ["snapshot"]
    assert (held(begun[0]), held(due)) == ("<b>one</b>", "<b>two</b>")


def test_it_sends_who_comes_back_only_what_was_missed(site):
    async def work():
        other, following = Following(), Following()
        await other.follow(Wanted(TOPIC), 1)
        stamps = [await site(str(n)) for n in range(4)]
        await heard(other, 4)
        return await following.follow(Wanted(TOPIC, stamps[1]), 1), following.places[TOPIC], stamps

    texts, place, stamps = run(work)
    assert kinds(texts) == ["resumed", "change", "change"]
    assert [held(text) for text in texts[1:]] == ["<b>2</b>", "<b>3</b>"]
    assert place == stamps[-1]


def test_it_sends_nothing_again_to_who_missed_nothing(site):
    async def work():
        other, following = Following(), Following()
        await other.follow(Wanted(TOPIC), 1)
        stamp = await site("one")
        await heard(other, 1)
        return await following.follow(Wanted(TOPIC, stamp), 1)

    assert kinds(run(work)) == ["resumed"]


def test_it_sends_nothing_again_where_nothing_happened_though_nobody_watched(site):
    async def work():
        following = Following()
        return await following.follow(Wanted(TOPIC, await site("one")), 1)

    assert kinds(run(work)) == ["resumed"]


@pytest.mark.parametrize(("watched", "missed"), [(True, KEPT_TEXTS + 1), (False, 1)])
def test_it_sends_all_where_what_was_missed_is_not_known(site, watched, missed):
    async def work():
        other, following = Following(), Following()
        first = await site("first")
        if watched:
            await other.follow(Wanted(TOPIC), 1)
        for n in range(missed):
            await site(str(n))
        await heard(other, missed if watched else 0)
        return await following.follow(Wanted(TOPIC, first), 1)

    assert kinds(run(work)) == ["snapshot"]


def test_a_count_of_another_epoch_is_not_taken_for_its_own(site):
    async def work():
        other, following = Following(), Following()
        await other.follow(Wanted(TOPIC), 1)
        await site("one")
        await heard(other, 1)
        return await following.follow(Wanted(TOPIC, Stamp("0dd", 1)), 1)

    assert kinds(run(work)) == ["snapshot"]


def test_it_sends_all_where_the_layer_lost_a_message(site):
    async def work():
        following = Following()
        await following.follow(Wanted(TOPIC), 1)
        await site("one", dropped=True)
        await site("two")
        return await following.due()

    due = run(work)
    assert kinds([due]) == ["snapshot"]
    assert held(due) == "<b>two</b>"


def test_it_sends_nothing_twice(site):
    async def work():
        following = Following()
        await following.follow(Wanted(TOPIC), 1)
        await site("one")
        await following.follow(Wanted(TOPIC), 1)
        return await following.due()

    assert run(work) is None


def test_it_forgets_a_topic_that_is_left(site):
    async def work():
        following = Following()
        await following.follow(Wanted(TOPIC), 1)
        await site("one")
        await following.leave(TOPIC)
        return await following.due(), str(following)

    assert run(work) == (None, "")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_doubled_or_left_a_viewer_ends_with_what_is_retained(site, seed):
    """The keystone on the way to the viewer: any snapshot, with what follows, is the newest."""
    dice = random.Random(seed)

    async def work():
        following, shown = Following(), []
        for text in await following.follow(Wanted(TOPIC), 1):
            shown.append(text)
        for n in range(60):
            await site(str(n), dropped=dice.random() < 0.2)
            if dice.random() < 0.1:
                place = following.places[TOPIC]
                await following.leave(TOPIC)
                shown += await following.follow(Wanted(TOPIC, place), 1)
        await site("last")
        while not shown or "last" not in shown[-1]:
            text = await following.due()
            shown += [text] if text else []
        return shown

    seq = 0
    for message in map(json.loads, run(work)):
        if message["type"] == "change":
            assert message["seq"] == seq + 1
        seq = message["seq"]
    assert message["fragments"][0]["html"] == "<b>last</b>"


def sent(seq, length=10, topic=TOPIC):
    return Text(topic, Stamp("e", seq), "x" * length)


def test_it_counts_what_is_not_acknowledged():
    unread = Unread()
    for seq in (1, 2, 3):
        unread.sent(sent(seq))

    unread.read(TOPIC, 2)

    assert unread.length == 10


@pytest.mark.parametrize(
    ("topics", "named", "left"),
    [((TOPIC,), None, 10), ((TOPIC, "run-1"), None, 20), ((TOPIC, "run-1"), TOPIC, 10)],
)
def test_a_word_without_a_topic_is_about_the_only_one(topics, named, left):
    following = Following()
    following.places = {topic: Stamp("e", 2) for topic in topics}
    for seq in (1, 2):
        following.unread.sent(sent(seq))

    following.read(named, 1)

    assert following.unread.length == left


@pytest.mark.parametrize("named", [7, ["team-1"], "nobody's"])
def test_an_unknown_topic_is_not_read(named):
    following = Following()
    following.unread.sent(sent(1))

    following.read(named, 1)

    assert following.unread.length == 10


def test_too_much_is_unread_beyond_256_kb():
    unread = Unread()
    unread.sent(sent(1, LARGEST_BACKLOG))
    at = unread._sent[TOPIC][0].at
    assert not unread.too_much(at)

    unread.sent(sent(2, 1))

    assert unread.too_much(at)


def test_something_is_unread_for_too_long_after_10_s():
    unread = Unread()
    unread.sent(sent(1))
    at = unread._sent[TOPIC][0].at

    assert not unread.too_much(at + BEHIND_S)
    assert unread.too_much(at + BEHIND_S + 0.1)
    unread.read(TOPIC, 1)
    assert not unread.too_much(at + 100)


def test_a_topic_that_is_forgotten_counts_no_more():
    unread = Unread()
    unread.sent(sent(1))
    unread.sent(sent(1, 7, "team-2"))

    unread.forget(TOPIC)

    assert unread.length == 7

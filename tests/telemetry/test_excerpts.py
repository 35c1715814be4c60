"""A server's topic out of its team's: what concerns it, counted by the hub that reads it."""

import asyncio
import json

import pytest

from telemetry import following as module
from telemetry import hub as hub_module
from telemetry.clock import now
from telemetry.envelope import change_text, group_of
from telemetry.excerpts import concerns, excerpt
from telemetry.following import Following
from telemetry.hub import Hub
from telemetry.layers import LoopBoundInMemoryChannelLayer
from telemetry.places import Wanted
from telemetry.stores import Change, Fragment, MemoryStore, Part


@pytest.mark.parametrize(
    ("element", "ours"),
    [
        ("server-3", True),
        ("server-3-step", True),
        ("event-3-ab12", True),
        ("server-31", False),
        ("server-31-head", False),
        ("event-31-ab12", False),
        ("run-3-mini", False),
    ],
)
def test_it_knows_a_servers_elements_and_lines(element, ours):
    assert concerns("server-3", element) is ours


@pytest.mark.parametrize(("element", "ours"), [("run-3-mini", True), ("run-31", False)])
def test_it_knows_a_runs_elements(element, ours):
    assert concerns("run-3", element) is ours


def test_it_keeps_when_its_server_was_heard_of_and_no_other():
    message = {"heard": [[3, 5], [31, 7]], "patches": [["server-31-step", "step 2"]]}

    assert excerpt("server-3", message) == {"heard": [[3, 5]]}


@pytest.fixture
def site(monkeypatch):
    """Return what publishes a change of a server to its team, also to no hub."""
    layer, store, one_hub = LoopBoundInMemoryChannelLayer(), MemoryStore(), Hub()
    monkeypatch.setattr(hub_module, "_layer", lambda: layer)
    monkeypatch.setattr(module, "live_store", lambda: store)
    monkeypatch.setattr(module, "hub", lambda: one_hub)

    async def publish(server, text, dropped=False):
        head = Fragment(f"server-{server}-head", f"<b>{text}</b>")
        line = Fragment(f"event-{server}-{text}", f"<li>{text}</li>", "feed")
        change = Change([head], [(f"server-{server}", "data-state", text)], [line])
        stamped = (await store.stamp("team-1", [Part((server, 1), change)])).stamp
        place = {"topic": "team-1", "epoch": stamped.epoch, "seq": stamped.seq}
        words = change_text("team-1", stamped, change, now())
        if not dropped:
            await layer.group_send(group_of("team-1"), {"type": "live", **place, "text": words})

    return publish


def run(work):
    async def bounded():
        async with asyncio.timeout(10):
            return await work()

    return asyncio.run(bounded())


def test_it_is_sent_what_concerns_its_server_and_nothing_else(site):
    async def work():
        await site(3, "first")
        await site(4, "other")
        following = Following()
        [begun] = await following.follow(Wanted("server-3"), 1)
        for server, text in ((4, "other"), (3, "second"), (4, "other"), (3, "third")):
            await site(server, text)
        return [json.loads(text) for text in (begun, await following.due(), await following.due())]

    messages = run(work)
    assert [message["type"] for message in messages] == ["snapshot", "change", "change"]
    assert {message["topic"] for message in messages} == {"server-3"}
    assert [m["fragments"][0]["html"] for m in messages] == [
        "<b>first</b>",
        "<b>second</b>",
        "<b>third</b>",
    ]
    assert [message["seq"] for message in messages] == [0, 1, 2]
    assert "other" not in json.dumps(messages)


def test_who_comes_back_gets_what_was_missed(site):
    async def work():
        stays, leaves = Following(), Following()
        for following in (stays, leaves):
            await following.follow(Wanted("server-3"), 1)
        await site(3, "one")
        await leaves.due()
        place = leaves.places["server-3"]
        await leaves.leave("server-3")
        await site(3, "two")
        await stays.due()
        await stays.due()
        return [json.loads(text) for text in await leaves.follow(Wanted("server-3", place), 1)]

    messages = run(work)
    assert [message["type"] for message in messages] == ["resumed", "change"]
    assert messages[1]["fragments"][0]["html"] == "<b>two</b>"


def test_after_a_gap_in_the_teams_topic_it_is_sent_all(site):
    async def work():
        following = Following()
        await following.follow(Wanted("server-3"), 1)
        await site(3, "one")
        await following.due()
        await site(3, "lost", dropped=True)
        await site(4, "other")
        return json.loads(await following.due())

    message = run(work)
    assert message["type"] == "snapshot"
    assert message["fragments"][0]["html"] == "<b>lost</b>"


def test_it_goes_on_when_the_last_viewer_of_the_team_leaves(site):
    async def work():
        team, server = Following(), Following()
        await team.follow(Wanted("team-1"), 1)
        await server.follow(Wanted("server-3"), 1)
        await team.close()
        await site(3, "one")
        return json.loads(await server.due())

    assert run(work)["fragments"][0]["html"] == "<b>one</b>"

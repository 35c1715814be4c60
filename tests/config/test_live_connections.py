"""What a live connection is held to: limits, acknowledgements, beats, and words that make sense."""

import asyncio
import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from telemetry import connection, consumers, following, rounds
from telemetry.cards import Card
from telemetry.hub import hub
from telemetry.live import PARTS, render_part, values_of
from telemetry.models import Server
from telemetry.publishing import publish
from telemetry.stores import Change, Fragment, Part
from tests.config.test_isolation import World
from tests.config.test_live_isolation import TOPICS
from tests.config.wires import Socket, events, http, raw
from tests.telemetry.sample_cards import executing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_refused() -> None:
    """Forget the refusals of other tests: they are counted by address, which all have in common."""
    cache.clear()


def parts_of(shown: Card) -> list[Fragment]:
    """Return a card's parts as its collector would retain them."""
    hot = tuple(each.patch for each in shown.hot)
    parts = {part: render_part(part, values_of(shown, part)) for part in PARTS}
    return [Fragment(f"server-{shown.server_id}-{p}", html, None, hot) for p, html in parts.items()]


def test_an_address_that_is_refused_again_and_again_is_asked_to_wait(settings: Any) -> None:
    settings.LIVE_REFUSALS_PER_HOUR = 3
    world = World()
    world.enter("anonymous")

    async def scenario() -> list[tuple[int, dict[str, str], str]]:
        return [await http("/live/snapshot/?topic=team-1", world.browser) for _ in range(4)]

    answers = async_to_sync(scenario)()
    assert [status for status, _, _ in answers] == [401, 401, 401, 429]
    assert 0 < int(answers[-1][1]["retry-after"]) <= 3600


def test_the_hundred_and_first_refusal_of_an_hour_is_told_when_to_come_back() -> None:
    world = World()
    world.enter("anonymous")

    async def scenario() -> list[tuple[int, dict[str, str], str]]:
        return [await http("/live/snapshot/?topic=team-1", world.browser) for _ in range(101)]

    answers = async_to_sync(scenario)()
    assert {status for status, _, _ in answers[:100]} == {401}
    assert answers[100][0] == 429
    assert 0 < int(answers[100][1]["retry-after"]) <= 3600


def test_a_person_has_a_limited_number_of_connections(settings: Any) -> None:
    settings.LIVE_CONNECTIONS = 2
    world = World()
    world.enter("bob")
    topic = TOPICS["team"](world.sides[0])

    async def scenario() -> tuple[int, str]:
        sockets = [Socket(world.browser, topic) for _ in range(4)]
        for socket in sockets[:2]:
            await socket.open()
            await socket.hear("snapshot")
        await sockets[2].open()
        refused = await sockets[2].closed()
        await sockets[0].leave()
        await asyncio.sleep(0)
        await sockets[3].open()
        found = await sockets[3].hear("snapshot", "error")
        for socket in (sockets[1], sockets[3]):
            await socket.leave()
        return refused, found["type"]

    assert async_to_sync(scenario)() == (4429, "snapshot")


class Looks:
    """A clock that passes with the looks over the connections alone: no stall of ours counts."""

    def __init__(self) -> None:
        self.at = 0.0

    def look(self) -> float:
        self.at += rounds.LOOK_S
        return self.at


@pytest.fixture
def frequent_looks(monkeypatch: Any) -> None:
    """Have the connections looked at sixteen times a second, and their time pass by these looks."""
    looks = Looks()
    monkeypatch.setattr(rounds, "LOOK_S", 1 / 16)
    monkeypatch.setattr(rounds, "time", SimpleNamespace(monotonic=looks.look))
    for module in (connection, consumers, following):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: looks.at))


@pytest.mark.usefixtures("frequent_looks")
def test_who_reads_no_more_is_closed_and_nobody_else_notices(monkeypatch: Any) -> None:
    monkeypatch.setattr(following, "BEHIND_S", 0.3)
    world = World()
    world.enter("bob")
    side = world.sides[0]
    topic = TOPICS["team"](side)
    stuck, reader = Socket(world.browser, topic), Socket(world.browser, topic)

    async def scenario() -> tuple[int, list[int]]:
        for socket in (stuck, reader):
            assert await socket.open()
            await socket.hear("snapshot")
        seen = []
        for number in range(20):
            head = Fragment("server-1-head", f"<b>{number}</b>")
            await publish(topic, [Part((side.rows[Server].pk, 1), Change([head]))])
            told = await reader.hear("change")
            seen.append(told["seq"])
            await reader.say(type="ack", **{name: told[name] for name in ("topic", "epoch", "seq")})
            await asyncio.sleep(0.05)
        quiet = await reader.communicator.receive_nothing(timeout=0.05)
        assert quiet
        await reader.leave()
        return await stuck.closed(), seen

    code, seen = async_to_sync(scenario)()
    assert code == 4013
    assert seen == list(range(seen[0], seen[0] + 20))


@pytest.mark.usefixtures("frequent_looks")
def test_who_says_nothing_for_two_beats_is_closed(settings: Any) -> None:
    settings.LIVE_BEAT_S = 1 / 4
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> int:
        assert await socket.open()
        await socket.hear("snapshot")
        return await socket.closed()

    assert async_to_sync(scenario)() == 4013
    assert sum(message["type"] == "beat" for message in socket.heard) == 2


def test_a_beat_is_answered_with_its_own_word() -> None:
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> dict[str, Any]:
        assert await socket.open()
        await socket.hear("snapshot")
        await socket.say(type="beat", sent=1234.5)
        told = await socket.hear("beat")
        await socket.leave()
        return told

    assert async_to_sync(scenario)()["sent"] == 1234.5


@pytest.mark.parametrize(
    "said",
    [
        "no JSON",
        "[]",
        "{}",
        '{"type": "dance"}',
        '{"type": "subscribe", "topic": "x"}',
        "1" * 9000,
    ],
)
def test_what_makes_no_sense_is_answered_and_harms_nobody(said: str) -> None:
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> dict[str, Any]:
        assert await socket.open()
        await socket.hear("snapshot")
        await socket.communicator.send_to(text_data=said)
        told = await socket.hear("error")
        await socket.say(type="beat")
        await socket.hear("beat")
        await socket.leave()
        return told

    told = async_to_sync(scenario)()
    assert told["code"] == 4400
    assert told["reason"]


def test_a_poll_of_what_has_not_changed_is_answered_304() -> None:
    world = World()
    world.enter("bob")
    path = f"/live/snapshot/?topic={TOPICS['team'](world.sides[0])}"

    async def scenario() -> tuple[Any, Any]:
        first = await http(path, world.browser)
        return first, await http(path, world.browser, **{"if-none-match": first[1]["etag"]})

    first, second = async_to_sync(scenario)()
    assert (first[0], second[0]) == (200, 304)
    assert second[2] == ""
    assert first[1]["cache-control"] == "no-store"


def test_a_poll_is_zipped_for_who_can_unzip_it() -> None:
    world = World()
    world.enter("bob")
    side = world.sides[0]
    topic = TOPICS["team"](side)
    shown = [f for n in range(1, 21) for f in parts_of(executing(n))]

    async def scenario() -> tuple[Any, Any]:
        await publish(topic, [Part((side.rows[Server].pk, 1), Change(shown))])
        path = f"/live/snapshot/?topic={topic}"
        plain = await http(path, world.browser)
        return plain, await raw(path, world.browser, **{"accept-encoding": "br, gzip"})

    plain, (headers, body) = async_to_sync(scenario)()
    assert headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain[1]
    told = json.loads(gzip.decompress(body))
    assert told[0]["fragments"] == json.loads(plain[2])[0]["fragments"]
    assert len(body) < 0.4 * len(plain[2])


def test_a_stream_goes_on_from_the_last_events_id(monkeypatch: Any) -> None:
    world = World()
    world.enter("bob")
    side = world.sides[0]
    topic = TOPICS["team"](side)
    keeper = Socket(world.browser, topic)  # the hub keeps texts of what somebody follows

    async def scenario() -> str:
        assert await keeper.open()
        place = await keeper.hear("snapshot")
        for number in range(3):
            head = Fragment("server-1-head", f"<b>{number}</b>")
            await publish(topic, [Part((side.rows[Server].pk, 1), Change([head]))])
            await keeper.hear("change")
        told = f"{topic}@{place['epoch']}.{place['seq'] + 1}"
        heard = await events(world.browser, topic, told, until='"seq":' + str(place["seq"] + 3))
        await keeper.leave()
        return heard

    heard = async_to_sync(scenario)()
    kinds = [json.loads(row[6:])["type"] for row in heard.splitlines() if row.startswith("data: ")]
    assert kinds == ["hello", "resumed", "change", "change"]


def test_the_thousand_and_first_word_of_a_minute_is_not_heard() -> None:
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> tuple[int, int]:
        assert await socket.open()
        await socket.hear("snapshot")
        for _ in range(1000):
            await socket.say(type="beat")
            await socket.hear("beat")
        for _ in range(1001):
            await socket.say(type="beat")
        return sum(m["type"] == "beat" for m in socket.heard), await socket.closed()

    assert async_to_sync(scenario)() == (1000, 4429)
    assert [m["code"] for m in socket.heard if m["type"] == "error"] == [4429]


def test_an_event_stream_says_what_it_is_and_leaves_nothing_behind() -> None:
    world = World()
    world.enter("bob")
    topic = TOPICS["team"](world.sides[0])

    async def scenario() -> tuple[dict[str, str], str, int, int]:
        status, told, body = await http(f"/live/events/?topic={topic}", world.browser)
        assert status == 200
        return told, body, len(hub()._watched), len(rounds.rounds()._open)

    told, body, watched, connections = async_to_sync(scenario)()
    assert told["content-type"] == "text/event-stream; charset=utf-8"
    assert (told["cache-control"], told["x-accel-buffering"]) == ("no-store", "no")
    assert f"id: {topic}@" in body
    assert (watched, connections) == (0, 0), "the reader left: nothing is kept for it"


def test_who_says_too_much_is_not_heard_and_then_closed(settings: Any) -> None:
    settings.LIVE_MESSAGES_PER_MINUTE = 10
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> int:
        assert await socket.open()
        await socket.hear("snapshot")
        for _ in range(21):
            await socket.say(type="beat")
        return await socket.closed()

    assert async_to_sync(scenario)() == 4429
    assert sum(message["type"] == "beat" for message in socket.heard) == 10
    assert [m["code"] for m in socket.heard if m["type"] == "error"] == [4429]

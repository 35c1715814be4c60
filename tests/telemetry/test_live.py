"""The live side: what a viewer holds is always what a fresh full render would show."""

import asyncio
import itertools
import json
import re
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from telemetry import live, topics
from telemetry.activity import Happening, happenings
from telemetry.cards import card_of
from telemetry.contact import Answered, Passed
from telemetry.envelope import change_text, snapshot_text
from telemetry.leases import Leased
from telemetry.live import Live, attributes, feed_line, is_step, rendered
from telemetry.machine import ServerState
from telemetry.publishing import merged
from telemetry.stores import FEED_LIMIT, MemoryStore, Part, Stamp, Stamped
from telemetry.topics import Topic
from telemetry.words import Tone
from tests.telemetry.test_machine import BEGAN, Feed, prompt, step
from tests.telemetry.traces import all_channels, events, load

ALONE = SimpleNamespace(touch=lambda live: None)
LEASED = Leased(3, 1, "kino-01", "http://kino-01:8188", "", False, 1)
TRACES = [
    "01-success",
    "04-node-exception",
    "07-queue-two-submitters",
    "10-sigkill-restart",
    "19-observer-polling",
    "30-log-progress-of-another-client",
    "old-0.3.64/06-interrupt",
]


class Page:
    """What a browser makes of the messages: elements, their attributes, the feed."""

    def __init__(self, message):
        body = json.loads(message)
        assert body["type"] == "snapshot"
        self.seq = body["seq"]
        self.elements, self.attrs, self.feed = {}, {}, []
        self._take(body)

    def change(self, message):
        body = json.loads(message)
        if body["seq"] <= self.seq:
            return
        assert body["seq"] == self.seq + 1
        self.seq = body["seq"]
        self._take(body)

    def _take(self, body):
        for fragment in body.get("fragments", ()):
            self.elements[fragment["id"]] = fragment["html"]
            if not fragment["html"]:
                del self.elements[fragment["id"]]
        for server_id, ago_ms in body.get("heard", ()):
            at = datetime.fromisoformat(body["at"]) - timedelta(milliseconds=ago_ms)
            heard = at.isoformat(timespec="milliseconds")
            self.attrs[f"server-{server_id}", "data-heard"] = heard
        for patch in body.get("patches", ()):
            element, name, value = patch if len(patch) == 3 else (patch[0], "text", patch[1])
            if name in ("text", "width"):
                self._patch(element, name, value)
            else:
                self.attrs[element, name] = value
        newest_last = body.get("feed", [])
        newest_last = newest_last[::-1] if body["type"] == "snapshot" else newest_last
        for line in newest_last:
            if line["id"] not in self.feed:
                self.feed = [line["id"], *self.feed][:FEED_LIMIT]

    def _patch(self, element, name, value):
        place = r">[^<]*" if name == "text" else rf'(?<= {name}=")[^"]*'
        new = f">{value}" if name == "text" else value
        tag = re.compile(rf'<[^<>]* id="{element}"[^<>]*{place}')
        for key, html in self.elements.items():
            self.elements[key] = tag.sub(
                lambda found: re.sub(f"{place}$", lambda _: new, found[0]), html
            )


def pulsed(told):
    """Yield the events with a pulse once a second, as a watch takes them, and one at the end."""
    due = None
    for event, at in told:
        if due is None or at >= due:
            yield Passed(), at
            due = at + timedelta(seconds=1)
        yield event, at
    yield Passed(), at


def replay(name):
    """Yield (snapshot after each event, message that the event caused) of a trace."""
    state, store = ServerState(), MemoryStore()
    side = Live(LEASED, state, ALONE)
    trace = load(name)
    lines = []
    for event, at in pulsed(events(trace, all_channels(trace))):
        changes = state.apply(event, at)
        side.touch(is_step(event, changes))
        told = happenings(state, changes)
        lines += told
        change = side.change(at)
        change.feed.extend(side.feed_line(line) for line in told)
        message = None
        if change:
            stamped = asyncio.run(store.stamp("team-1", [Part((3, 1), change)]))
            message = change_text("team-1", stamped.stamp, change, at)
        snapshot = snapshot_text("team-1", asyncio.run(store.snapshot("team-1")), at)
        yield snapshot, message, (state, at, lines)


@pytest.mark.parametrize("name", TRACES)
def test_it_shows_after_any_prefix_and_the_rest_what_a_fresh_render_shows(name, monkeypatch):
    monkeypatch.setattr(live, "HEARD_EVERY_S", 0)
    monkeypatch.setattr(live, "HEARD_BESIDE_S", 0)
    steps = list(replay(name))
    state, at, lines = steps[-1][2]
    card = card_of(state, LEASED, at)
    fresh = rendered(card)
    told = list(dict.fromkeys(feed_line(line, LEASED).id for line in lines))

    for start in range(len(steps)):
        page = Page(steps[start][0])
        for _, message, _ in steps[start + 1 :]:
            if message is not None:
                page.change(message)

        parts = {key: html for key, html in page.elements.items() if key != "server-3"}
        assert parts == fresh
        assert page.attrs == {("server-3", k): v for k, v in attributes(card).items()}
        assert page.feed == told[::-1][:FEED_LIMIT]


@pytest.mark.parametrize("name", TRACES)
def test_it_shows_after_each_event_what_a_fresh_render_shows(name):
    for snapshot, _, (state, at, _) in replay(name):
        page = Page(snapshot)

        parts = {key: html for key, html in page.elements.items() if key != "server-3"}
        assert parts == rendered(card_of(state, LEASED, at)), at


def test_it_sends_nothing_when_nothing_changed():
    feed = Feed()
    feed.queue(0, running=[prompt("a")])
    side = Live(LEASED, feed.state, ALONE)
    assert side.change(BEGAN)

    assert not side.change(BEGAN)


def test_it_sends_only_the_part_that_changed():
    feed = Feed()
    feed.queue(0, running=[prompt("a")])
    side = Live(LEASED, feed.state, ALONE)
    side.change(BEGAN)
    feed.log(0, step(1, 20))

    change = side.change(BEGAN)

    assert [fragment.id for fragment in change.fragments] == ["server-3-exec"]


def test_it_sends_a_further_step_as_values_alone():
    feed = Feed()
    feed.queue(0, running=[prompt("a")])
    side = Live(LEASED, feed.state, ALONE)
    feed.log(0, step(1, 20))
    side.change(BEGAN)
    feed.log(0, step(2, 20))

    change = side.change(BEGAN)

    assert change.fragments == []
    assert change.patches == [
        ("server-3-step", "text", "step 2/20"),
        ("server-3-bar", "width", "10%"),
    ]


def test_it_sends_values_with_the_part_that_they_stand_in():
    feed = Feed()
    feed.queue(0, running=[prompt("a")])
    side = Live(LEASED, feed.state, ALONE)
    side.change(BEGAN)
    feed.log(0, step(1, 20))

    change = side.change(BEGAN)

    assert change.patches == []
    assert (
        "step 1/20"
        in json.loads(change_text("t", Stamp("e", 2), change, BEGAN))["fragments"][0]["html"]
    )


def test_it_sends_the_shell_first_and_once():
    side = Live(LEASED, ServerState(), ALONE)

    first = side.change(BEGAN)

    assert first.fragments[0].id == "server-3"
    assert first.fragments[0].into == "servers"
    assert "server-3" not in [f.id for f in side.change(BEGAN).fragments]


def test_it_says_when_a_server_was_heard_of_with_its_first_state():
    feed = Feed()
    side = Live(LEASED, feed.state, ALONE)
    assert ("server-3", "data-heard", "") in side.change(BEGAN).patches
    feed.at(0, Answered())
    feed.queue(0, running=[prompt("a")])
    side.touch()

    change = side.change(BEGAN)

    assert ("server-3", "data-state", "executing") in change.patches
    assert [heard.patch[2] for heard in change.heard] == ["2026-11-20T14:00:00.000+00:00"]


@pytest.fixture
def published(monkeypatch):
    """Collect what Live publishes, with the time of each."""
    sent = []

    async def publish(topic, parts):
        sent.append((asyncio.get_running_loop().time(), merged(parts)))
        return Stamped(Stamp("first", len(sent)))

    monkeypatch.setattr(topics, "publish", publish)
    return sent


def run_live(work, published):
    async def main():
        feed = Feed()
        feed.queue(0, running=[prompt("a")])
        topic = Topic("team-1")
        side = Live(LEASED, feed.state, topic)
        task = asyncio.create_task(topic.run())
        try:
            with topic.joined(side):
                return await work(feed, side)
        finally:
            task.cancel()

    return asyncio.run(main())


async def until_sent(published, count):
    async with asyncio.timeout(5):
        while len(published) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_it_gathers_what_comes_within_a_window(published, settings):
    settings.LIVE_WINDOW_MS = 100

    async def work(feed, side):
        side.touch()
        await until_sent(published, 1)
        for value in range(1, 40):
            feed.log(0, step(value, 40))
            side.touch()
        await until_sent(published, 2)
        await asyncio.sleep(0.15)

    run_live(work, published)
    assert len(published) == 2
    assert published[1][0] - published[0][0] >= 0.09
    assert ("server-3-step", "text", "step 39/40") in published[1][1].values


def test_it_goes_on_telling_while_changes_never_pause(published, settings):
    settings.LIVE_WINDOW_MS = 100

    async def work(feed, side):
        async with asyncio.timeout(5):
            for value in range(1, 10_000):
                feed.log(0, step(value, 10_000))
                side.touch()
                await asyncio.sleep(0.02)  # far less than a window
                if len(published) == 5:
                    return

    run_live(work, published)
    times = [at for at, _ in published]
    assert min(after - before for before, after in itertools.pairwise(times)) >= 0.09
    assert times[-1] - times[0] < 2


def test_it_does_not_delay_the_first_change_after_quiet(published, settings):
    settings.LIVE_WINDOW_MS = 1000

    async def work(feed, side):
        asked_at = asyncio.get_running_loop().time()
        side.touch()
        await until_sent(published, 1)
        return published[0][0] - asked_at

    assert run_live(work, published) < 0.5


def test_a_failure_overtakes_what_waits_for_the_window(published, settings):
    settings.LIVE_WINDOW_MS = 1000
    failure = Happening("ended", Tone.BAD, "s-failed", "Scene 7 failed", BEGAN)

    async def work(feed, side):
        other = Live(replace(LEASED, server_id=4), ServerState(), side.topic)
        side.touch()
        other.touch()
        await until_sent(published, 1)
        feed.log(0, step(1, 20))
        side.touch()
        failed_at = asyncio.get_running_loop().time()
        saved = Future()
        saved.set_result(None)
        other.state.apply(Answered(0.0), BEGAN)
        other.changed([failure], saved)
        await until_sent(published, 3)
        return failed_at

    failed_at = run_live(work, published)
    _, (urgent_at, urgent), (rest_at, rest) = published
    assert urgent_at - failed_at < 0.1 + topics.URGENT_S
    assert [line.id[:8] for line in urgent.feed] == ["event-4-"]
    assert {fragment.id.split("-")[1] for fragment in urgent.fragments} == {"4"}
    assert rest_at - published[0][0] >= 0.9
    assert {fragment.id.split("-")[1] for fragment in rest.fragments} == {"3"}


def test_it_shows_a_change_after_its_commit(published):
    async def work(feed, side):
        saved = Future()
        saved.set_result(None)
        side.changed([], saved)
        await until_sent(published, 1)

    run_live(work, published)
    assert "not yet recorded" not in str(published[0][1])


def test_it_marks_a_change_that_the_database_has_not_taken_yet(published, settings):
    settings.LIVE_WINDOW_MS = 50

    async def work(feed, side):
        saved = Future()
        side.changed([], saved)
        await until_sent(published, 1)
        saved.set_result(None)
        await until_sent(published, 2)

    run_live(work, published)
    assert "not yet recorded" in str(published[0][1])
    assert "not yet recorded" not in str(published[1][1])


def test_a_line_of_the_feed_names_whose_prompt_it_is_about():
    by = {}
    for _, _, (_, _, lines) in replay("07-queue-two-submitters"):
        for line in lines:
            by.setdefault(line.kind, set()).add(line.submitter)

    assert len(by["ended"]) == 2
    assert by["started"] - by["ended"] <= {""}, "the queue may tell whose it is after a frame"
    assert by["online"] == {""}


def test_it_sends_all_of_a_card_again_after_the_store_was_away_or_lost(monkeypatch, settings):
    settings.LIVE_WINDOW_MS = 50
    monkeypatch.setattr(topics, "STORE_AWAY_S", 0)
    places = [Stamp("first", 1), None, Stamp("first", 2), Stamp("second", 1), Stamp("second", 2)]
    answers = [Stamped(place) if place else None for place in places]
    sent = []

    async def publish(topic, parts):
        sent.append([fragment.id for fragment in merged(parts).fragments])
        return answers[min(len(sent), len(answers)) - 1]

    monkeypatch.setattr(topics, "publish", publish)

    async def work(feed, side):
        for value in range(1, len(answers) + 1):
            feed.log(0, step(value, 20))
            side.touch()
            await until_sent(sent, value)

    run_live(work, sent)
    whole = [len(ids) > 5 for ids in sent]
    # 1: the first; 2 was not taken, so 3 holds all; 4 found a new epoch, so 5 holds all.
    assert whole == [True, False, True, False, True]

"""telemetry/facts.py: a server's state as data, and that the live side tells it."""

import asyncio
import json
from datetime import timedelta

import pytest

from telemetry import live
from telemetry.contact import Answered, SocketOpened, StatsTold, Unanswered
from telemetry.facts import NAME, QUEUED_LIMIT, ServerFacts, element_of, facts_of
from telemetry.live import Live, is_step
from telemetry.machine import ServerState
from telemetry.outlook import Outlook
from telemetry.protocol import read_stats
from telemetry.stores import MemoryStore, Part
from tests.telemetry.test_live import ALONE, LEASED, TRACES
from tests.telemetry.test_machine import BEGAN, SAMPLER, Feed, ms, prompt, step, success
from tests.telemetry.traces import all_channels, events, load


@pytest.fixture
def feed():
    feed = Feed()
    feed.at(0, SocketOpened(log_stream=True))
    feed.at(0, Answered(0.0))
    return feed


def facts(feed, second, **fields):
    return facts_of(feed.state, BEGAN + timedelta(seconds=second), **fields)


def test_it_knows_nothing_before_anything_was_heard():
    assert facts(Feed(), 0) == ServerFacts(told_at=BEGAN)


def test_it_tells_idle_from_unknown(feed):
    unknown = facts(feed, 1).queued_count
    feed.queue(1)

    assert (unknown, facts(feed, 1).queued_count) == (None, 0)
    assert facts(feed, 1).condition == "idle"


def test_it_tells_the_prompt_at_work_and_whose_it_is(feed):
    extra = {"run_id": "r7", "scene_id": "scene-003", "user": "mira", "create_time": ms(0)}
    feed.queue(1, running=[prompt("a", 1, SAMPLER, **extra)])
    feed.log(3, step(5, 20))

    running = facts(feed, 3).running

    assert (running.prompt_id, running.title) == ("a", "Scene 3 of r7")
    assert (running.run_id, running.scene_id, running.submitter) == ("r7", "scene-003", "mira")
    assert running.submitted_at == BEGAN
    assert (running.step.value, running.step.total, running.step.grade) == (5.0, 20.0, "log")
    assert running.step.rate_per_s == 5.0


def test_it_names_a_node_only_where_a_channel_did(feed):
    feed.queue(1, running=[prompt("a", 1, SAMPLER)])
    unnamed = facts(feed, 1).running
    feed.frame(2, "executing", node="3", prompt_id="a")
    named = facts(feed, 2).running

    assert (unnamed.node, unnamed.class_type) == (None, None)
    assert (named.node, named.class_type) == ("3", "KSampler")


def test_it_tells_when_what_waits_should_end(feed):
    feed.queue(1, pending=[prompt("a", 1), prompt("b", 2)])
    workload = feed.state.known("a").facts.workload
    feed.state.outlooks[workload] = Outlook(6, 60.0, 50.0, 70.0)

    first, second = facts(feed, 1).queued

    began = BEGAN + timedelta(seconds=1)
    assert (first.prompt_id, first.eta.at, first.eta.count) == (
        "a",
        began + timedelta(minutes=1),
        6,
    )
    assert second.eta.latest_at == began + timedelta(seconds=140)


def test_it_promises_no_end_of_what_took_longer_than_all_before(feed):
    feed.queue(1, running=[prompt("a", 1)])
    feed.frame(1, "execution_start", prompt_id="a", timestamp=ms(1))
    workload = feed.state.known("a").facts.workload
    feed.state.outlooks[workload] = Outlook(6, 60.0, 50.0, 70.0)

    eta = facts(feed, 80).running.eta

    assert (eta.at, eta.earliest_at, eta.latest_at, eta.count) == (None, None, None, 6)


def test_it_counts_all_that_waits_and_tells_the_first(feed):
    feed.queue(1, pending=[prompt(f"p{n}", n) for n in range(QUEUED_LIMIT + 5)])

    told = facts(feed, 1)

    assert told.queued_count == QUEUED_LIMIT + 5
    assert [p.prompt_id for p in told.queued] == [f"p{n}" for n in range(QUEUED_LIMIT)]


def test_it_tells_what_ended_and_how_long_it_took(feed):
    feed.queue(1, running=[prompt("a")])
    feed.queue(4)
    feed.history(4, (prompt("a"), success(1, 3)))

    [ended] = facts(feed, 4).ended

    assert (ended.prompt_id, ended.outcome, ended.reason) == ("a", "success", None)
    assert (ended.ended_at, ended.duration_s) == (BEGAN + timedelta(seconds=3), 2.0)


def test_it_tells_times_by_our_clock(feed):
    feed.at(1, Answered(3600.0))
    feed.queue(1, running=[prompt("a", create_time=ms(3600))])

    assert facts(feed, 1).running.submitted_at == BEGAN


def test_it_tells_memory_in_bytes_and_how_it_is_known(feed):
    devices = [{"name": "cuda:0 NVIDIA GeForce RTX 4090", "type": "cuda", "index": 0}]
    devices[0] |= {"vram_total": 24 << 30, "vram_free": 6 << 30}
    body = {"system": {"comfyui_version": "0.33.0"}, "devices": devices}
    feed.at(1, StatsTold(read_stats(json.dumps(body).encode())))

    [device] = facts(feed, 1).devices

    assert (device.name, device.kind, device.grade) == ("RTX 4090", "cuda", "polled")
    assert (device.vram_total_bytes, device.vram_free_bytes) == (24 << 30, 6 << 30)
    assert device.utilisation_percent is None


def test_it_says_what_is_wrong_in_words(feed):
    feed.queue(1)
    feed.at(9, Unanswered("connection refused", True, BEGAN + timedelta(seconds=8)))

    told = facts(feed, 9)

    assert told.condition == "offline"
    assert told.problem == "Offline. Connection refused."


def test_it_says_that_what_it_tells_is_not_recorded_yet(feed):
    assert facts(feed, 1).recorded
    assert not facts(feed, 1, unrecorded=True).recorded


@pytest.mark.parametrize("name", TRACES)
def test_what_is_retained_is_what_is_known_after_each_change_of_the_card(name, monkeypatch):
    monkeypatch.setattr(live, "FACTS_EVERY_S", 0)
    state, store = ServerState(), MemoryStore()
    side, trace = Live(LEASED, state, ALONE), load(name)

    for event, at in events(trace, all_channels(trace)):
        side.touch(is_step(event, state.apply(event, at)))
        change = side.change(at)
        if change:
            asyncio.run(store.stamp("team-1", [Part((3, 1), change)]))
            told = asyncio.run(store.snapshot("team-1")).values[element_of(3), NAME]
            assert ServerFacts.model_validate_json(told) == facts_of(state, at)


def test_steps_alone_tell_programs_once_a_second(feed, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    side = Live(LEASED, feed.state, ALONE)
    feed.queue(1, running=[prompt("a", 1, SAMPLER)])
    feed.log(2, step(1, 20))
    side.change(BEGAN + timedelta(seconds=2))

    told = []
    for n in range(2, 8):
        clock[0] += 0.4
        feed.log(n, step(n, 20))
        side.touch(step=True)
        told.append(bool(side.change(BEGAN + timedelta(seconds=n)).facts))

    assert told == [False, False, True, False, False, True]

"""Following a (simulated) server: frames, polls, reconnects, restarts, silence."""

import asyncio
import contextlib
import gc
import json
from collections import defaultdict
from concurrent.futures import Future

import pytest
from django.test import override_settings

from telemetry import transitions as t
from telemetry.cards import card_of
from telemetry.clock import now
from telemetry.hearing import Channel
from telemetry.machine import Ended
from telemetry.record import Memory
from telemetry.secrets import encrypt
from telemetry.simulator.access import refusal_of
from telemetry.words import Grade, Outcome
from tests.telemetry.listeners import Listener
from tests.telemetry.simulated import Kept, simulator, tqdm_graph, until, watched

QUICK = override_settings(
    RECONNECT_DELAYS_S=(0.05, 0.1),
    POLL_BUSY_S=0.2,
    POLL_IDLE_S=0.5,
    POLL_CUT_OFF_S=0.2,
    REQUEST_TIMEOUT_S=1.0,
)


@pytest.fixture(autouse=True)
def quick():
    with QUICK:
        yield


def run(work):
    return asyncio.run(work())


def ended(kept, prompt_id):
    return [c for c in kept.of(t.AttemptEnded) if c.key.prompt_id == prompt_id]


def test_it_follows_a_prompt_that_another_client_submitted():
    async def work():
        async with simulator(speed=2.0) as sim, watched(sim) as (watch, kept):
            await until(lambda: watch.state.contact.log_stream)
            prompt_id = sim.submit(tqdm_graph(), client_id="artist-1")
            await until(lambda: prompt_id in watch.state.attempts)
            await until(lambda: watch.state.known(prompt_id).step is not None, "a step")
            step = watch.state.known(prompt_id).step
            await until(lambda: ended(kept, prompt_id), "the end")
            return step, ended(kept, prompt_id)

    step, ends = run(work)
    assert step.total == 10
    assert [end.outcome for end in ends] == [Outcome.SUCCESS]


def test_it_knows_how_late_each_channel_is():
    async def work():
        async with simulator(speed=2.0) as sim, watched(sim) as (watch, _kept):
            await until(lambda: watch.state.contact.log_stream)
            sim.submit(tqdm_graph(), client_id="artist-1")
            heard = (Channel.SOCKET, Channel.LOG, Channel.POLL)
            lags = [watch.state.channels[channel].lag for channel in heard]
            await until(lambda: all(lag.shown_s is not None for lag in lags), "all lags")
            return [lag.shown_s for lag in lags], [lag.grade for lag in lags]

    seconds, grades = run(work)
    assert all(0 <= lag_s < 5 for lag_s in seconds)
    assert grades == [Grade.MEASURED, Grade.ESTIMATED, Grade.MEASURED]


def test_it_hears_only_status_and_logs_of_others_prompts(tmp_path):
    async def work():
        with override_settings(FRAMES_DIR=str(tmp_path)):
            async with simulator() as sim, watched(sim) as (watch, kept):
                await until(lambda: watch.state.contact.log_stream)
                prompt_id = sim.submit(tqdm_graph(), client_id="artist-1")
                await until(lambda: ended(kept, prompt_id))

    run(work)
    lines = (tmp_path / "server-1.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["data"]["type"] for line in lines} == {"status", "logs"}


def test_it_never_gives_a_prompts_steps_to_the_next_one():
    totals = {n: n + 4 for n in range(1, 7)}

    async def work():
        seen = defaultdict(set)
        async with simulator(speed=4.0) as sim, watched(sim) as (watch, kept):
            await until(lambda: watch.state.contact.log_stream)
            ids = {
                sim.submit(tqdm_graph(total, 0.15, seed=n), client_id="a"): total
                for n, total in totals.items()
            }

            def all_ended():
                for attempt in watch.state.open_attempts():
                    if attempt.step is not None:
                        seen[attempt.key.prompt_id].add(attempt.step.total)
                return all(ended(kept, prompt_id) for prompt_id in ids)

            await until(all_ended, "all ends")
            return ids, seen

    ids, seen = run(work)
    assert set(seen) == set(ids)
    assert {prompt_id: {float(total)} for prompt_id, total in ids.items()} == seen


def test_it_learns_of_a_prompt_that_was_removed_from_the_queue():
    async def work():
        async with simulator(speed=1.0) as sim, watched(sim) as (watch, kept):
            sim.submit(tqdm_graph(steps=100), client_id="a")
            waiting = sim.submit(tqdm_graph(seed=2), client_id="a")
            await until(lambda: waiting in watch.state.attempts)
            async with watch.comfyui._session.post(
                f"{sim.url}/queue", json={"delete": [waiting]}
            ) as response:
                assert response.status == 200
            await until(lambda: ended(kept, waiting))
            return ended(kept, waiting)

    ends = run(work)
    assert [(e.outcome, e.reason) for e in ends] == [(Outcome.CANCELLED, "removed from the queue")]


def test_it_calls_what_a_restart_took_lost_and_goes_on():
    async def work():
        async with simulator(speed=1.0) as sim, watched(sim) as (watch, kept):
            running = sim.submit(tqdm_graph(steps=100), client_id="a")
            waiting = sim.submit(tqdm_graph(seed=2), client_id="a")
            await until(lambda: len(watch.state.attempts) == 2)
            await sim.restart()
            await until(lambda: ended(kept, running) and ended(kept, waiting), "both ends")
            after = sim.submit(tqdm_graph(steps=1, seed=3), client_id="a")
            await until(lambda: ended(kept, after), "the end of the prompt after the restart")
            return [ended(kept, prompt_id) for prompt_id in (running, waiting, after)]

    running, waiting, after = run(work)
    assert [e.outcome for e in running] == [e.outcome for e in waiting] == [Outcome.LOST]
    assert [e.outcome for e in after] == [Outcome.SUCCESS]


def test_it_finds_what_ended_while_the_socket_was_cut():
    async def work():
        async with simulator() as sim, watched(sim) as (watch, kept):
            await until(lambda: watch.state.contact.socket_open)
            prompt_id = sim.submit(tqdm_graph(), client_id="a")
            sim.drop_sockets()
            await until(lambda: ended(kept, prompt_id))
            await until(lambda: watch.state.contact.socket_open, "the socket again")
            return ended(kept, prompt_id), kept.of(t.SocketDropped)

    ends, drops = run(work)
    assert [e.outcome for e in ends] == [Outcome.SUCCESS]
    assert len(drops) == 1


def test_it_finds_all_of_a_history_that_is_longer_than_a_page():
    async def work():
        kept = Kept()
        async with simulator(speed=1000.0) as sim:
            ids = [sim.submit(tqdm_graph(1, 0.001, seed=n), client_id="a") for n in range(120)]
            await sim.idle()
            async with watched(sim, kept) as (_, kept):
                await until(lambda: kept.of(t.HistoryFound), "the history")
        return ids, kept

    ids, kept = run(work)
    assert {change.key.prompt_id for change in kept.of(t.AttemptEnded)} == set(ids)
    assert all(change.found_later for change in kept.of(t.AttemptEnded))
    assert [change.count for change in kept.of(t.HistoryFound)] == [120]


def test_it_says_that_a_frozen_server_does_not_answer_and_recovers():
    async def work():
        async with simulator(speed=1.0) as sim, watched(sim) as (watch, kept):
            prompt_id = sim.submit(tqdm_graph(steps=20), client_id="a")
            await until(lambda: prompt_id in watch.state.attempts)
            sim.freeze()
            await until(lambda: watch.state.contact.unanswered_since, "not answering")
            assert watch.state.known(prompt_id).is_open
            sim.thaw()
            await until(lambda: ended(kept, prompt_id), "the end")
            return ended(kept, prompt_id)

    assert [e.outcome for e in run(work)] == [Outcome.SUCCESS]


def test_it_says_offline_when_the_server_is_killed():
    async def work():
        sim = simulator(speed=1.0)
        await sim.start()
        async with watched(sim) as (watch, kept):
            await until(lambda: watch.state.contact.socket_open)
            await sim.kill()
            await until(lambda: kept.of(t.ServerWentOffline), "offline")
            return kept.of(t.ServerWentOffline)

    assert [change.reason for change in run(work)] == ["connection refused"]


def test_it_presents_its_token_behind_a_path():
    async def work():
        async with (
            simulator(token="s3cret", base_path="/comfy") as sim,
            watched(sim, bearer_encrypted=encrypt("s3cret")) as (_, kept),
        ):
            prompt_id = sim.submit(tqdm_graph(), client_id="a")
            await until(lambda: ended(kept, prompt_id))
            return ended(kept, prompt_id)

    assert [e.outcome for e in run(work)] == [Outcome.SUCCESS]


def test_it_presents_its_password_everywhere_behind_a_path(monkeypatch):
    refused = []

    def noted(request, wanted):
        response = refusal_of(request, wanted)
        refused.extend([request.path] if response is not None else [])
        return response

    monkeypatch.setattr("telemetry.simulator.door.refusal_of", noted)

    async def work():
        async with (
            simulator(base_path="/comfy", basic=("olga", "s3cret")) as sim,
            watched(sim, basic_encrypted=encrypt("olga:s3cret")) as (watch, kept),
        ):
            await until(lambda: watch.state.contact.log_stream, "the log subscription")
            prompt_id = sim.submit(tqdm_graph(), client_id="a")
            await until(lambda: ended(kept, prompt_id))
            await until(lambda: watch.state.stats is not None, "the stats")
            return ended(kept, prompt_id)

    assert [e.outcome for e in run(work)] == [Outcome.SUCCESS]
    assert refused == []


def test_it_asks_nothing_without_the_secret_that_it_lost_and_others_go_on(settings):
    stored = encrypt("olga:s3cret")
    settings.SECRET_KEY = "another key"

    async def work():
        async with (
            Listener() as listener,
            simulator() as other,
            watched(other, url=listener.url, basic_encrypted=stored) as (watch, _),
            watched(other, server_id=2) as (healthy, _),
        ):
            await until(lambda: watch.state.contact.retry, "the first try")
            await until(lambda: healthy.state.contact.log_stream, "the other server")
            card = card_of(watch.state, watch.leased, now())
            return card.notice, listener.connections

    notice, connections = run(work)
    assert connections == 0
    assert (notice.lead, notice.text) == (
        "Not connected",
        "Its user and password cannot be read any more, since the site's key has changed: "
        "enter it again in the server's settings.",
    )


def test_it_asks_for_the_memory_soon_after_a_prompt_began(monkeypatch):
    monkeypatch.setattr("telemetry.watch.STATS_BUSY_S", 0.1)

    async def work():
        async with simulator(speed=2.0) as sim, watched(sim) as (watch, _):
            await until(lambda: watch.state.stats_at is not None, "the first stats")
            prompt_id = sim.submit(tqdm_graph(steps=20), client_id="artist-1")
            await until(lambda: watch.state.running_attempt() is not None, "the prompt")
            began_at = now()
            await until(lambda: watch.state.stats_at > began_at, "stats of its run")
            return watch.state.running_attempt().key.prompt_id == prompt_id

    assert run(work)


def test_it_says_that_a_token_is_wanted():
    async def work():
        async with simulator(token="s3cret") as sim, watched(sim) as (watch, _):
            await until(lambda: "token" in watch.state.contact.reason)

    run(work)


def test_it_reads_the_rest_of_a_history_after_a_kill_in_the_middle():
    async def work():
        async with simulator(speed=1000.0) as sim:
            ids = [sim.submit(tqdm_graph(1, 0.001, seed=n), client_id="a") for n in range(120)]
            await sim.idle()
            first = Kept()
            async with watched(sim, first) as (_, first):
                await until(lambda: first.of(t.BackfillChanged), "reading beyond the newest page")
            known = [Ended(c.key, None, c) for c in first.of(t.AttemptEnded)]
            second = Kept(Memory(ended=known))
            async with watched(sim, second, backfilling=True) as (_, second):
                await until(lambda: len(second.of(t.BackfillChanged)) == 1, "its end")
        return ids, first, second

    ids, first, second = run(work)
    halves = [{c.key.prompt_id for c in kept.of(t.AttemptEnded)} for kept in (first, second)]
    assert len(halves[0]) < 120
    assert halves[0] | halves[1] == set(ids)
    assert halves[0] & halves[1] == set()


def test_it_mixes_up_nothing_between_ten_servers_with_five_scenes_each():
    async def work():
        async with contextlib.AsyncExitStack() as stack:
            farm = []
            for number in range(10):
                sim = await stack.enter_async_context(simulator(speed=20.0))
                watch, kept = await stack.enter_async_context(
                    watched(sim, server_id=number + 1, name=f"sim-{number}")
                )
                farm.append((number, sim, watch, kept))
            ids = {}
            for number, sim, _, _ in farm:
                for scene in range(5):
                    extra = {"run_id": f"run-{number}", "scene_id": f"scene-{scene}"}
                    graph = tqdm_graph(steps=10 + number, seed=scene)
                    prompt_id = sim.submit(graph, client_id=f"artist-{number}", extra_data=extra)
                    ids[prompt_id] = (number, f"run-{number}", f"scene-{scene}")
            found = {}

            def all_ended():
                for number, _, watch, kept in farm:
                    for attempt in watch.state.open_attempts():
                        if attempt.step is not None:
                            assert attempt.step.total == 10 + number
                    for seen in kept.of(t.AttemptSeen):
                        words = seen.identity.words
                        place = (number, words["run_id"], words["scene_id"])
                        found[seen.key.prompt_id] = place
                return all(len(kept.of(t.AttemptEnded)) == 5 for _, _, _, kept in farm)

            await until(all_ended, "fifty ends")
            return ids, found

    ids, found = run(work)
    assert found == ids


def test_it_shows_the_memory_that_the_server_tells(settings):
    async def work():
        async with simulator() as sim, watched(sim) as (watch, _):
            await until(lambda: watch.state.stats is not None)
            async with watch.comfyui._session.get(f"{sim.url}/system_stats") as response:
                told = (await response.json())["devices"][0]
            return told, watch.state.stats.devices[0], card_of(watch.state, watch.leased, now())

    told, known, card = run(work)
    assert (known.vram_total, known.vram_free) == (told["vram_total"], told["vram_free"])
    used_gib = (told["vram_total"] - told["vram_free"]) / (1 << 30)
    assert abs(float(card.devices[0].used) - used_gib) <= 0.05


def test_it_counts_one_bad_frame_in_a_hundred_and_takes_the_others():
    async def work():
        async with simulator() as sim, watched(sim) as (watch, _):
            await until(lambda: watch.state.contact.log_stream)
            (socket,) = sim.server.sockets.by_sid.values()
            for number in range(1, 101):
                good = {"status": {"exec_info": {"queue_remaining": number}}}
                text = json.dumps({"type": "status", "data": good})
                await socket.send_str(text if number != 50 else text[:-9])
            await until(lambda: watch.state.queue_remaining == 100, "the last frame")
            return watch.state.malformed

    assert run(work) == 1


def test_it_leaves_to_the_recorder_to_tell_of_a_refused_change(caplog):
    class Refusing(Kept):
        def record(self, leased, changes, lines):
            super().record(leased, changes, lines)
            refused = Future()
            refused.set_exception(RuntimeError("the fence is old"))
            return refused

    async def work():
        async with simulator(speed=20.0) as sim, watched(sim, Refusing()) as (_, kept):
            prompt_id = sim.submit(tqdm_graph(), client_id="artist-1")
            await until(lambda: ended(kept, prompt_id), "the end")

    run(work)
    gc.collect()

    assert "never retrieved" not in caplog.text

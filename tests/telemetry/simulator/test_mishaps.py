"""What befalls a server: cut off, out of reach, restarted, silent, forgetful."""

from itertools import islice
from random import Random

import aiohttp
import pytest

from telemetry.simulator import Simulator
from telemetry.simulator.mishaps import (
    MISHAPS,
    Mishaps,
    clear_history,
    cut_sockets,
    delete_pending,
    drop_entry,
    refuse_connections,
    restart,
)

from .client import Client, in_loop, slow_graph

FOREVER = slow_graph(steps=1000, delay=1.0)


@pytest.mark.parametrize("scenario", MISHAPS)
def test_it_plans_the_same_for_the_same_seed(scenario: str) -> None:
    mishaps = MISHAPS[scenario]

    planned = list(islice(mishaps.plan(7), 60))

    assert planned == list(islice(mishaps.plan(7), 60))
    assert planned != list(islice(mishaps.plan(8), 60))
    assert {mishap for _, mishap in planned} == set(mishaps.weights)


def test_it_flaps_every_20_to_60_seconds() -> None:
    pauses = [pause for pause, _ in islice(MISHAPS["flapping"].plan(1), 100)]

    assert 20 <= min(pauses) < 25
    assert 55 < max(pauses) <= 60


@in_loop
async def test_it_cuts_sockets_and_keeps_the_queue() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")
        simulator.submit(FOREVER)

        await cut_sockets(simulator, Random(1))

        await listener.is_closed()
        assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 1}}


@in_loop
async def test_it_refuses_connections_while_prompts_go_on() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")
        prompt_id = simulator.submit(slow_graph())

        await simulator.close_port()

        await listener.is_closed()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/prompt")
        await simulator.idle()
        await simulator.open_port()
        assert prompt_id in await client.get("/history")


@in_loop
async def test_it_is_back_on_its_port_after_refusing() -> None:
    async with Simulator(speed=1000) as simulator, Client(simulator.url) as client:
        simulator.submit(FOREVER)

        await refuse_connections(simulator, Random(1))

        assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 1}}


@in_loop
async def test_it_comes_back_with_nothing_after_a_restart() -> None:
    async with Simulator(speed=1000) as simulator, Client(simulator.url) as client:
        simulator.submit(FOREVER)

        await restart(simulator, Random(1))

        assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 0}}


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Return a simulator that restarts every few simulated seconds."""
    monkeypatch.setitem(MISHAPS, "flapping", Mishaps((1.0, 2.0), {restart: 1}))  # type: ignore[arg-type]
    return Simulator("flapping", speed=1000)


@in_loop
async def test_it_goes_on_flapping_after_a_restart(restless: Simulator) -> None:
    lives = set()
    async with restless:
        while len(lives) < 4:
            lives.add(restless.server)
            await restless.clock.sleep(1)


@in_loop
async def test_it_does_not_come_back_by_itself_once_killed(restless: Simulator) -> None:
    async with restless, Client(restless.url) as client:
        killed = restless.server
        await restless.kill()

        await restless.clock.sleep(100)

        assert restless.server is killed
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/prompt")


@in_loop
async def test_it_says_nothing_after_the_first_status_when_silent() -> None:
    async with Simulator("silent", speed=500) as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer", autoping=False)
        body = {"clientId": "observer", "enabled": True}
        assert (await client.ask("PATCH", "/internal/logs/subscribe", body))[0] == 200
        while len(await client.get("/history")) < 2:
            await simulator.clock.sleep(5)

        await listener.ws.send_str('{"type": "feature_flags", "data": {}}')
        await listener.round_trip()

        assert listener.types() == ["status"]


@in_loop
async def test_it_is_silent_again_after_a_restart() -> None:
    async with Simulator("silent") as simulator:
        await simulator.restart()

        assert simulator.server.sockets.silent


@in_loop
async def test_it_forgets_single_entries_and_all_of_them() -> None:
    async with Simulator(speed=1000) as simulator:
        history = simulator.server.prompt_queue.history
        for number in range(3):
            simulator.submit(slow_graph(seed=number))
        await simulator.idle()

        await drop_entry(simulator, Random(1))
        assert len(history) == 2

        await clear_history(simulator, Random(1))
        assert history == {}

        await drop_entry(simulator, Random(1))
        assert history == {}


@in_loop
async def test_it_deletes_waiting_prompts_but_not_the_running_one() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")
        running = simulator.submit(FOREVER)
        simulator.submit(FOREVER)
        await listener.has("status", 4)

        await delete_pending(simulator, Random(1))
        await delete_pending(simulator, Random(1))

        queue = simulator.server.prompt_queue
        assert queue.pending == []
        assert queue.running is not None
        assert queue.running.prompt_id == running

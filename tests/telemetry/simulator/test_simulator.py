"""Faults on demand: a server that freezes, cuts off, dies and forgets."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from telemetry.simulator import PromptRefused, Simulator

from .client import Client, in_loop, slow_graph

ABNORMAL = 1006
FOREVER = slow_graph(steps=1000, delay=1.0)


@in_loop
async def test_it_runs_a_submitted_prompt_to_its_end() -> None:
    async with Simulator(speed=50) as simulator:
        prompt_id = simulator.submit(slow_graph(), client_id="mira", extra_data={"run_id": "r1"})

        await simulator.idle()

        entry = simulator.server.prompt_queue.history[prompt_id]
        assert entry["status"]["status_str"] == "success"
        assert entry["prompt"][3]["run_id"] == "r1"


@in_loop
async def test_it_answers_nothing_while_frozen() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        simulator.freeze()
        asked = asyncio.create_task(client.get("/prompt"))

        done, _ = await asyncio.wait({asked}, timeout=0.1)

        assert not done
        simulator.thaw()
        assert await asked == {"exec_info": {"queue_remaining": 0}}


@in_loop
async def test_it_answers_no_pings_while_frozen() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer", heartbeat=0.1)

        simulator.freeze()

        await listener.is_closed()


@in_loop
async def test_it_answers_pings_otherwise() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer", autoping=False)

        await listener.ws.ping(b"there?")

        await listener.until(lambda: listener.pongs == [b"there?"])


@in_loop
async def test_it_keeps_events_of_a_frozen_time_until_thawed() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        listener = await client.listen("mira")
        simulator.freeze()
        simulator.submit(slow_graph(), client_id="mira")
        await asyncio.sleep(0)
        assert listener.types() == ["status"]

        simulator.thaw()

        await listener.has("execution_success")


@in_loop
async def test_it_drops_sockets_without_a_close_frame_and_goes_on() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")

        simulator.drop_sockets()

        await listener.is_closed()
        assert listener.closed_with == ABNORMAL
        assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 0}}


@in_loop
async def test_it_refuses_connections_once_killed() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        listener = await client.listen("observer")

        await simulator.kill()

        await listener.is_closed()
        assert listener.closed_with == ABNORMAL
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/prompt")


@in_loop
async def test_it_can_be_killed_while_frozen() -> None:
    async with Simulator() as simulator, Client(simulator.url) as client:
        simulator.freeze()
        asked = asyncio.create_task(client.get("/prompt"))
        await asyncio.wait({asked}, timeout=0.05)

        await simulator.kill()

        with pytest.raises(aiohttp.ClientConnectionError):
            await asked


@in_loop
async def test_it_has_forgotten_queue_history_and_numbers_after_a_restart() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        simulator.submit(slow_graph())
        await simulator.idle()
        simulator.submit(FOREVER)

        await simulator.restart()

        assert await client.get("/history") == {}
        assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}
        _, answer = await client.ask("POST", "/prompt", {"prompt": slow_graph()})
        assert answer["number"] == 0


@in_loop
async def test_it_restarts_on_the_same_address() -> None:
    async with Simulator() as simulator:
        before = simulator.url

        await simulator.restart()

        assert simulator.url == before


@in_loop
async def test_it_clears_its_history_without_an_event() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        simulator.submit(slow_graph())
        await simulator.idle()
        listener = await client.listen("observer")

        simulator.clear_history()

        assert await client.get("/history") == {}
        assert listener.types() == ["status"]


@in_loop
async def test_it_asks_for_its_token() -> None:
    async with Simulator(token="secret") as simulator:
        async with Client(simulator.url) as stranger:
            assert (await stranger.ask("GET", "/prompt"))[0] == 401
        async with Client(simulator.url, {"Authorization": "Bearer secret"}) as friend:
            assert (await friend.ask("GET", "/prompt"))[0] == 200
            await friend.listen("observer")


@in_loop
async def test_it_asks_for_its_user() -> None:
    async with Simulator(basic=("mira", "pass:word")) as simulator:
        async with (
            Client(simulator.url) as stranger,
            stranger.session.get(f"{simulator.url}/prompt") as answer,
        ):
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        named = {"Authorization": "Basic bWlyYTpwYXNzOndvcmQ="}
        async with Client(simulator.url, named) as friend:
            assert (await friend.ask("GET", "/prompt"))[0] == 200
            await friend.listen("observer")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"token": "t", "basic": ("mira", "word")}, "exclude each other"),
        ({"basic": ("mi:ra", "word")}, "must not contain a colon"),
    ],
)
def test_it_says_when_nobody_could_sign_in(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Simulator(**wanted)


@in_loop
async def test_it_serves_tls(certificate: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    async with Simulator(tls=certificate) as simulator, Client(simulator.url) as client:
        assert simulator.url.startswith("https://127.0.0.1:")
        assert (await client.ask("GET", "/prompt", ssl=trusted))[0] == 200
        listener = await client.listen("observer", ssl=trusted)

        simulator.drop_sockets()

        await listener.is_closed()


def test_it_says_when_certificate_and_key_are_no_pair(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(ValueError, match="cannot use certificate"):
        Simulator(tls=(certificate[0], certificate[0]))
    with pytest.raises(ValueError, match="No such file"):
        Simulator(tls=(certificate[0], certificate[1].with_name("none.pem")))


@in_loop
async def test_it_serves_below_a_base_path_only() -> None:
    async with Simulator(base_path="/comfy/") as simulator, Client(simulator.url) as client:
        assert simulator.url.endswith("/comfy")
        assert (await client.ask("GET", "/api/queue"))[0] == 200
        await client.listen("observer")
        client.url = client.url.removesuffix("/comfy")
        assert (await client.ask("GET", "/queue"))[0] == 404


@in_loop
async def test_it_says_what_time_it_is() -> None:
    async with (
        Simulator() as simulator,
        Client(simulator.url) as client,
        client.session.get(f"{client.url}/prompt") as answer,
    ):
        assert answer.headers["Date"].endswith("GMT")


@in_loop
async def test_it_raises_what_a_refused_prompt_is_told() -> None:
    async with Simulator() as simulator:
        with pytest.raises(PromptRefused) as refused:
            simulator.submit({"1": {"class_type": "NoSuchNode", "inputs": {}}})

        assert refused.value.body["error"]["type"] == "missing_node_type"


@in_loop
async def test_it_forgets_the_oldest_when_its_history_is_full() -> None:
    async with Simulator(speed=1000, history_size=3) as simulator:
        ids = [simulator.submit(slow_graph(steps=1, delay=0, seed=n)) for n in range(6)]

        await simulator.idle()

        assert list(simulator.server.prompt_queue.history) == ids[-4:]


def test_it_names_the_scenarios_there_are_when_asked_for_another() -> None:
    with pytest.raises(ValueError, match="there are healthy, failing, slow"):
        Simulator("mad")


@in_loop
async def test_it_lets_one_client_that_does_not_read_silence_the_others() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        reader = await client.listen("reader")
        host, port = simulator.url.removeprefix("http://").split(":")
        _, stuck = await open_socket(host, int(port))
        await reader.until(lambda: "stuck" in simulator.server.sockets.by_sid)
        filler = {"big": "x" * 500_000}
        for _ in range(20):
            simulator.server.sockets.send_sync("filler", filler, "stuck")

        simulator.submit(slow_graph(), client_id="reader")

        await simulator.idle()
        assert reader.types() == ["status"]
        stuck.transport.abort()
        await reader.has("execution_success")


async def open_socket(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a websocket by hand and never read from it."""
    reader, writer = await asyncio.open_connection(host, port, limit=1024)
    writer.write(
        f"GET /ws?clientId=stuck HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer

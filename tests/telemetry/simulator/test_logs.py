"""The log stream: what is kept, who gets it, how a bar is drawn."""

import pytest

from telemetry.simulator import Simulator
from telemetry.simulator.logs import tqdm_text

from .client import Client, Listener, in_loop, slow_graph

TQDM_GRAPH = {
    "1": {"class_type": "TqdmWork", "inputs": {"steps": 5, "delay": 0.2, "seed": 1}},
    "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0], "seconds": 0}},
}


# Three lines of capture 30, and one of a slow card.
@pytest.mark.parametrize(
    ("value", "total", "elapsed", "text"),
    [
        (0, 20, 0.0, "  0%|          | 0/20 [00:00<?, ?it/s]"),
        (1, 20, 0.1202, "  5%|▌         | 1/20 [00:00<00:02,  8.32it/s]"),
        (20, 20, 2.4125, "100%|██████████| 20/20 [00:02<00:00,  8.29it/s]"),
        (7, 25, 31.5, " 28%|██▊       | 7/25 [00:31<01:21,  4.50s/it]"),
    ],
)
def test_it_draws_a_bar_like_tqdm(value: int, total: int, elapsed: float, text: str) -> None:
    assert tqdm_text(value, total, elapsed) == text


@in_loop
async def test_it_sends_log_events_to_subscribers_only() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        subscriber, other = await client.listen("subscriber"), await client.listen("other")
        await subscribe(client, "subscriber")

        simulator.submit(TQDM_GRAPH, client_id="mira")

        await executed(subscriber)
        assert other.of("logs") == []


@in_loop
async def test_it_stops_sending_when_unsubscribed() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        gone, stays = await client.listen("gone"), await client.listen("stays")
        await subscribe(client, "gone")
        await subscribe(client, "stays")
        await subscribe(client, "gone", enabled=False)

        simulator.submit(TQDM_GRAPH)

        await executed(stays)
        assert gone.of("logs") == []


@in_loop
async def test_it_keeps_only_the_last_redraw_of_a_bar() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        simulator.submit(TQDM_GRAPH)
        await simulator.idle()

        raw = await client.get("/internal/logs/raw")

        bars = [entry["m"] for entry in raw["entries"] if entry["m"].startswith("\r")]
        assert len(bars) <= 2
        assert "5/5" in bars[-1]


@in_loop
async def test_it_keeps_a_bounded_log() -> None:
    async with Simulator(speed=1000) as simulator, Client(simulator.url) as client:
        for number in range(400):
            simulator.submit(slow_graph(steps=1, delay=0, seed=number))
        await simulator.idle()

        assert len((await client.get("/internal/logs/raw"))["entries"]) == 300


@in_loop
async def test_it_tells_the_terminal_size_once() -> None:
    async with Simulator(speed=50) as simulator, Client(simulator.url) as client:
        listener = await client.listen("subscriber")
        await subscribe(client, "subscriber")

        simulator.submit(TQDM_GRAPH)

        await executed(listener)
        first, *others = [data["size"] for data in listener.of("logs")]
        assert first == {"cols": 80, "rows": 24}
        assert set(others) == {None}


async def subscribe(client: Client, client_id: str, enabled: bool = True) -> None:
    body = {"clientId": client_id, "enabled": enabled}
    assert (await client.ask("PATCH", "/internal/logs/subscribe", body))[0] == 200


async def executed(listener: Listener) -> None:
    await listener.until(lambda: any("Prompt executed in" in line for line in listener.logs()))

"""The measured load: exactly so many events a second, out of step with its neighbours."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from telemetry.simulator import Simulator
from telemetry.simulator.clock import Clock
from telemetry.simulator.prompt_server import PromptServer
from telemetry.simulator.steady import PROMPT_S, Steady

from .client import Client, Json, Listener, in_loop

STARTED_AT = 1_700_000_000.0


class Stop(Exception):
    """The test has seen enough."""


class CountedClock(Clock):
    """Simulated time passes as soon as somebody sleeps, and ends at `until`."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.until, self.now = until, 0.0

    def time(self) -> float:
        return STARTED_AT + self.now

    def elapsed(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self.until:
            raise Stop


def said_by(events: float, seed: int, seconds: float) -> list[tuple[float, Json]]:
    """Return (second, frame) of all that an observer with the log stream is sent."""
    clock, said = CountedClock(seconds), []

    def say(event: str, data: Json, sid: str | None = None) -> None:
        said.append((clock.now, json.loads(json.dumps({"type": event, "data": data}))))

    async def run() -> None:
        server = PromptServer(clock)
        server.sockets.send_sync = say  # type: ignore[method-assign]
        server.logs.send = lambda data: say("logs", data)
        with pytest.raises(Stop):
            await Steady(events, seed, clock).run(server)

    asyncio.run(run())
    return [(at, frame) for at, frame in said if frame["type"] in ("status", "logs")]


@pytest.mark.parametrize("events", [2, 20, 137.5])
def test_it_says_so_many_frames_in_any_ten_seconds(events: float) -> None:
    at = [moment for moment, _ in said_by(events, seed=3, seconds=120)]

    for start in range(0, 110, 7):
        count = sum(start <= moment < start + 10 for moment in at)
        assert count == pytest.approx(events * 10, rel=0.05, abs=2)


def test_it_says_the_same_for_the_same_seed() -> None:
    assert said_by(20, seed=5, seconds=40) == said_by(20, seed=5, seconds=40)


def test_it_ticks_out_of_step_with_other_seeds() -> None:
    phases = {round(said_by(20, seed=seed, seconds=1)[0][0] * 20, 2) for seed in range(20)}

    assert len(phases) > 15
    assert all(0 <= phase < 1 for phase in phases)


def test_it_mostly_redraws_bars() -> None:
    frames = [frame for _, frame in said_by(20, seed=1, seconds=300)]

    bars = [frame for frame in frames if any("\r" in line for line in lines_of(frame))]
    assert len(bars) / len(frames) > 0.9


def test_it_runs_prompts_of_about_half_a_minute() -> None:
    frames = said_by(20, seed=1, seconds=300)

    ends = [at for at, frame in frames if "Prompt executed in" in "".join(lines_of(frame))]
    lengths = [after - before for before, after in pairwise(ends)]
    assert len(lengths) > 5
    assert lengths == pytest.approx([PROMPT_S] * len(lengths), rel=0.15)


def test_it_says_when_the_events_make_no_sense() -> None:
    with pytest.raises(ValueError, match="events must be above 0"):
        Simulator("steady", events=0)
    with pytest.raises(ValueError, match="events go with the scenario 'steady'"):
        Simulator("healthy", events=5)


@in_loop
async def test_it_tells_an_observer_when_each_line_was_written() -> None:
    async with Simulator("steady", events=50) as simulator, Client(simulator.url) as client:
        listener = await observer(client)
        before = datetime.now()

        await listener.has("logs", 20)

        entries = [entry for data in listener.of("logs")[:20] for entry in data["entries"]]
        assert len(entries) >= 20
        for entry in entries:
            written_at = datetime.fromisoformat(entry["t"])
            assert before - timedelta(seconds=1) <= written_at <= datetime.now()


@in_loop
async def test_it_keeps_queue_and_history_as_its_frames_say() -> None:
    steady = Simulator("steady", events=30, speed=30)
    async with steady as simulator, Client(simulator.url) as client:
        listener = await observer(client)
        await listener.until(has_line(listener, "Prompt executed in"))
        await listener.has("logs", len(listener.of("logs")) + 20)
        queue, history = await client.get("/queue"), await client.get("/history")

    assert len(queue["queue_running"]) == 1
    assert len(queue["queue_pending"]) in (2, 3)
    assert {entry["status"]["status_str"] for entry in history.values()} == {"success"}


@in_loop
async def test_it_has_nothing_to_say_when_idle() -> None:
    async with Simulator("idle", speed=1000) as simulator, Client(simulator.url) as client:
        listener = await observer(client)

        await listener.round_trip()

        assert listener.types() == ["status"]
        assert (await client.get("/queue")) == {"queue_running": [], "queue_pending": []}


async def observer(client: Client) -> Listener:
    listener = await client.listen("observer", autoping=False)
    body = {"clientId": "observer", "enabled": True}
    assert (await client.ask("PATCH", "/internal/logs/subscribe", body))[0] == 200
    return listener


def has_line(listener: Listener, text: str) -> Callable[[], bool]:
    return lambda: any(text in line for line in listener.logs())


def lines_of(frame: Json) -> list[str]:
    return [entry["m"] for entry in frame["data"].get("entries", ())]

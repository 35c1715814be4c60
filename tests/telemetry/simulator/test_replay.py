"""Replay of a capture."""

from pathlib import Path

import pytest

from telemetry.simulator import Simulator
from telemetry.simulator.clock import Clock
from telemetry.simulator.replay import ReplayError, read_capture

from .client import Client, in_loop
from .reenact import FRAMES

SUCCESS = FRAMES / "01-success.jsonl"


@in_loop
async def test_it_plays_the_observers_frames() -> None:
    recorded = [
        record.data
        for record in read_capture(SUCCESS)
        if record.source == "ws:observer" and record.kind == "text"
    ]
    async with Simulator(replay=SUCCESS, speed=40) as simulator, Client(simulator.url) as client:
        listener = await client.listen("me")
        await listener.has("status", len(recorded))

    assert listener.messages[0]["data"].pop("sid") == "me"
    recorded[0]["data"].pop("sid")
    assert listener.messages == recorded


@in_loop
async def test_it_gives_the_answer_of_the_moment() -> None:
    clock = Clock(speed=40)
    async with Simulator(replay=SUCCESS, clock=clock) as simulator, Client(simulator.url) as client:
        before = await client.get("/api/jobs")
        listener = await client.listen("me")
        await listener.has("status", 4)
        await clock.sleep(1)
        after = await client.get("/api/jobs")

    assert [answer["pagination"]["total"] for answer in (before, after)] == [0, 1]


@in_loop
async def test_it_knows_nothing_that_was_not_recorded() -> None:
    async with Simulator(replay=SUCCESS) as simulator, Client(simulator.url) as client:
        assert (await client.ask("GET", "/object_info"))[0] == 404


@in_loop
async def test_it_greets_a_late_listener_with_the_last_status() -> None:
    async with Simulator(replay=SUCCESS, speed=40) as simulator, Client(simulator.url) as client:
        early = await client.listen("early")
        await early.has("status", 4)

        late = await client.listen("late")

        assert late.of("status")[0]["status"]["exec_info"]["queue_remaining"] == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "line 1: no object with t, source, kind and data"),
        ('{"t": 1, "source": "ws:a", "kind": "text", "data": {}}\nnonsense', "line 2: not JSON"),
        ('{"t": 1, "source": "http", "kind": "request", "data": {}}', "no websocket frames"),
    ],
)
def test_it_says_what_is_wrong_with_a_file(tmp_path: Path, text: str, complaint: str) -> None:
    capture = tmp_path / "capture.jsonl"
    capture.write_text(text)

    with pytest.raises(ReplayError, match=complaint):
        read_capture(capture)


def test_it_says_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"Cannot read .*: .*No such file"):
        read_capture(tmp_path / "none.jsonl")

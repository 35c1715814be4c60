"""manage.py simulate_comfyui."""

import asyncio
import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from telemetry.management.commands.simulate_comfyui import Command
from telemetry.simulator import Simulator

from .client import Client, in_loop


class Output(io.StringIO):
    """Say when the first line was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@in_loop
async def test_it_serves_until_it_is_told_to_stop(number: int) -> None:
    output = Output()
    simulator = Simulator("healthy")
    serving = asyncio.create_task(Command(stdout=output).serve(simulator, "127.0.0.1", 0))
    await output.written.wait()
    async with Client(simulator.url) as client:
        assert (await client.ask("GET", "/prompt"))[0] == 200

    os.kill(os.getpid(), number)

    await serving
    assert output.getvalue() == f"Simulated ComfyUI on {simulator.url}; stop with Ctrl-C.\n"


@in_loop
async def test_it_says_when_the_port_is_taken() -> None:
    async with Simulator() as other:
        port = int(other.url.rsplit(":", 1)[1])

        with pytest.raises(CommandError, match=rf"Cannot listen on 127\.0\.0\.1:{port}: .*in use"):
            await Command().serve(Simulator(), "127.0.0.1", port)


def test_it_says_when_the_replay_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        simulate("--replay", str(tmp_path / "none.jsonl"))


def test_it_says_when_the_rate_makes_no_sense() -> None:
    with pytest.raises(CommandError, match="rate must be above 0"):
        simulate("--rate", "0")


def simulate(*arguments: Any) -> None:
    call_command(Command(), "--port", "0", *arguments)

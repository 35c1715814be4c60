"""manage.py simulate_comfyui."""

import asyncio
import io
import os
import signal
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.core.management import CommandError, call_command

from telemetry.management.commands.simulate_comfyui import Command, ports_from, simulator_of
from telemetry.simulator import Simulator
from telemetry.simulator.hostile import Hostile

from .client import Client, in_loop


class Output(io.StringIO):
    """Say when as many lines were written as are waited for."""

    def __init__(self, lines: int = 1) -> None:
        super().__init__()
        self.lines = lines
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        length = super().write(text)
        if self.getvalue().count("\n") >= self.lines:
            self.written.set()
        return length


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@in_loop
async def test_it_serves_until_it_is_told_to_stop(number: int) -> None:
    output = Output()
    simulator = Simulator("healthy")
    serving = asyncio.create_task(Command(stdout=output).serve([simulator], "127.0.0.1", [0]))
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
            await Command().serve([Simulator()], "127.0.0.1", [port])


@in_loop
async def test_it_serves_several_at_once_and_prints_each_url() -> None:
    output = Output(lines=3)
    simulators = [Simulator("healthy", seed=seed) for seed in range(3)]
    serving = asyncio.create_task(Command(stdout=output).serve(simulators, "127.0.0.1", [0, 0, 0]))
    await output.written.wait()

    for simulator in simulators:
        assert f"Simulated ComfyUI on {simulator.url};" in output.getvalue()
        async with Client(simulator.url) as client:
            assert (await client.ask("GET", "/prompt"))[0] == 200

    os.kill(os.getpid(), signal.SIGTERM)
    await serving


@in_loop
async def test_it_serves_none_when_one_port_is_taken() -> None:
    async with Simulator() as other:
        port = int(other.url.rsplit(":", 1)[1])
        first = Simulator()

        with pytest.raises(CommandError, match="choose another --port"):
            await Command(stdout=Output()).serve([first, Simulator()], "127.0.0.1", [0, port])

        async with Client(first.url) as client:
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.get("/prompt")


def test_it_takes_consecutive_ports_or_free_ones() -> None:
    assert ports_from(8188, 3) == [8188, 8189, 8190]
    assert ports_from(0, 3) == [0, 0, 0]


@pytest.mark.parametrize(
    ("port", "count", "why"),
    [("8188", "0", "--servers must be 1 or more"), ("65535", "2", "need ports above 65535")],
)
def test_it_says_when_so_many_servers_cannot_be(port: str, count: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command(Command(), "--port", port, "--servers", count)


def test_it_gives_each_server_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []

    async def serve(self: Command, simulators: list[Simulator], *where: Any) -> None:
        seeds.extend(simulator.seed for simulator in simulators)

    monkeypatch.setattr(Command, "serve", serve)

    simulate("--servers", "3", "--seed", "7")

    assert seeds == [7, 8, 9]


def test_it_says_when_the_user_has_no_password() -> None:
    with pytest.raises(CommandError, match="--user takes NAME:PASSWORD"):
        simulate("--user", "mira")


@in_loop
async def test_it_takes_what_a_proxy_would_ask_for(certificate: tuple[Path, Path]) -> None:
    options = {"scenario": "idle", "seed": 1, "rate": None, "events": None, "replay": None}
    proxy = {"token": None, "user": "mira:word", "base_path": "comfy", "tls": certificate}
    async with simulator_of({**options, **proxy}) as simulator:
        named = {"Authorization": "Basic bWlyYTp3b3Jk"}
        trusted = ssl.create_default_context(cafile=str(certificate[0]))
        async with Client(simulator.url, named) as client:
            assert simulator.url.endswith("/comfy")
            assert (await client.ask("GET", "/prompt", ssl=trusted))[0] == 200


def test_it_serves_what_is_no_comfyui_when_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    served = []

    async def serve(self: Command, servers: list[Any], *where: Any) -> None:
        served.extend(servers)

    monkeypatch.setattr(Command, "serve", serve)

    simulate("--hostile", "redirect", "--redirect-to", "http://127.0.0.1:9/")

    assert served == [Hostile("redirect", "http://127.0.0.1:9/")]


def test_it_says_when_there_is_nothing_to_redirect() -> None:
    with pytest.raises(CommandError, match="--redirect-to goes with --hostile redirect"):
        simulate("--redirect-to", "http://127.0.0.1:9/")
    with pytest.raises(CommandError, match="needs a URL to redirect to"):
        simulate("--hostile", "redirect")


def test_it_says_when_the_replay_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        simulate("--replay", str(tmp_path / "none.jsonl"))


def test_it_says_when_the_rate_makes_no_sense() -> None:
    with pytest.raises(CommandError, match="rate must be above 0"):
        simulate("--rate", "0")


def simulate(*arguments: Any) -> None:
    call_command(Command(), "--port", "0", *arguments)

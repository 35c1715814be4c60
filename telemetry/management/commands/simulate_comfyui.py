"""Run fake ComfyUIs until they are stopped."""

import asyncio
import os
import signal
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.simulator import NAMES, Simulator
from telemetry.simulator.hostile import KINDS, Hostile
from telemetry.simulator.replay import ReplayError

NO_LOAD = "none"
LAST_PORT = 65535


class Command(BaseCommand):
    help = "Run a fake ComfyUI that speaks the real protocol, until Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="0 takes free ones")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--servers",
            type=int,
            default=1,
            metavar="N",
            help="this many, on the ports from --port on, with the seeds from --seed on",
        )
        parser.add_argument(
            "--scenario",
            choices=[NO_LOAD, *NAMES],
            default="healthy",
            help="none: only what others submit",
        )
        parser.add_argument("--rate", type=float, help="prompts a minute")
        parser.add_argument("--events", type=float, help="frames a second, of scenario steady")
        parser.add_argument("--replay", type=Path, metavar="FILE", help="play a capture instead")
        parser.add_argument(
            "--hostile",
            choices=sorted(KINDS),
            metavar="KIND",
            help=f"no ComfyUI at all: {', '.join(sorted(KINDS))}",
        )
        parser.add_argument("--redirect-to", metavar="URL", help="of --hostile redirect")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--token", help="ask for this bearer token")
        parser.add_argument("--user", metavar="NAME:PASSWORD", help="ask for HTTP basic")
        parser.add_argument("--base-path", default="", metavar="PATH", help="serve below this path")
        parser.add_argument("--tls", type=Path, nargs=2, metavar=("CERT", "KEY"), help="PEM files")

    def handle(self, *args: Any, **options: Any) -> None:
        ports = ports_from(options["port"], options["servers"])
        first_seed = options["seed"]
        seeds = range(first_seed, first_seed + len(ports))
        try:
            servers = [server_of({**options, "seed": seed}) for seed in seeds]
        except (ReplayError, ValueError) as error:
            raise CommandError(str(error)) from None
        asyncio.run(self.serve(servers, options["host"], ports))

    async def serve(
        self, servers: Sequence[Simulator | Hostile], host: str, ports: Sequence[int]
    ) -> None:
        """Run the servers, one a port, until a signal comes; CommandError if one cannot."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        try:
            for server, port in zip(servers, ports, strict=True):
                url = await started(server, host, port)
                self.stdout.write(f"Simulated ComfyUI on {url}; stop with Ctrl-C.")
            await stopped.wait()
        finally:
            await asyncio.gather(*(server.stop() for server in servers))


def ports_from(first: int, count: int) -> list[int]:
    """Return the ports to listen on, free ones (0) if the first is 0; CommandError if none fit."""
    if count < 1:
        raise CommandError(f"--servers must be 1 or more, not {count}.")
    if first + count - 1 > LAST_PORT:
        raise CommandError(
            f"{count} servers from port {first} on need ports above {LAST_PORT}; "
            "choose a lower --port or fewer --servers."
        )
    return [first + number if first else 0 for number in range(count)]


def server_of(options: dict[str, Any]) -> Simulator | Hostile:
    """Return the server that the options ask for; ReplayError or ValueError if none can be."""
    if options["hostile"]:
        return Hostile(options["hostile"], options["redirect_to"], options["seed"])
    if options["redirect_to"]:
        raise ValueError("--redirect-to goes with --hostile redirect")
    return simulator_of(options)


def simulator_of(options: dict[str, Any]) -> Simulator:
    """Return the simulator that the options ask for; ReplayError or ValueError if none can be."""
    unwanted = options["replay"] or options["scenario"] == NO_LOAD
    return Simulator(
        None if unwanted else options["scenario"],
        seed=options["seed"],
        rate=options["rate"],
        events=options["events"],
        replay=options["replay"],
        token=options["token"],
        basic=basic_of(options["user"]),
        base_path=options["base_path"],
        tls=tuple(options["tls"]) if options["tls"] else None,
    )


def basic_of(user: str | None) -> tuple[str, str] | None:
    """Return NAME:PASSWORD as a pair; CommandError without the colon."""
    if user is None:
        return None
    name, colon, password = user.partition(":")
    if not colon:
        raise CommandError("--user takes NAME:PASSWORD, with a colon between them.")
    return name, password


async def started(server: Simulator | Hostile, host: str, port: int) -> str:
    """Start a server and return its URL; CommandError if the port cannot be had."""
    try:
        return await server.start(host, port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise CommandError(
            f"Cannot listen on {host}:{port}: {reason}; choose another --port."
        ) from None

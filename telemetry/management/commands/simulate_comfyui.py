"""Run a fake ComfyUI until it is stopped."""

import asyncio
import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.simulator import SCENARIOS, Simulator
from telemetry.simulator.replay import ReplayError

NO_LOAD = "none"


class Command(BaseCommand):
    help = "Run a fake ComfyUI that speaks the real protocol, until Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--scenario",
            choices=[NO_LOAD, *sorted(SCENARIOS)],
            default="healthy",
            help="none: only what others submit",
        )
        parser.add_argument("--rate", type=float, help="prompts a minute")
        parser.add_argument("--replay", type=Path, metavar="FILE", help="play a capture instead")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        scenario = None if options["replay"] else options["scenario"]
        scenario = None if scenario == NO_LOAD else scenario
        try:
            simulator = Simulator(
                scenario, seed=options["seed"], rate=options["rate"], replay=options["replay"]
            )
        except (ReplayError, ValueError) as error:
            raise CommandError(str(error)) from None
        asyncio.run(self.serve(simulator, options["host"], options["port"]))

    async def serve(self, simulator: Simulator, host: str, port: int) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        try:
            url = await simulator.start(host, port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else error
            raise CommandError(
                f"Cannot listen on {host}:{port}: {reason}; choose another --port."
            ) from None
        self.stdout.write(f"Simulated ComfyUI on {url}; stop with Ctrl-C.")
        await stopped.wait()
        await simulator.stop()

"""A process of simulated ComfyUIs that notes when each step left.

`python -m benchmarks._live.servers COUNT FILE --events N|--every SECONDS`: each server says N
frames a second (scenario `steady`), or runs one long prompt with a step every SECONDS. On
SIGTERM it writes to FILE a list of [server from 0 on, "step/total", monotonic time in ns]. The time
is taken before the frame is queued for the sockets: what the simulator takes is in the figures.
"""

import asyncio
import json
import re
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic_ns
from typing import Any

from telemetry.simulator import Simulator

STEP = re.compile(r"\| (\d+/\d+) \[")
HOUR_OF_STEPS = 720  # of 5 s each, as of one long scene

Note = Callable[[str, int], None]


async def main(options: Namespace) -> list[tuple[int, str, int]]:
    """Run the servers until SIGTERM; return the steps that they said."""
    notes: list[tuple[int, str, int]] = []
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    servers = []
    for number in range(options.count):
        scenario = None if options.events is None else "steady"
        server = Simulator(scenario, seed=number + 1, events=options.events)
        url = await server.start()
        _listen_in(server, partial(_note, notes, number))
        if options.every is not None:
            server.submit(_long_scene(options.every))
        servers.append(server)
        print(f"Simulated ComfyUI on {url}", flush=True)
    await ended.wait()
    await asyncio.gather(*(server.stop() for server in servers))
    return notes


def _note(notes: list[tuple[int, str, int]], number: int, step: str, at_ns: int) -> None:
    notes.append((number, step, at_ns))


def _listen_in(simulator: Simulator, note: Note) -> None:
    """Have each step that a server says noted, before it is said."""
    sockets = simulator.server.sockets
    send_raw = sockets.send_raw

    def noting(payload: str | bytes, sid: str | None = None) -> None:
        at_ns = monotonic_ns()
        for step in step_in(payload):
            note(step, at_ns)
        send_raw(payload, sid)

    sockets.send_raw = noting  # type: ignore[method-assign]


def step_in(payload: str | bytes) -> list[str]:
    """Return the "step/total" of each redraw of a bar in a frame."""
    return [] if isinstance(payload, bytes) else STEP.findall(payload)


def _long_scene(every_s: float) -> dict[str, dict[str, Any]]:
    work = {"steps": HOUR_OF_STEPS, "delay": every_s, "seed": 1}
    return {
        "1": {"class_type": "TqdmWork", "inputs": work},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def _options() -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("file", type=Path)
    pace = parser.add_mutually_exclusive_group(required=True)
    pace.add_argument("--events", type=float)
    pace.add_argument("--every", type=float)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = _options()
    chosen.file.write_text(json.dumps(asyncio.run(main(chosen))))

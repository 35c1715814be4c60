"""Simulated servers of the team "bench", when they said which step, and which messages hold it."""

import json
import time
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import until
from benchmarks.stack import Stack

_IDS = """
from telemetry.models import Server
print(*Server.objects.order_by("pk").values_list("pk", flat=True))
"""

# When a server said a step, by (server's id, "step/total"), in ns, in order.
Steps = dict[tuple[int, str], list[int]]


class Farm:
    """Servers in a process of their own, watched by the team."""

    def __init__(self, stack: Stack, count: int, *pace: str) -> None:
        self._file: Path = stack.folder / "steps.json"
        command = ("-m", "benchmarks._live.servers", str(count), str(self._file), *pace)
        self._process = stack.start("servers", *command)
        until(lambda: self._process.output.count("Simulated") >= count, f"{count} simulators")
        urls = [word for word in self._process.output.split() if word.startswith("http://")]
        stack.add_servers(urls, simulated=False)
        self.ids = [int(pk) for pk in stack.shell(_IDS).split()]

    def end(self) -> Steps:
        """End the servers; return when they said which step."""
        self._process.stop()
        steps: Steps = defaultdict(list)
        for number, step, at_ns in json.loads(self._file.read_text()):
            steps[self.ids[number], step].append(at_ns)
        return dict(steps)


def newest_step(message: dict[str, Any], came_ns: int, steps: Steps) -> int | None:
    """Return when the newest step in a message was said; None where it holds none.

    A prompt has a step of the same name as one half a minute ago: it is the last one before
    `came_ns`, when the first viewer had the message.
    """
    said = [
        _last_before(steps.get(place, []), came_ns)
        for place in map(_place, message.get("patches", ()))
        if place is not None
    ]
    return max((at_ns for at_ns in said if at_ns is not None), default=None)


def until_written_ms(texts: list[str], first_came_ns: list[int], steps: Steps) -> list[float]:
    """Return how long each message's newest step took to the collector's writing of the message."""
    wall_ns = time.time_ns() - time.monotonic_ns()
    lags = []
    for text, came_ns in zip(texts, first_came_ns, strict=True):
        message = json.loads(text)
        said_ns = newest_step(message, came_ns, steps)
        if said_ns is not None:
            written_s = datetime.fromisoformat(message["at"]).timestamp()
            lags.append((written_s * 1e9 - wall_ns - said_ns) / 1e6)
    return lags


def _place(patch: list[str]) -> tuple[int, str] | None:
    """Return server and "step/total" of a patch, None if it is about something else."""
    element, value = patch[0], patch[-1]
    kind, number, *part = element.split("-")
    if kind != "server" or part != ["step"]:
        return None
    return int(number), value.removeprefix("step ").replace(",", "")


def _last_before(times_ns: list[int], at_ns: int) -> int | None:
    place = bisect_right(times_ns, at_ns)
    return times_ns[place - 1] if place else None

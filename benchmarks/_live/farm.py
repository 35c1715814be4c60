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
    said_ns = [
        newest_step(json.loads(text), came_ns, steps)
        for text, came_ns in zip(texts, first_came_ns, strict=True)
    ]
    told = zip(written_ns(texts), said_ns, strict=True)
    return [(at_ns - step_ns) / 1e6 for at_ns, step_ns in told if at_ns and step_ns is not None]


def written_ns(texts: list[str]) -> list[int | None]:
    """Return when the collector wrote each change, on the monotonic clock; None of other texts."""
    wall_ns = time.time_ns() - time.monotonic_ns()
    changes = [json.loads(text) if '"change"' in text else None for text in texts]
    return [
        None
        if change is None
        else round(datetime.fromisoformat(change["at"]).timestamp() * 1e9) - wall_ns
        for change in changes
    ]


def due_ns(texts: list[str], window_ns: int) -> dict[str, int]:
    """Return for each change when its window ended: so long after the change before it.

    None is there of the first, and of one that did not wait for its window.
    """
    due, before_ns = {}, None
    for text, at_ns in zip(texts, written_ns(texts), strict=True):
        if at_ns is None:
            continue
        if before_ns is not None and at_ns >= before_ns + window_ns:
            due[text] = before_ns + window_ns
        before_ns = at_ns
    return due


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

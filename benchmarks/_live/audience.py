"""Viewers in processes of their own, and what they heard."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Process
from benchmarks.stack import HOST, Stack


@dataclass(frozen=True, slots=True)
class Heard:
    """What the viewers of one process heard and said.

    `came` tells for each delivery its place in `texts` and the monotonic time in ns; `said` tells
    for each word the time and its length in bytes.
    """

    texts: list[str]
    came: list[tuple[int, int]]
    gaps: int = 0
    closed: int = 0
    said: list[tuple[int, int]] = field(default_factory=list)


class Audience:
    """Viewers on one address: connected once this returns, divided among the processes."""

    def __init__(self, stack: Stack, port: int, path: str, keys: list[str], processes: int) -> None:
        self._members: list[tuple[Process, Path]] = []
        for number in range(processes):
            name = f"viewers-{port}-{number}"
            keys_file, heard_file = stack.folder / f"{name}.keys", stack.folder / f"{name}.json"
            keys_file.write_text("\n".join(keys[number::processes]))
            command = ("-m", "benchmarks._live.viewers", f"ws://{HOST}:{port}{path}")
            process = stack.start(name, *command, str(keys_file), str(heard_file))
            self._members.append((process, heard_file))
        for process, _ in self._members:
            process.said("all connected")

    def cpu_s(self) -> float:
        """Return the CPU seconds that the viewers have used."""
        return sum(process.cpu_s() for process, _ in self._members)

    def leave(self) -> list[Heard]:
        """Disconnect everybody; return what each process heard."""
        for process, _ in self._members:
            process.stop(30)
        return [Heard(**json.loads(path.read_text())) for _, path in self._members]

"""A person who is signed in and asks for one page after the other."""

import http.client
import time
from dataclasses import dataclass, field

from benchmarks.processes import say
from benchmarks.stack import HOST


@dataclass
class Times:
    """What the answers took, from the first byte asked to the last one got."""

    ms: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    refused: int = 0


class Person:
    """One connection that is kept open, as a browser's is; each answer is read whole."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.headers = port, {"Cookie": f"sessionid={cookie}"}
        self.connection = http.client.HTTPConnection(HOST, port, timeout=120)

    def ask(self, paths: list[str], warm_up: int) -> Times:
        """Ask for each path; the first ones are not counted."""
        times = Times()
        for number, path in enumerate(paths):
            began = time.perf_counter()
            status, length = self._get(path)
            took_ms = 1000 * (time.perf_counter() - began)
            if status != http.client.OK:
                times.refused += 1
                say(f"  {status} for {path}")
            elif number >= warm_up:
                times.ms.append(took_ms)
                times.lengths.append(length)
        return times

    def _get(self, path: str) -> tuple[int, int]:
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        return answer.status, len(answer.read())

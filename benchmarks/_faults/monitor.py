"""What each process does to Redis, as Redis itself tells it (MONITOR).

A stamp is an EVAL; what it wrote follows it as lines of "lua": so what the script refused can be
told from what it took, whatever its caller believes. Clients are told apart by their port.
"""

import contextlib
import re
import socket
import threading
from dataclasses import dataclass

import psutil

LINE = re.compile(r'^\+?(\d+\.\d+) \[\d+ (lua|[0-9.]+:(\d+))\] "(\w+)"(.*)')
WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
WRITES = {"HSET", "HDEL", "INCR", "ZADD"}
STAMP_KEY = '"live:fences"'
FRAGMENTS = ":fragments"
GROUP = "live.team-"


@dataclass(slots=True)
class Call:
    """An EVAL on the live state, or a PUBLISH to viewers; `fences` are those that it set."""

    at: float
    port: int
    kind: str
    writes: int = 0
    fragments: int = 0
    fences: tuple[tuple[int, int], ...] = ()


class Reader:
    """The lines of MONITOR, in; the calls that matter here, out."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._current: Call | None = None

    def take(self, line: str) -> None:
        """Take in one line."""
        found = LINE.match(line)
        if found is None:
            return
        at, client, port, command, rest = found.groups()
        command = command.upper()
        if client == "lua":
            self._take_write(command, rest)
            return
        self._current = None
        if command in ("EVAL", "EVALSHA") and STAMP_KEY in rest:
            self._current = Call(float(at), int(port), "stamp")
            self.calls.append(self._current)
        elif command == "PUBLISH" and GROUP in rest:
            self.calls.append(Call(float(at), int(port), "publish"))

    def _take_write(self, command: str, rest: str) -> None:
        call = self._current
        if call is None or command not in WRITES:
            return
        call.writes += 1
        key, *values = WORD.findall(rest)
        call.fragments += key.endswith(FRAGMENTS)
        if command == "HSET" and key == "live:fences":
            call.fences += ((int(values[0]), int(values[1])),)


class Monitor:
    """Reads MONITOR in a thread of its own, also across restarts of Redis."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader = Reader()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()
        self._thread.join(5)

    def calls(self, ports: set[int], since: float) -> list[Call]:
        """Return what came from these ports since then."""
        return [c for c in list(self.reader.calls) if c.at >= since and c.port in ports]

    def first_stamp_at(self, fences: dict[int, int], since: float) -> float | None:
        """Return when the last of the servers was first shown under a fence beyond these."""
        first: dict[int, float] = {}
        for call in list(self.reader.calls):
            # A stamp without a fragment shows nothing: it announces the fence.
            for server_id, fence in call.fences if call.at >= since and call.fragments else ():
                if fence > fences.get(server_id, 0):
                    first.setdefault(server_id, call.at)
        return max(first.values()) if first.keys() >= fences.keys() else None

    def _run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                self._read()
            self._ended.wait(0.1)

    def _read(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as sock:
            sock.sendall(b"MONITOR\r\n")
            rest = b""
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    received = sock.recv(1 << 18)
                    if not received:
                        return
                    *lines, rest = (rest + received).split(b"\n")
                    for line in lines:
                        self.reader.take(line.decode("latin-1"))


class Ports:
    """The ports from which a process talked to Redis, gathered while it may open others."""

    def __init__(self, pid: int, redis_port: int) -> None:
        self._process, self._redis_port = psutil.Process(pid), redis_port
        self.seen: set[int] = set()

    def look(self) -> set[int]:
        """Note the connections that it has now; return all ever seen."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.seen |= {
                connection.laddr.port
                for connection in self._process.net_connections("tcp4")
                if connection.raddr and connection.raddr.port == self._redis_port
            }
        return self.seen

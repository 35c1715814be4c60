"""Processes of a benchmark: started, told about, measured by the operating system, ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def say(text: str) -> None:
    """Tell a person how far it is; figures alone go to stdout."""
    print(text, file=sys.stderr, flush=True)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether somebody takes connections on the port."""
    with socket.socket() as sock:
        return sock.connect_ex((host, port)) == 0


def until(condition: Callable[[], T], what: str, limit_s: float = 60, every_s: float = 0.05) -> T:
    """Return condition()'s first true value; raises TimeoutError naming `what` beyond limit_s."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(every_s)
    raise TimeoutError(f"{what} did not come within {limit_s:g} s")


class Process:
    """A command in a process of its own; its output goes to a file."""

    def __init__(self, name: str, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SCENEWATCH_")}
        with self.log.open("a") as out:
            self.popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**inherited, "PYTHONUNBUFFERED": "1", **env},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.pid = self.popen.pid
        self._psutil = psutil.Process(self.pid)
        say(f"started {name}: process {self.pid}")

    @property
    def output(self) -> str:
        """Return all that it printed so far."""
        return self.log.read_text("utf-8", "replace")

    def said(self, text: str, limit_s: float = 60) -> None:
        """Wait until it printed text; raises TimeoutError with its last words otherwise."""
        try:
            until(lambda: text in self.output or self.popen.poll() is not None, repr(text), limit_s)
        except TimeoutError as error:
            raise TimeoutError(f"{self.name}: {error}\n{self.output[-2000:]}") from None
        if text not in self.output:
            raise RuntimeError(f"{self.name} ended: {self.output[-2000:]}")

    def cpu_s(self) -> float:
        """Return the CPU seconds, user and system, that it and its children have used."""
        times = self._psutil.cpu_times()
        children = self._psutil.children(recursive=True)
        living = sum(sum(child.cpu_times()[:2]) for child in children)
        return (
            float(times.user + times.system + times.children_user + times.children_system) + living
        )

    def rss_bytes(self) -> int:
        """Return the resident memory of it and its children, in bytes."""
        family = [self._psutil, *self._psutil.children(recursive=True)]
        return sum(process.memory_info().rss for process in family)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        say(f"{number.name} to {self.name}: process {self.pid}")
        self.popen.send_signal(number)

    def kill(self) -> None:
        """End it as kill -9 does, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self, limit_s: float = 10) -> None:
        """End it as a person would; after limit_s as kill -9 does."""
        if self.popen.poll() is not None:
            return
        self.popen.send_signal(signal.SIGCONT)
        self.popen.terminate()
        try:
            self.popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()

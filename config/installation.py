"""Install a lock with pip, and show how far it is.

Standard library only. What is printed names no package index and no host; pip's own output does.
"""

import importlib.util
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from config.pip_failures import Failed, explain

# Settings of the person or the machine that would send packages elsewhere or change what we read.
_PIP_SETTINGS = {
    "PIP_USER": "0",
    "PIP_NO_INPUT": "1",
    "PIP_NO_COLOR": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_QUIET": "0",
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
}
_PIP_UNSET = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_BINARY", "PIP_LOG", "PIP_REPORT")


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal; the command's own output stays clean."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def install(lock: Path, folder: Path) -> None:
    """Install the lock into this interpreter's environment (folder); raises Failed."""
    say(f"Installing the packages of {lock.name} into {folder}; this takes about a minute.")
    started = time.monotonic()
    command = [*_pip(), "install", "--require-hashes", "--only-binary", ":all:"]
    command += ["--no-warn-script-location", "-r", str(lock)]
    output, code = _run(command, Progress(len(pinned(lock.read_text("utf-8")))))
    if code:
        raise explain(output)
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def pinned(lock: str) -> list[tuple[str, str]]:
    """Return names and versions that a lock pins; a name twice where platforms differ."""
    return re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE)


def _pip() -> list[str]:
    """Return the command of a pip that installs into this interpreter's environment."""
    own = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip"):
        return own
    base = getattr(sys, "_base_executable", sys.executable)
    if _works([base, "-c", "import pip"]):
        return [base, "-m", "pip", "--python", sys.executable]
    if _works([sys.executable, "-m", "ensurepip", "--default-pip"]):
        return own
    raise Failed(
        f"This Python has no pip to install packages with ({base}).",
        "Install one (Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip;\n"
        "elsewhere: python3 -m ensurepip), then start again.",
    )


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _PIP_UNSET}
    return kept | _PIP_SETTINGS


def _run(command: list[str], progress: "Progress") -> tuple[str, int]:
    """Run pip, tell progress each of its lines and each second; return its output and exit code."""
    with _terminable():
        pip = subprocess.Popen(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        assert pip.stdout is not None
        lines: list[str] = []
        try:
            for line in _lines(pip.stdout):
                progress.show(line)
                lines.append(line or "")
            return "".join(lines), pip.wait()
        finally:
            progress.close()
            if pip.poll() is None:
                pip.terminate()
                pip.wait()


def _lines(stream: IO[str]) -> Iterator[str | None]:
    """Yield the lines of a stream, and None after each second without one."""
    arrived: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in stream:
            arrived.put(line)
        arrived.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = arrived.get(timeout=1)
        except queue.Empty:
            yield None
            continue
        if not line:
            return
        yield line


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the work like Ctrl-C, so that pip does not go on alone."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Progress:
    """How far pip is, on one line that is written over; without a terminal, a line now and then."""

    def __init__(
        self,
        total: int,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str, str], None] = say,
        overwrites: bool | None = None,
    ) -> None:
        self._total = total
        self._clock = clock
        self._write = write
        self._overwrites = sys.stderr.isatty() if overwrites is None else overwrites
        self._started = clock()
        self._fetched = 0
        self._step = "  asking the package index"
        self._width = 0

    def show(self, line: str | None) -> None:
        """Take in a line of pip's output, or None for a second without one."""
        known = self._step
        self._read(line or "")
        if self._overwrites:
            text = f"{self._step} … {self._clock() - self._started:.0f} s"
            self._write("\r" + text.ljust(self._width), "")
            self._width = len(text)
        elif self._step != known and (self._fetched % 10 == 0 or "fetching" not in self._step):
            self._write(f"{self._step} … {self._clock() - self._started:.0f} s", "\n")

    def close(self) -> None:
        """End the line that was written over."""
        if self._width:
            self._write("", "\n")

    def _read(self, line: str) -> None:
        # "Processing" is a wheel out of a folder.
        if match := re.match(r"Collecting ([\w.-]+)|Processing .*?(\w+)-[^/\\]*\.whl", line):
            self._fetched += 1
            name = match[1] or match[2]
            self._step = f"  fetching {self._fetched} of {self._total}: {name}"
        elif re.match(r"Ignoring [\w.-]+: markers|Requirement already satisfied", line):
            self._total -= 1
        elif line.startswith("Installing collected packages"):
            self._step = f"  unpacking {self._total} packages"
        elif "Retrying (" in line:
            self._step = "  no answer from the package index; trying again"

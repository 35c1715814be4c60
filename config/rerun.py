"""Run a command line again under another interpreter, as if it were this process.

By a child and not by exec: on Windows exec returns to the shell at once. Standard library only.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


def run_again(python: Path, argv: list[str]) -> int:
    """Run argv with python, pass signals on, wait, and return the exit code for this process."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif not _reached_by_terminal(number):
            child.send_signal(number)

    for name in _FORWARDED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), forward)
    child = subprocess.Popen([str(python), *argv])
    for number in early:
        child.send_signal(number)
    code = child.wait()
    return 128 - code if code < 0 else code


def _reached_by_terminal(number: int) -> bool:
    """Return whether the terminal has sent the signal to the child too, our group being in front.

    A second Ctrl-C means "at once" to Celery and others, so one must not become two.
    """
    if sys.platform == "win32":
        return True  # the console tells every process that is attached to it
    if number not in (signal.SIGINT, signal.SIGQUIT):
        return False
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

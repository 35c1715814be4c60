"""A lock on a file that the system gives back when its process ends, however it ends.

Standard library only: `bootstrap` runs before anything is installed.
"""

import os
import sys
from pathlib import Path
from typing import IO

# Windows forbids reading a locked range, so one byte far behind the text is locked there.
_FAR = 1 << 30


class Held(Exception):
    """Another process holds the lock; `said` is what it wrote into the file."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def hold(path: Path, says: str) -> IO[str]:
    """Lock path, write into it who holds it, and return the file; closing it gives the lock back.

    Raises Held where another process was first, OSError where the file cannot be written.
    """
    file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  open for as long as it is held
    try:
        _lock(file)
    except OSError as error:
        file.seek(0)
        said = file.read(1000).strip()
        file.close()
        if isinstance(error, BlockingIOError | PermissionError):
            raise Held(said) from None
        raise
    file.seek(0)
    file.truncate()
    file.write(says)
    file.flush()
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

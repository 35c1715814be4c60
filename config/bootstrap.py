"""Get the locked packages where they are missing, then run the command with them.

Standard library only: manage.py calls `ensure_packages` before anything is installed.

An interpreter that has the packages is used as it is. Any other one makes an environment of our own
beside manage.py (`.venv`, or the folder that SCENEWATCH_VENV names) and runs the command again
inside; there the lock is installed. An activated environment without Django gets the lock too; one
that has Django already belongs to its owner and is never changed.

What is ours carries a stamp: a file with the digests of the locks that were installed to the end.
So a changed lock, or an installation that was cut short, is put right on the next start.
"""

import errno
import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from config import filelock
from config.installation import install, say
from config.pip_failures import Failed
from config.rerun import run_again

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "SCENEWATCH_VENV"
_MADE = "made"


@dataclass(frozen=True)
class Lock:
    """A file of pinned packages, and top-level modules that are there once it is installed."""

    path: Path
    modules: tuple[str, ...]
    covers: tuple["Lock", ...] = ()

    def missing(self) -> bool:
        """Return whether this interpreter lacks one of the modules; imports nothing."""
        return any(importlib.util.find_spec(name) is None for name in self.modules)

    def digest(self) -> str:
        """Return what the stamp of an environment holds once this lock is installed there."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


RUNTIME = Lock(ROOT / "requirements.lock", ("django", "channels", "celery", "daphne"))
DEV = Lock(
    ROOT / "requirements-dev.lock",
    (*RUNTIME.modules, "pytest", "pytest_django"),
    covers=(RUNTIME,),
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment; ours if it carries the stamp."""

    folder: Path

    @property
    def python(self) -> Path:
        """Return the path of its interpreter."""
        inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
        return self.folder.joinpath(*inside)

    @property
    def stamp(self) -> Path:
        """Return the path of the file that tells what we installed."""
        return self.folder / "scenewatch-packages"

    def stamped(self) -> list[str] | None:
        """Return the lines of the stamp, or None where there is none: somebody else's."""
        try:
            return self.stamp.read_text("ascii").split()
        except FileNotFoundError:
            return None

    def mark(self, *lines: str) -> None:
        """Write the stamp anew."""
        self.stamp.write_text("\n".join(lines) + "\n", "ascii")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only process that changes this environment; wait for another one to finish."""
        path = self.folder / "scenewatch-lock"
        waits = False
        while True:
            try:
                file = filelock.hold(path, f"process {os.getpid()}")
                break
            except filelock.Held as held:
                if not waits:
                    say(f"Another start is installing the packages ({held.said}); waiting for it.")
                waits = True
                time.sleep(0.5)
        with file:
            yield


def ensure_packages(argv: list[str]) -> None:
    """Return once this interpreter has the packages that the command needs, or run it elsewhere."""
    lock = DEV if argv[1:2] == ["test"] else RUNTIME
    try:
        if sys.prefix != sys.base_prefix:
            _ensure_here(Environment(Path(sys.prefix)), lock)
        elif lock.missing():
            environment = Environment(_folder())
            _ensure_made(environment)
            sys.exit(run_again(environment.python, argv))
    except Failed as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(str(_unusable(error)))
    except KeyboardInterrupt:
        say("Stopped. The next start goes on from here.")
        sys.exit(130)


def _folder() -> Path:
    return Path(os.environ.get(VARIABLE) or ROOT / ".venv").expanduser().absolute()


def _ensure_here(environment: Environment, lock: Lock) -> None:
    """Install the lock into the environment that runs us, if that is ours to do and needed."""
    stamped = environment.stamped()
    if stamped is None and not lock.missing():
        return
    if stamped is None and not RUNTIME.missing():
        _refuse_to_change(environment, lock)
    if stamped is not None and lock.digest() in stamped and not lock.missing():
        return
    with environment.changing():
        _install_here(environment, lock, ours=stamped is not None and _MADE in stamped)


def _install_here(environment: Environment, lock: Lock, *, ours: bool) -> None:
    """Install the lock; the caller holds the environment.

    An environment that its owner made has the stamp only meanwhile: afterwards it is theirs again.
    """
    stamped = environment.stamped()
    importlib.invalidate_caches()
    if not lock.missing() and (stamped is None or lock.digest() in stamped):
        return  # the process that we waited for has installed it
    environment.mark(*[_MADE] * ours)
    install(lock.path, environment.folder)
    if ours:
        environment.mark(_MADE, lock.digest(), *(covered.digest() for covered in lock.covers))
    else:
        environment.stamp.unlink()
    importlib.invalidate_caches()


def _refuse_to_change(environment: Environment, lock: Lock) -> NoReturn:
    raise Failed(
        f"The environment {environment.folder} has Django, but not all that this command needs,"
        " and Scenewatch does not change an environment that it did not make.",
        f"Install the rest yourself: python -m pip install -r {lock.path.name}\n"
        "Or leave the environment (deactivate) and start again: Scenewatch then makes its own.",
    )


def _ensure_made(environment: Environment) -> None:
    """Make the environment unless it is there; Failed where a folder is something else."""
    folder = environment.folder
    stamped = environment.stamped()
    if stamped is not None and _MADE in stamped and environment.python.exists():
        return
    if stamped is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if (folder / "pyvenv.cfg").exists() and environment.python.exists():
            return
        raise Failed(
            f"{folder} is there, but it is no environment that works.",
            f"Remove it, or let {VARIABLE} name another folder, and start again.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with environment.changing():
        if _MADE not in (environment.stamped() or []) or not environment.python.exists():
            _make(environment)


def _make(environment: Environment) -> None:
    """Make the environment anew, without pip: Debian leaves out what would bring it."""
    say(f"Scenewatch's packages are not installed here. Making {environment.folder} for them;")
    say("nothing outside it is changed.")
    environment.mark()
    _empty(environment)
    command = [sys.executable, "-m", "venv", "--without-pip", str(environment.folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failed(
            f"{environment.folder} could not be made: {result.stderr.strip()[-300:]}",
            "Repair this Python (Debian, Ubuntu: apt install python3-venv), or use another one.",
        )
    environment.mark(_MADE)


def _empty(environment: Environment) -> None:
    """Remove what an environment that broke has left, except our own two files."""
    for path in environment.folder.iterdir():
        if path.name.startswith("scenewatch-"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _unusable(error: OSError) -> Failed:
    """Return the words for an environment folder that cannot be written."""
    where = error.filename or "the folder of Scenewatch"
    elsewhere = f"let {VARIABLE} name a folder that you may write to, and start again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failed(
            f"The disk is full: {where} could not be written.",
            f"Free about 500 MB there, or {elsewhere}",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Failed(
            f"{where} cannot be written: this folder is read-only for you.",
            f"Copy Scenewatch into a folder of yours, or {elsewhere}",
        )
    return Failed(f"{where}: {error.strerror or error}.", f"Repair that, or {elsewhere}")

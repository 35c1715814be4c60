"""The site's secret key: from the environment, else a file of the data folder made at first use."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def secret_key(given: str, data_dir: Path, *, keep: bool) -> str:
    """Return the given key, else the one in data_dir/secret.key (0600), made if it is missing.

    With keep false (tests), a fresh key is returned and nothing is written. A folder that cannot be
    written gives a key for this process only: `serve` refuses such a folder in words of its own.
    Raises ImproperlyConfigured where there is a file that cannot be read.
    """
    if given:
        return given
    path = data_dir / "secret.key"
    kept = _read(path)
    if kept:
        return kept
    key = secrets.token_urlsafe(50)
    if keep:
        _write(path, key)
    # Another process may have been first: its key is the one on disk.
    return (_read(path) if keep else "") or key


def _read(path: Path) -> str:
    """Return the key in the file, "" where there is none; nobody else may read it from then on."""
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            with suppress(OSError):
                path.chmod(0o600)
        return path.read_text("ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read ({error}). It holds the key of the servers' secrets: give who "
            "runs Scenewatch the right to read it, or remove it and enter those secrets again."
        ) from error


def _write(path: Path, key: str) -> None:
    """Put the key in place whole: a process that is killed meanwhile must not leave half of it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key)
        _put(fresh, path)


def _put(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except OSError:
        # There is one: another process was first. Or it is an empty one, or links are not known.
        if not _read(path):
            fresh.replace(path)
    fresh.unlink(missing_ok=True)

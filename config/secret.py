"""The site's secret key: from the environment, else a file of the data folder made at first use."""

import os
import secrets
from pathlib import Path


def secret_key(given: str, data_dir: Path, *, keep: bool) -> str:
    """Return the given key, else the one in data_dir/secret.key (0600), made if it is missing.

    With keep false (tests), a fresh key is returned and nothing is written. A folder that cannot be
    written gives a key for this process only: `serve` refuses such a folder in words of its own.
    """
    if given:
        return given
    path = data_dir / "secret.key"
    if path.exists():
        return path.read_text("ascii").strip()
    key = secrets.token_urlsafe(50)
    if keep:
        _write(path, key)
    # Another process may have been first: its key is the one on disk.
    return path.read_text("ascii").strip() if keep and path.exists() else key


def _write(path: Path, key: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key)

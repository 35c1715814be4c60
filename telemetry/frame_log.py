"""Our own sockets' frames on disk, in the form of the captures.

For bug reports, and to prove what a stock server tells an observer. Off unless
SCENEWATCH_FRAMES_DIR names a folder.
"""

import json
from pathlib import Path
from typing import TextIO

from django.conf import settings

from telemetry.clock import now


class FrameLog:
    """One server's frames as JSON Lines; does nothing where no folder is set."""

    def __init__(self, server_id: int) -> None:
        self._file: TextIO | None = None
        if settings.FRAMES_DIR:
            folder = Path(settings.FRAMES_DIR)
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"server-{server_id}.jsonl").open("a", encoding="utf-8")

    def write(self, frame: str | bytes) -> None:
        """Append one frame; of a binary frame only its length."""
        if self._file is None:
            return
        kind = "text" if isinstance(frame, str) else "binary"
        data = _parsed(frame) if isinstance(frame, str) else {"binary_len": len(frame)}
        line = {"t": now().timestamp(), "source": "ws:scenewatch", "kind": kind, "data": data}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _parsed(frame: str) -> object:
    try:
        return json.loads(frame)
    except (ValueError, RecursionError):
        return {"unreadable": frame[:1000]}

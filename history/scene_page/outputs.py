"""The files that came of an attempt, as they are listed. Pure.

They lie on the server that made them; nothing of them is kept here (history/scene_page/files.py).
"""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from history.models import Attempt
from history.scene_page.reading import Read
from history.words import Origin
from telemetry.models import Server
from telemetry.text import plural
from telemetry.words import Status

# So many pictures are asked from a server at once; the others are listed.
PREVIEWS = 12
KINDS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp"), "picture"),
    **dict.fromkeys((".mp4", ".webm", ".mov", ".m4v", ".ogv"), "video"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A file; `number` is its place among those on record, `kind` "" where it cannot be shown."""

    number: int
    name: str
    place: str
    node: str
    kind: str


@dataclass(frozen=True, slots=True)
class OutputList:
    """The files of an attempt; `away` says why none can be shown, `previews` are those that can."""

    attempt: int | None = None
    server: str = ""
    said: str = ""
    away: str = ""
    files: list[Listed] = field(default_factory=list)
    previews: list[Listed] = field(default_factory=list)


def outputs_of(read: Read) -> OutputList:
    """Return the files of the attempt that is looked at."""
    attempt, told = read.shown, read.outputs
    if attempt is None or told is None or not told.files:
        return OutputList(away=_why_none(attempt))
    files = [_listed(number, file) for number, file in enumerate(told.files)]
    away = not_asked(attempt.server)
    return OutputList(
        attempt.pk,
        attempt.server.name if attempt.server else "",
        plural(told.count, "file"),
        away,
        files,
        [] if away else [file for file in files if file.kind][:PREVIEWS],
    )


def _listed(number: int, file: list[str]) -> Listed:
    node, place, folder, name = file
    kind = KINDS.get(PurePosixPath(name.lower()).suffix, "")
    return Listed(number, f"{folder}/{name}" if folder else name, place, node, kind)


def not_asked(server: Server | None) -> str:
    """Return why a server is not asked for files, "" where it is."""
    if server is None:
        return "Nobody knows on which server they lie."
    if server.deleted_at is not None:
        return f"{server.name} was deleted: it is not asked any more."
    if server.paused_at is not None or not server.enabled:
        return f"{server.name} is disconnected: it is not asked until somebody connects it."
    return ""


def _why_none(attempt: Attempt | None) -> str:
    if attempt is None:
        return "There is no attempt that could have left any."
    if attempt.status != Status.ENDED:
        return "Files are listed here once it has ended."
    if attempt.origin == Origin.FILE:
        return "Only a file told of this attempt: which files it left is not on record."
    return "No file of it is on record: it left none, or ended before they were recorded."

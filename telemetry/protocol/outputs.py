"""The files that a prompt left on its server, as ComfyUI's history names them.

Names alone: no file is asked for here. One that could not be asked for later under its very name is
counted and not kept.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from telemetry.protocol.wire import LARGEST_TEXT_BYTES, NODES_LIMIT, Unreadable, read

# A video of single frames has hundreds; its page shows no more.
FILES_LIMIT = 64
LONGEST = 255
PLACES = ("output", "temp", "input")


class OutputFile(msgspec.Struct, frozen=True):
    """A file: the node that wrote it, the place and folder it lies in, and its name."""

    node: str
    place: str
    folder: str
    name: str


class Outputs(msgspec.Struct, frozen=True):
    """The first files of a prompt, and how many there are in all."""

    files: tuple[OutputFile, ...] = ()
    count: int = 0


@dataclass(slots=True)
class Room:
    """How many bytes of outputs are still read of one answer.

    All servers are read in one thread: 64 MiB of small objects would hold it up for seconds.
    """

    left_bytes: int = LARGEST_TEXT_BYTES

    def takes(self, size_bytes: int) -> bool:
        """Say whether so much still fits, and count it."""
        self.left_bytes -= size_bytes
        return self.left_bytes >= 0


class _File(msgspec.Struct):
    filename: str
    subfolder: str = ""
    type: str = "output"


def read_outputs(raw: msgspec.Raw, room: Room) -> Outputs | None:
    """Return the files of an entry's outputs; None where it tells none that can be read."""
    if not room.takes(memoryview(raw).nbytes):
        return None
    try:
        nodes = read(raw, dict[str, Any])
    except Unreadable:
        return None
    files: list[OutputFile] = []
    count = 0
    for node, told in list(nodes.items())[:NODES_LIMIT]:
        for one in _files(told):
            count += 1
            if len(files) < FILES_LIMIT and _is_usable(node, one):
                files.append(OutputFile(node, one.type, one.subfolder, one.filename))
    return Outputs(tuple(files), count)


def _files(told: Any) -> list[_File]:
    """Return what a node lists under whatever word: images, gifs, video, audio."""
    lists = [told[word] for word in told] if isinstance(told, dict) else []
    listed = [one for some in lists if isinstance(some, list) for one in some]
    return [file for one in listed if (file := _file(one)) is not None]


def _file(told: Any) -> _File | None:
    try:
        return msgspec.convert(told, _File)
    except (msgspec.ValidationError, RecursionError):
        return None


def _is_usable(node: str, one: _File) -> bool:
    texts = (node, one.subfolder, one.filename)
    # The replacement character: it was another name.
    told = all(len(t) <= LONGEST and t.isprintable() and "\ufffd" not in t for t in texts)
    return told and one.filename != "" and one.type in PLACES

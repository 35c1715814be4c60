"""Frames of ComfyUI's /ws: every event of its tables as a typed struct (0.3.64 to 0.33).

Fields that ComfyUI adds later are ignored.
"""

import struct
from typing import Annotated, Any, TypeAlias

import msgspec

from telemetry.protocol.wire import (
    LARGEST_TEXT_BYTES,
    NODES_LIMIT,
    Amount,
    Count,
    Id,
    Millis,
    Unreadable,
    clean,
    read,
)

MESSAGE_LIMIT = 4_000
TRACEBACK_LIMIT = 20_000
BLOCKED = "ExecutionBlocked"


class ExecInfo(msgspec.Struct, frozen=True):
    """The number of prompts pending plus running."""

    queue_remaining: Count


class StatusBody(msgspec.Struct, frozen=True):
    """The inner object of a status frame."""

    exec_info: ExecInfo


class Status(msgspec.Struct, frozen=True):
    """Sent to everybody, three times a prompt; the first after connecting carries the sid."""

    status: StatusBody
    sid: str | None = None

    @property
    def queue_remaining(self) -> int:
        """Return the number of prompts pending plus running."""
        return self.status.exec_info.queue_remaining


class ExecutionStart(msgspec.Struct, frozen=True):
    """A prompt began to execute; `timestamp` in ms of the server's clock."""

    prompt_id: Id
    timestamp: Millis | None = None


class ExecutionCached(msgspec.Struct, frozen=True):
    """The nodes whose outputs come from the cache; sent even where there are none."""

    prompt_id: Id
    nodes: Annotated[list[Id], msgspec.Meta(max_length=NODES_LIMIT)] = []
    timestamp: Millis | None = None


class Executing(msgspec.Struct, frozen=True):
    """A node begins; node None is the end of the prompt. Without prompt_id after a reconnect."""

    node: Id | None = None
    display_node: Id | None = None
    prompt_id: Id | None = None


class Progress(msgspec.Struct, frozen=True):
    """The steps of one node, at most ten a second."""

    value: Amount
    max: Amount
    prompt_id: Id | None = None
    node: Id | None = None


class NodeProgress(msgspec.Struct, frozen=True):
    """One node within progress_state; a failing node stays `running`."""

    value: Amount
    max: Amount
    state: str
    node_id: Id
    display_node_id: Id | None = None
    parent_node_id: Id | None = None
    real_node_id: Id | None = None


class ProgressState(msgspec.Struct, frozen=True):
    """All nodes that are not pending, every time."""

    prompt_id: Id
    nodes: Annotated[dict[Id, NodeProgress], msgspec.Meta(max_length=NODES_LIMIT)]


class Executed(msgspec.Struct, frozen=True):
    """A node with outputs for the page is done; the outputs themselves are not read."""

    prompt_id: Id
    node: Id
    display_node: Id | None = None


class ExecutionSuccess(msgspec.Struct, frozen=True):
    """A prompt ended well."""

    prompt_id: Id
    timestamp: Millis | None = None


class ExecutionError(msgspec.Struct, frozen=True):
    """A prompt failed; with exception_type ExecutionBlocked it did not, and goes on."""

    prompt_id: Id
    node_id: Id | None = None
    node_type: Id | None = None
    exception_message: str = ""
    exception_type: str = ""
    traceback: list[str] = []
    timestamp: Millis | None = None

    @property
    def is_end(self) -> bool:
        """Say whether the prompt ended with this."""
        return self.exception_type != BLOCKED

    @property
    def message(self) -> str:
        """Return the exception's message for people."""
        return clean(self.exception_message.strip(), MESSAGE_LIMIT)

    @property
    def trace(self) -> str:
        """Return the traceback as one text."""
        return clean("".join(self.traceback[:400]), TRACEBACK_LIMIT)


class ExecutionInterrupted(msgspec.Struct, frozen=True):
    """A prompt was interrupted; the node is the one that noticed."""

    prompt_id: Id
    node_id: Id | None = None
    node_type: Id | None = None
    timestamp: Millis | None = None


class FeatureFlags(msgspec.Struct, frozen=True):
    """The server's answer to our flags."""

    flags: dict[str, Any]


class LogEntry(msgspec.Struct, frozen=True):
    """One write to ComfyUI's log: `t` is the server's local time without zone."""

    m: str
    t: str = ""


class Logs(msgspec.Struct, frozen=True):
    """What was written since the last flush, for subscribers."""

    entries: list[LogEntry]


class AssetSeed(msgspec.Struct, frozen=True):
    """The asset scanner's progress (--enable-assets); `step` is the last word of its type."""

    step: str = ""
    phase: str | None = None
    message: str | None = None


class Preview(msgspec.Struct, frozen=True):
    """A preview image arrived; the image is not kept."""

    size_bytes: int
    prompt_id: str | None = None
    node_id: str | None = None


class NodeText(msgspec.Struct, frozen=True):
    """A text that a node shows; without prompt id."""

    node_id: str
    text: str


class Unknown(msgspec.Struct, frozen=True):
    """A type that we do not follow: extensions add their own. Not an error."""

    type: str


class Malformed(msgspec.Struct, frozen=True):
    """A frame or answer that cannot be used; nothing else of the state changes."""

    where: str
    reason: str


Event: TypeAlias = (
    Status
    | ExecutionStart
    | ExecutionCached
    | Executing
    | Progress
    | ProgressState
    | Executed
    | ExecutionSuccess
    | ExecutionError
    | ExecutionInterrupted
    | FeatureFlags
    | Logs
    | AssetSeed
    | Preview
    | NodeText
    | Unknown
    | Malformed
)

TYPES: dict[str, type[Any]] = {
    "status": Status,
    "execution_start": ExecutionStart,
    "execution_cached": ExecutionCached,
    "executing": Executing,
    "progress": Progress,
    "progress_state": ProgressState,
    "executed": Executed,
    "execution_success": ExecutionSuccess,
    "execution_error": ExecutionError,
    "execution_interrupted": ExecutionInterrupted,
    "logs": Logs,
}
ASSET_PREFIX = "assets.seed."


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


def decode(frame: str | bytes) -> Event:
    """Return the event that a frame of /ws carries; bytes are ComfyUI's binary frames.

    Never raises: a frame that cannot be used is `Malformed`, a type that we do not follow is
    `Unknown`.
    """
    try:
        return _binary(frame) if isinstance(frame, bytes) else _text(frame)
    except Unreadable as error:
        return Malformed("frame", str(error))


def _text(frame: str) -> Event:
    if len(frame) > LARGEST_TEXT_BYTES:
        raise Unreadable(f"a text of {len(frame)} characters; the limit is {LARGEST_TEXT_BYTES}")
    envelope = read(frame, _Envelope)
    known = TYPES.get(envelope.type)
    if known is not None:
        event: Event = read(envelope.data, known)
        return event
    if envelope.type == "feature_flags":
        return FeatureFlags(read(envelope.data, dict[str, Any]))
    if envelope.type.startswith(ASSET_PREFIX):
        seed = read(envelope.data, AssetSeed)
        return msgspec.structs.replace(seed, step=clean(envelope.type[len(ASSET_PREFIX) :], 40))
    return Unknown(clean(envelope.type, 80))


class _PreviewMetadata(msgspec.Struct, frozen=True):
    prompt_id: Id | None = None
    node_id: Id | None = None


def _binary(frame: bytes) -> Event:
    """Read a binary frame: a big-endian uint32 type, then what that type says."""
    if len(frame) < 8:
        raise Unreadable(f"binary frame of {len(frame)} bytes")
    kind, number = struct.unpack(">II", frame[:8])
    if kind == 1:
        return Preview(len(frame) - 8)
    if kind == 3:
        return NodeText(_decoded(frame[8 : 8 + number], 200), _decoded(frame[8 + number :], 2_000))
    if kind == 4:
        about = read(frame[8 : 8 + number], _PreviewMetadata)
        return Preview(max(0, len(frame) - 8 - number), about.prompt_id, about.node_id)
    return Unknown(f"binary {kind}")


def _decoded(data: bytes, limit: int) -> str:
    # Four bytes a character at most: no need to decode the rest of a huge frame.
    return clean(data[: limit * 4 + 4].decode("utf-8", "replace"), limit)

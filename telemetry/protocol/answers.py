"""HTTP answers of ComfyUI: /queue, /history, /api/jobs, /system_stats (0.3.64 to 0.33).

Each entry is read on its own: a poisoned one is counted in `malformed` and the rest is kept. Graphs
stay undecoded bytes (they can be megabytes, and arrive again with every poll).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from telemetry.protocol.frames import ExecutionError, ExecutionInterrupted
from telemetry.protocol.outputs import Outputs, Room, read_outputs
from telemetry.protocol.wire import Amount, Bytes, Id, Millis, Unreadable, clean, plain, read


class QueueItem(msgspec.Struct, frozen=True):
    """A prompt in the queue; `graph` and `extra_data` as raw JSON.

    `assigned` says that ComfyUI gave the number itself, counting up: a client's own is a float.
    """

    number: float
    prompt_id: str
    graph: bytes
    extra_data: bytes
    assigned: bool = True


class QueueAnswer(msgspec.Struct, frozen=True):
    """Who runs and who waits, the waiting in the order in which they will run."""

    running: tuple[QueueItem, ...]
    pending: tuple[QueueItem, ...]
    malformed: int = 0


class HistoryEntry(msgspec.Struct, frozen=True):
    """A prompt that ended. Times in ms of the server's clock, None where not told."""

    item: QueueItem
    status: str
    started_ms: float | None
    ended_ms: float | None
    cached: tuple[str, ...] | None
    error: ExecutionError | None = None
    interrupted: ExecutionInterrupted | None = None
    outputs: Outputs | None = None


class HistoryAnswer(msgspec.Struct, frozen=True):
    """Prompts that ended, oldest first."""

    entries: tuple[HistoryEntry, ...]
    malformed: int = 0


class Job(msgspec.Struct, frozen=True):
    """One line of /api/jobs."""

    id: Id
    status: str
    priority: Amount | None = None
    create_time: Millis | None = None
    execution_start_time: Millis | None = None
    execution_end_time: Millis | None = None


class JobsAnswer(msgspec.Struct, frozen=True):
    """Jobs, newest first; `total` counts those that the page left out too."""

    jobs: tuple[Job, ...]
    total: int | None
    malformed: int = 0


class Device(msgspec.Struct, frozen=True):
    """A device of /system_stats; on --cpu the index is None and VRAM is RAM."""

    name: str = ""
    type: str = ""
    index: int | None = None
    vram_total: Bytes | None = None
    vram_free: Bytes | None = None
    torch_vram_total: Bytes | None = None
    torch_vram_free: Bytes | None = None


class StatsAnswer(msgspec.Struct, frozen=True):
    """What a server runs on, and its memory now, in bytes."""

    comfyui_version: str | None
    python_version: str | None
    pytorch_version: str | None
    os: str | None
    ram_total: int | None
    ram_free: int | None
    argv: tuple[str, ...]
    devices: tuple[Device, ...]
    # ComfyUI's own packages, in the order in which it names them: name and version.
    packages: tuple[tuple[str, str], ...] = ()


class _Queue(msgspec.Struct):
    queue_running: list[msgspec.Raw]
    queue_pending: list[msgspec.Raw]


def read_queue(body: bytes) -> QueueAnswer:
    """Return the answer of GET /queue; raises Unreadable where it is none."""
    raw = read(body, _Queue)
    running, bad_running = _items(raw.queue_running)
    pending, bad_pending = _items(raw.queue_pending)
    # ComfyUI answers in heap order; it runs the lowest number first.
    pending.sort(key=lambda item: item.number)
    return QueueAnswer(tuple(running), tuple(pending), bad_running + bad_pending)


def _items(raw: list[msgspec.Raw]) -> tuple[list[QueueItem], int]:
    items = []
    for entry in raw:
        try:
            items.append(_item(entry))
        except Unreadable:
            continue
    return items, len(raw) - len(items)


def _item(raw: msgspec.Raw | bytes) -> QueueItem:
    parts = read(raw, list[msgspec.Raw])
    if len(parts) < 4:
        raise Unreadable(f"a queue item of {len(parts)} parts")
    return QueueItem(
        read(parts[0], Amount),
        read(parts[1], Id),
        bytes(parts[2]),
        bytes(parts[3]),
        assigned=bytes(parts[0]).lstrip(b"-").isdigit(),
    )


class _Status(msgspec.Struct):
    status_str: str = ""
    messages: list[msgspec.Raw] = []


class _Entry(msgspec.Struct):
    prompt: msgspec.Raw
    status: _Status | None = None
    outputs: msgspec.Raw = msgspec.Raw()


class _Timed(msgspec.Struct):
    timestamp: Millis | None = None
    nodes: list[Id] | None = None


def read_history(body: bytes) -> HistoryAnswer:
    """Return the answer of GET /history or /history/{id}; raises Unreadable where it is none."""
    raw = read(body, dict[str, msgspec.Raw])
    entries, malformed, room = [], 0, Room()
    for prompt_id, value in raw.items():
        try:
            entries.append(_entry(prompt_id, value, room))
        except Unreadable:
            malformed += 1
    return HistoryAnswer(tuple(entries), malformed)


def _entry(prompt_id: str, raw: msgspec.Raw, room: Room) -> HistoryEntry:
    entry = read(raw, _Entry)
    item = _item(entry.prompt)
    if item.prompt_id != prompt_id:
        raise Unreadable("the entry's key is not its prompt_id")
    status = entry.status or _Status()
    told = _messages(status.messages)
    end = next((told[name] for name in _ENDS if name in told), None)
    return HistoryEntry(
        item,
        clean(status.status_str, 40),
        *_times(told, end),
        cached=_cached(told),
        error=_as(told, "execution_error", ExecutionError),
        interrupted=_as(told, "execution_interrupted", ExecutionInterrupted),
        outputs=read_outputs(entry.outputs, room),
    )


_ENDS = ("execution_success", "execution_error", "execution_interrupted")


def _messages(raw: list[msgspec.Raw]) -> dict[str, msgspec.Raw]:
    told: dict[str, msgspec.Raw] = {}
    for message in raw[:100]:
        try:
            name, data = read(message, tuple[str, msgspec.Raw])
        except Unreadable:
            continue
        told[name] = data
    return told


def _times(
    told: dict[str, msgspec.Raw], end: msgspec.Raw | None
) -> tuple[float | None, float | None]:
    started = _as(told, "execution_start", _Timed)
    ended = _try(end, _Timed) if end is not None else None
    return started and started.timestamp, ended and ended.timestamp


def _cached(told: dict[str, msgspec.Raw]) -> tuple[str, ...] | None:
    cached = _as(told, "execution_cached", _Timed)
    return tuple(cached.nodes) if cached and cached.nodes is not None else None


def _as(told: dict[str, msgspec.Raw], name: str, kind: Any) -> Any:
    return _try(told[name], kind) if name in told else None


def _try(raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return read(raw, kind)
    except Unreadable:
        return None


class _Pagination(msgspec.Struct):
    total: int | None = None


class _Jobs(msgspec.Struct):
    jobs: list[msgspec.Raw]
    pagination: _Pagination | None = None


def read_jobs(body: bytes) -> JobsAnswer:
    """Return the answer of GET /api/jobs; raises Unreadable where it is none."""
    raw = read(body, _Jobs)
    jobs = [job for job in (_try(entry, Job) for entry in raw.jobs) if job is not None]
    total = raw.pagination.total if raw.pagination else None
    return JobsAnswer(tuple(jobs), total, len(raw.jobs) - len(jobs))


class _Stats(msgspec.Struct):
    system: dict[str, Any] = {}
    devices: list[msgspec.Raw] = []


def read_stats(body: bytes) -> StatsAnswer:
    """Return the answer of GET /system_stats; raises Unreadable where it is none."""
    raw = read(body, _Stats)
    devices = [_device(entry) for entry in raw.devices[:64]]
    argv = plain(raw.system.get("argv"), list) or []
    return StatsAnswer(
        comfyui_version=_word(raw.system, "comfyui_version", 40),
        python_version=_word(raw.system, "python_version", 120),
        pytorch_version=_word(raw.system, "pytorch_version", 60),
        os=_word(raw.system, "os", 40),
        ram_total=_amount(raw.system, "ram_total"),
        ram_free=_amount(raw.system, "ram_free"),
        argv=tuple(clean(word, 200) for word in argv[:100] if isinstance(word, str)),
        devices=tuple(device for device in devices if device is not None),
        packages=tuple(_packages(raw.system)),
    )


def _packages(system: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the packages that ComfyUI lists; of an older one that lists none, its frontend."""
    told = plain(system.get("comfy_package_versions"), list) or []
    for package in told[:50]:
        known = plain(package, dict) or {}
        name, version = plain(known.get("name"), str), plain(known.get("installed"), str)
        if name is not None:
            yield clean(name, 80), clean(version or "", 40)
    frontend = _word(system, "required_frontend_version", 40)
    if not told and frontend is not None:
        yield "comfyui-frontend-package", frontend


def _device(raw: msgspec.Raw) -> Device | None:
    device: Device | None = _try(raw, Device)
    if device is None:
        return None
    name, kind = clean(device.name, 200), clean(device.type, 20)
    index = device.index if device.index is not None and 0 <= device.index < 1000 else None
    return msgspec.structs.replace(device, name=name, type=kind, index=index)


def _word(system: dict[str, Any], key: str, limit: int) -> str | None:
    value = plain(system.get(key), str)
    return clean(value, limit) if value else None


def _amount(system: dict[str, Any], key: str) -> int | None:
    value = system.get(key)
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 60
    return value if usable else None

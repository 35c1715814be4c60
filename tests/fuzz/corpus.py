"""The captures of real servers as batches, and what captures on a CPU do not hold."""

import json
import struct
from collections.abc import Iterator
from typing import Any

from tests.fuzz.batch import Message, packed
from tests.telemetry.traces import TRACES, Record, load

TOGETHER = 6
# Larger ones only cost time: their shapes are those of the smaller ones.
LARGEST_MESSAGE = 6_000

LOG_TEXTS = [
    "got prompt\n",
    "Prompt executed in 2.00 seconds\n",
    "Prompt executed in 0:12:07\n",
    "\r 40%|████      | 8/20 [00:04<00:06,  1.82it/s]\r 45%|████▌ | 9/20 [00:05<00:06, 1.2s/it]",
    "Sampling: 3it [00:01,  2.50it/s]",
    "!!! Exception during processing !!! CUDA out of memory. Tried to allocate 2.00 GiB\n",
    "Processing interrupted\n",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total"
    " capacity of 23.64 GiB of which 1.00 MiB is free.\n",
    "Got an OOM, unloading all loaded models\nCurrently allocated     : 22.10 GiB\n"
    "Requested               : 1.50 GiB\nDevice limit            : 23.64 GiB\n",
    "Requested to load SDXL\nloaded completely; 9 GB usable, 4897.05 MB loaded, full load: True\n",
    "loaded partially 5896.8 5896.79 0\nUnloaded partially: 1024.00 MB freed\n2 models unloaded.\n",
    "\x1b[33m[WARNING] Processing interrupted\x1b[0m\n",
]
DATES = ["Fri, 20 Nov 2026 14:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970"]
STATS = {
    "system": {"os": "linux", "ram_total": 1 << 36, "ram_free": 1 << 35, "argv": ["main.py"]},
    "devices": [
        {
            "name": "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync",
            "type": "cuda",
            "index": 0,
            "vram_total": 25_386_352_640,
            "vram_free": 1_048_576,
            "torch_vram_total": 1 << 34,
            "torch_vram_free": 1 << 20,
        }
    ],
}


def batches() -> list[bytes]:
    """Return the corpus: each capture in pieces, and the rest."""
    found = []
    for name in TRACES:
        messages = [m for m in _messages(load(name)) if len(m.payload) <= LARGEST_MESSAGE]
        for start in range(0, len(messages), TOGETHER):
            found.append(packed(messages[start : start + TOGETHER]))
    return found + _crafted()


def _messages(trace: list[Record]) -> Iterator[Message]:
    for record in trace:
        if record.kind == "text":
            yield Message(ord("T"), _json(record.data))
        elif record.kind == "response" and isinstance(record.data["body"], dict):
            kind = _kind(record.data["path"])
            if kind is not None:
                yield Message(kind, _json(record.data["body"]))


_PATHS = {"/queue": "Q", "/system_stats": "S", "/api/jobs": "J", "/history": "H"}


def _kind(path: str) -> int | None:
    bare, _, query = path.partition("?")
    if bare.startswith("/history/"):
        return ord("o")
    if bare == "/history" and "offset" in query:
        return ord("h")
    return ord(_PATHS[bare]) if bare in _PATHS else None


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _crafted() -> list[bytes]:
    about = _json({"node_id": "3", "prompt_id": "a", "display_node_id": "3"})
    binary = [
        struct.pack(">II", 1, 2) + b"\x89PNG....",
        struct.pack(">II", 3, 1) + "3a text é".encode(),
        struct.pack(">II", 4, len(about)) + about + b"\xff\xd8\xff",
        struct.pack(">II", 99, 0),
    ]
    item = [3, "a", {"1": {"class_type": "KSampler", "inputs": {}}}, {"create_time": 1_795_179_260}]
    queue = Message(ord("Q"), _json({"queue_running": [item], "queue_pending": []}))
    start = {"type": "execution_start", "data": {"prompt_id": "a", "timestamp": 1795179260000}}
    started = Message(ord("T"), _json(start))
    others = [
        *(Message(ord("B"), frame) for frame in binary),
        *(Message(ord("D"), date.encode()) for date in DATES),
        Message(ord("S"), _json(STATS)),
        Message(ord("C"), b""),
        Message(ord("P"), b""),
    ]
    logs = [Message(ord("L"), text.encode()) for text in LOG_TEXTS]
    return [
        *(packed([queue, message, started]) for message in (*others, *logs)),
        *(packed([message]) for message in (*others, *logs)),
        packed([queue, *logs[:6], Message(ord("P"), b"")]),
    ]

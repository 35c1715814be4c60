"""Failures for want of memory: how much was asked for, and how much there was. Pure.

PyTorch words them in several ways: its CUDA allocator before and after 2.0, its allocator of the
driver (cudaMallocAsync, which ComfyUI uses), and Apple's. All write KB or KiB and mean 1024 bytes.
"""

import re
from dataclasses import dataclass

_TYPES = ("OutOfMemoryError", "MemoryError")
_WORDS = re.compile(r"out of memory|exceed allowed memory|\bOOM\b", re.IGNORECASE)
_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = r"(\d+(?:\.\d+)?)\s*(bytes?|[KMGT]i?B)"
_TOLD = {
    "requested_bytes": (r"tried to allocate\s+{}", r"requested\s*:?\s+{}"),
    "free_bytes": (
        r"of which\s+{}\s+is free",
        r"{}[ \t]+free\b",
        r"free\s*(?:\(according to CUDA\))?\s*:?\s+{}",
    ),
    "total_bytes": (
        r"total capacity of\s+{}",
        r"{}\s+total capacity",
        r"device limit\s*:\s*{}",
        r"free\s+[\d.]+\s+\w+\s+of\s+{}",
        r"max allowed:\s*{}",
    ),
    "allocated_bytes": (
        r"{}\s+already allocated",
        r"{}\s+is allocated by PyTorch",
        r"currently allocated\s*:\s*{}",
        r"MPS allocated:\s*{}",
    ),
    "reserved_bytes": (
        r"{}\s+is reserved by PyTorch but unallocated",
        r"{}\s+reserved in total",
    ),
}
_PATTERNS = {
    name: [re.compile(one.replace("{}", _SIZE), re.IGNORECASE) for one in several]
    for name, several in _TOLD.items()
}


@dataclass(frozen=True, slots=True)
class Shortage:
    """What a message told of the memory of the device; None where it told nothing of it."""

    requested_bytes: float | None = None
    free_bytes: float | None = None
    total_bytes: float | None = None
    allocated_bytes: float | None = None
    reserved_bytes: float | None = None


def is_out_of_memory(error_type: str, message: str) -> bool:
    """Say whether a failure is one for want of memory."""
    return error_type.endswith(_TYPES) or _WORDS.search(message[:2000]) is not None


def shortage_of(error_type: str, message: str) -> Shortage | None:
    """Return what a failure for want of memory tells of it; None of any other, or if nothing."""
    if not is_out_of_memory(error_type, message):
        return None
    told = Shortage(**{name: _first(name, message[:4000]) for name in _PATTERNS})
    return told if told != Shortage() else None


def _first(name: str, message: str) -> float | None:
    for pattern in _PATTERNS[name]:
        if found := pattern.search(message):
            return float(found[1]) * _UNITS[found[2][0].lower()]
    return None

"""What a submitting script saw around an attempt: memory, its done marker, the history. Pure.

Memory is free memory and says so. An entry in ComfyUI's history is no success, and is not called
one. What nobody told has no line.
"""

from dataclasses import dataclass
from datetime import datetime

from history.models import Attempt, AttemptMemory, ScriptReport
from telemetry.text import NBSP, duration, gib

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Seen:
    """A name with what was seen, and when where that was told."""

    label: str
    text: str
    at: datetime | None = None


def script_of(attempt: Attempt) -> ScriptReport | None:
    """Return the script's report of an attempt that was read with it."""
    return getattr(attempt, "script_report", None)


def seen_around(attempt: Attempt, memory: AttemptMemory | None) -> list[Seen]:
    """Return what was seen around an attempt; `memory` is of the device that had least left."""
    script = script_of(attempt)
    told = [memory_around(memory, script), entry_seen(script), marker_seen(script)]
    return [line for line in told if line is not None]


def memory_around(memory: AttemptMemory | None, script: ScriptReport | None) -> Seen | None:
    """Return the free memory before and after, and what became of it; or that alone."""
    if memory is None:
        delta_mb = script.more.get("vram_delta_mb") if script else None
        return None if delta_mb is None else Seen("Free VRAM", _change(round(delta_mb * MIB)))
    before, after = memory.free_before_bytes, memory.free_after_bytes
    told = [
        f"{gib(n)}{NBSP}GiB {word}"
        for n, word in ((before, "before"), (after, "after"))
        if n is not None
    ]
    if before is not None and after is not None:
        told.append(_change(after - before))
    return Seen("Free VRAM", ", ".join(told)) if told else None


def _change(delta: int) -> str:
    """Return a difference with its meaning; a small one in MiB, or it would be 0.0 GiB."""
    if abs(delta) < MIB:
        return "as much"
    size = abs(delta)
    amount = f"{gib(size)}{NBSP}GiB" if size >= GIB else f"{round(size / MIB):,}{NBSP}MiB"
    return f"{amount} less" if delta < 0 else f"{amount} more"


def entry_seen(script: ScriptReport | None) -> Seen | None:
    """Return whether ComfyUI's history had an entry, which is no word of how it went."""
    if script is None or script.history_seen is None:
        return None
    text = "an entry was seen" if script.history_seen else "no entry was seen"
    return Seen("History", text, script.history_seen_at)


def marker_seen(script: ScriptReport | None) -> Seen | None:
    """Return whether the done marker was there, and how long the script waited for it."""
    if script is None or script.marker_seen is None:
        return None
    waited = f" after {duration(script.marker_wait_s)}" if script.marker_wait_s is not None else ""
    return Seen("Done marker", f"{'seen' if script.marker_seen else 'not seen'}{waited}")

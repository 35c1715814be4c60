"""Numbers and times as people read them (the design's rules). Missing is "–", never 0."""

from datetime import datetime

MISSING = "–"
NBSP = "\u00a0"
_GIB = 1 << 30


def duration(seconds: float | None) -> str:
    """Return a duration in two units at most: 0.9 s, 48s, 2m 14s, 1h 05m, 3d 4h."""
    if seconds is None:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f}{NBSP}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{NBSP}{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{NBSP}{minutes:02}m"
    return f"{hours // 24}d{NBSP}{hours % 24}h"


def gib(size_bytes: float | None) -> str:
    """Return an amount of memory in GiB with one decimal, without the unit."""
    return MISSING if size_bytes is None else f"{size_bytes / _GIB:.1f}"


def plural(count: int, word: str) -> str:
    """Return "1 attempt", "1,204 attempts"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def clock(at: datetime) -> str:
    """Return the time of day in UTC; the browser shows it in the viewer's own zone."""
    return f"{at:%H:%M:%S}"


def number(value: float) -> str:
    """Return a count as ComfyUI meant it: whole where it is whole."""
    return f"{value:g}"


def model_of(name: str) -> str:
    """Return a device's model: "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync" is RTX 4090."""
    words = [w for w in name.partition(" : ")[0].split() if not w.startswith(_PLACES)]
    return " ".join(w for w in words if w not in _MAKERS)[:60]


_PLACES = ("cuda:", "xpu:", "mps:")
_MAKERS = ("NVIDIA", "GeForce", "AMD", "Intel(R)")


def sentence(reason: str) -> str:
    """Return a reason as a sentence: "connection refused" is "Connection refused."."""
    end = "" if reason.endswith((".", "?", "!")) else "."
    return reason[:1].upper() + reason[1:] + end

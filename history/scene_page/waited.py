"""How a submitting script waited for an attempt, and on which host: lines of its report. Pure.

What was not told has no line. Where files lie and what a server was started with is for operators.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.models import ScriptReport
from telemetry.text import NBSP, duration, gib


@dataclass(frozen=True, slots=True)
class Line:
    """A name with what was told: a text, a time, or both."""

    label: str
    text: str
    at: datetime | None = None


def waited(of: ScriptReport, is_operator: bool) -> Iterator[Line]:
    """Yield what a script told of its waiting: its times, what it saw, the host, and where."""
    yield from (Line(label, "", at) for label, at in _times(of) if at is not None)
    yield from (Line(label, told) for label, words in WAITED.items() if (told := words(of)))
    if is_operator:
        yield from (
            Line(label, str(of.more[key])) for key, label in PATHS.items() if of.more.get(key)
        )
        if words := _host(of).get("argv"):
            yield Line("Host started with", " ".join(map(str, words)))


def _times(of: ScriptReport) -> list[tuple[str, datetime | None]]:
    return [
        ("Queued", of.queue_began_at or of.attempt.submitted_at),
        ("Frames copied at", of.queue_ended_at),
        ("History fetched at", of.history_retrieved_at),
    ]


def _marker(of: ScriptReport) -> str:
    after = f" after {duration(of.marker_wait_s)}" if of.marker_wait_s is not None else ""
    return _yes(of.marker_seen, f"seen{after}", f"not seen{after}")


def _host(of: ScriptReport) -> dict[str, Any]:
    return dict(of.system_after or of.system_before)


def _versions(of: ScriptReport) -> str:
    names = (
        *(("comfyui_version", "ComfyUI"), ("pytorch_version", "PyTorch")),
        *(("python_version", "Python"), ("os", "on")),
    )
    host = _host(of)
    return ", ".join(f"{name} {host[key]}" for key, name in names if host.get(key))


def _ram(of: ScriptReport) -> str:
    """Return the host's free memory before and after, and how much it has in all."""
    told = [
        f"{gib(system['ram_free'])}{NBSP}GiB {when}"
        for when, system in (("before", of.system_before), ("after", of.system_after))
        if system.get("ram_free") is not None
    ]
    total = _host(of).get("ram_total")
    return ", ".join([*told, f"{gib(total)}{NBSP}GiB in all"] if total else told)


def _alignment(of: ScriptReport) -> str:
    score = of.more.get("semantic_alignment_score")
    return "" if score is None else f"{score:g}"


def _yes(value: bool | None, yes: str, no: str) -> str:
    return "" if value is None else yes if value else no


WAITED: dict[str, Callable[[ScriptReport], str]] = {
    "ComfyUI's history": lambda of: _yes(of.history_retrieved, "fetched", "missing"),
    "Grace after the end": lambda of: _yes(of.grace_elapsed, "elapsed", "not elapsed"),
    "Done marker": _marker,
    "Frames copied": lambda of: _yes(of.forced_copy, "by force", "once they were done"),
    "Semantic alignment": _alignment,
    "Host": _versions,
    "Host's free memory": _ram,
    "Server, as it was told": lambda of: str(of.more.get("server") or ""),
}
PATHS = {"marker_path": "Done marker at", "forced_copy_path": "Copied by force, see"}

"""A run's scenes as the strip shows them: one cell each, in their order. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from telemetry.overview import Cell
from telemetry.text import plural
from telemetry.words import Outcome

# In the order in which they are named; what is not as it should be carries a letter.
LETTERS = {
    "completed": "",
    "partial": "P",
    "failed": "F",
    "timeout": "T",
    "lost": "L",
    "skipped": "S",
    "cancelled": "C",
    "unknown": "U",
    "executing": "R",
    "queued": "",
}
DONE = ("completed", "partial", "skipped")
WRONG = ("partial", "failed", "timeout", "lost", "skipped", "cancelled", "unknown")
WORST = ("failed", "timeout", "lost", "cancelled", "partial", "completed")
LABELS = {"timeout": "timed out"}
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class SceneNow:
    """A scene, and where it is."""

    name: str
    status: str


def status_of(outcome: str | None, running: bool, waiting: bool, tried: bool = True) -> str:
    """Return where a scene is: at work or waiting (again) before how it ended.

    One that was not `tried` has no attempt: it is still to be queued, where nobody skipped it.
    """
    if running:
        return "executing"
    if waiting or (outcome is None and not tried):
        return "queued"
    if outcome is None:
        return "unknown"
    return "completed" if outcome == Outcome.SUCCESS else outcome


def in_order(scenes: Iterable[SceneNow]) -> list[SceneNow]:
    """Return scenes as people count them: scene-2 before scene-10."""
    return sorted(scenes, key=lambda scene: _natural(scene.name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = _DIGITS.split(name[:80])
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def cells(scenes: list[SceneNow]) -> tuple[Cell, ...]:
    """Return a cell for each scene."""
    return tuple(Cell(scene.status, LETTERS[scene.status]) for scene in scenes)


def sentence(counts: Counter[str]) -> str:
    """Return what the strip shows in words: "12 scenes: 7 completed, 1 failed, 4 queued"."""
    told = [f"{counts[s]:,} {LABELS.get(s, s)}" for s in LETTERS if counts[s]]
    return f"{plural(counts.total(), 'scene')}: {', '.join(told)}"


def done_of(counts: Counter[str]) -> str:
    """Return "7 of 12, 1 failed"; of scenes that were submitted so far."""
    completed = sum(counts[status] for status in DONE)
    wrong = [f"{counts[s]:,} {LABELS.get(s, s)}" for s in WRONG if counts[s]]
    return ", ".join([f"{completed:,} of {counts.total():,}", *wrong])


def outcome_of(counts: Counter[str]) -> str:
    """Return how a run without open scenes ended, as history/settling.py has it.

    Unknown while that of a scene is; as all of its scenes but the skipped did; else partial where
    any came about, else the worst.
    """
    if counts["unknown"] or counts["queued"]:
        return "unknown"
    tried = [status for status in WORST if counts[status]]
    if not tried:
        return "skipped" if counts["skipped"] else "partial"
    came_about = counts["completed"] + counts["partial"]
    return "partial" if came_about and len(tried) > 1 else tried[0]

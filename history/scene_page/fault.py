"""What went wrong in an attempt, what it was about, and where else that was seen. Pure.

Tracebacks and prompts may hold paths and secrets: `read` has them for operators alone.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from history.failures.lists import most
from history.failures.page import memory_of
from history.models import Attempt, FailureFamily
from history.run_page.why import WRONG
from history.scene_page.attempts import exit_of
from history.scene_page.reading import Read
from history.words import EXIT_LABELS, TIMER_LABELS, ExitReason, Timer
from telemetry.text import MISSING, plural
from telemetry.words import OUTCOME_LABELS, Outcome

# So many frames stand outside the fold: where it broke, and who called that.
LAST = 2
_FRAME = re.compile(r"^\s*File \"", re.MULTILINE)
TONES = {Outcome.FAILED: "bad", Outcome.CANCELLED: "mute"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is known: `codes` are names as they were told, `text` is ours."""

    label: str
    codes: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a traceback; `is_place` says that it names file and line."""

    text: str
    is_place: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt went wrong; `last` are the last frames of its traceback, `whole` all of it."""

    title: str
    message: str
    tone: str
    memory: list[tuple[str, str]]
    last: list[Line]
    raised: str
    whole: str
    frames: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How often, where and when the like of it was seen."""

    family: int
    title: str
    first_at: datetime
    last_at: datetime
    gpus: list[tuple[str, int]]
    nodes: list[tuple[str, int]]


def fault_of(read: Read) -> Fault | None:
    """Return what went wrong in the attempt that is looked at, None where nothing did."""
    attempt = read.shown
    if attempt is None or not _went_wrong(attempt):
        return None
    outcome = Outcome(attempt.outcome) if attempt.outcome else None
    message = attempt.error_message or attempt.reason
    frames = _frames(read.traceback or "")
    return Fault(
        title=attempt.error_type or (OUTCOME_LABELS[outcome] if outcome else "Unknown"),
        message=(message or "").strip() or "Nobody told why.",
        tone=TONES.get(outcome, "warn") if outcome else "warn",
        memory=memory_of(attempt.error_type or "", attempt.error_message or ""),
        last=[_line(line) for frame in frames[-LAST:] for line in frame.splitlines()],
        raised=": ".join(
            filter(None, (attempt.error_type, (message or "").strip().split("\n")[0]))
        ),
        whole=read.traceback or "",
        frames=plural(len(frames), "frame"),
    )


def _went_wrong(attempt: Attempt) -> bool:
    return attempt.error_type is not None or attempt.outcome in WRONG


def _frames(traceback: str) -> list[str]:
    """Return a traceback's frames, each with its code; what stands before the first is left out."""
    places = [found.start() for found in _FRAME.finditer(traceback)]
    bounds = pairwise([*places, len(traceback)])
    return [traceback[begin:end].strip("\n") for begin, end in bounds]


def _line(text: str) -> Line:
    return Line(text, text.lstrip().startswith('File "'))


def facts_of(read: Read, operator: bool) -> list[Fact]:
    """Return what the attempt was about: where it stopped, and what it asked of the GPU."""
    told = [*_ended(read), *_asked(read)]
    report: Any = getattr(read.scene, "report", None)
    if operator and report:
        texts = (("Text", report.prompt), ("Negative text", report.negative_prompt))
        told += [Fact(label, text=text) for label, text in texts if text]
    return [*told, *(_circumstances(read) if read.decides else [])]


def _ended(read: Read) -> list[Fact]:
    attempt = read.shown
    if attempt is None or attempt.outcome is None:
        return []
    told = []
    if _went_wrong(attempt):
        node = (attempt.error_node_type,) if attempt.error_node_type else ()
        number = f"id {attempt.error_node}" if attempt.error_node else ""
        told.append(Fact("Node", node, number or ("" if node else MISSING)))
    reason, scene = exit_of(attempt), read.scene.exit_reason if read.decides else None
    label = EXIT_LABELS[ExitReason(scene)] if scene else ""
    if reason or label:
        told.append(Fact("Exit reason", (reason,) if reason else (), label))
    return told


def _asked(read: Read) -> list[Fact]:
    """Return the cost drivers and models of the workload, as far as its graph tells them."""
    work = read.workload
    if work is None:
        return [Fact("Inputs", text=MISSING)]
    size = f"{work.width:g} × {work.height:g}" if work.width and work.height else ""
    counted = ((work.frames, "frame"), (work.steps, "step"), (work.batch, "image"))
    numbers = [_count(value, word) for value, word in counted if value and (word, value) != ONE]
    inputs = ", ".join(filter(None, (size, *numbers, *map(str, work.samplers))))
    files = tuple(str(told[1]) for told in work.files if len(told) > 1)
    return [Fact("Inputs", text=inputs or MISSING), Fact("Models", files, "" if files else MISSING)]


# One image a batch is what everybody has.
ONE = ("image", 1.0)


def _count(value: float, word: str) -> str:
    return f"{value:g} {word}{'' if value == 1 else 's'}"


def _circumstances(read: Read) -> list[Fact]:
    """Return what is on record of the scene, which is that of the attempt that decides it."""
    scene = read.scene
    told = []
    if scene.frames is not None:
        floor = f" of at least {scene.frame_floor:,}" if scene.frame_floor else ""
        told.append(Fact("Frames", text=f"{scene.frames:,}{floor}"))
    warmth = {"cold": "cold: its models had to be loaded", "warm": "warm"}.get(scene.warmth)
    if warmth:
        told.append(Fact("Began", text=warmth))
    if scene.cached:
        told.append(Fact("Worked out", text="nothing anew: it came out of the cache"))
    if scene.timed_by:
        told.append(Fact("Timed", text=TIMER_LABELS[Timer(scene.timed_by)]))
    return told


def seen_of(read: Read) -> Seen | None:
    """Return where else it was seen, None where the attempt is in no family of failures."""
    family = family_of(read)
    if family is None:
        return None
    return Seen(
        family.pk,
        f"Seen {plural(family.count, 'time')} in {plural(family.run_count, 'run')}",
        family.first_seen_at,
        family.last_seen_at,
        most(family.gpus),
        most(family.nodes),
    )


def family_of(read: Read) -> FailureFamily | None:
    """Return the family of failures that the attempt belongs to."""
    occurrence: Any = getattr(read.shown, "failure", None)
    return occurrence.family if occurrence else None

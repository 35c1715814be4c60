"""run-summary.txt: what the scripts say while they work, a line at a time, in words that varied."""

import re
from dataclasses import dataclass, field
from typing import Any

from history.imports.text import LONGEST_PROSE, is_truncated, tidy

FIRST = re.compile(r"^\s*E2E Story-to-Video Run:\s*(\S.{0,199})?", re.IGNORECASE)
_STAMP = re.compile(r"^\s*\[(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d[^\]]{0,30}\]\s*")
_SCENE = re.compile(r"^\[Scene ([^\]]{1,190})\](?:\[Attempt (\d{1,6})\])?\s*(.*)$", re.DOTALL)
_FRAMES = re.compile(r"\bFrames=(\d{1,9})", re.IGNORECASE)
_DURATION = re.compile(r"\bDuration=(\d{1,9}(?:\.\d{1,9})?)s", re.IGNORECASE)
_PAIR = re.compile(r"([A-Za-z][\w ]{0,60}?)\s*=\s*(\{[^{}|]{0,200}\}|[^|]{0,500})")
_POLICY = re.compile(r"^Queue policy:\s*(.*)$", re.IGNORECASE | re.DOTALL)
_TOTAL = re.compile(r"(?:Total frames copied:\s*|total frames=)(\d{1,9})", re.IGNORECASE)
_VITEST = re.compile(r"^Vitest\b.{0,200}?exitCode=(-?\d{1,6})", re.IGNORECASE)
_STORY_READY = re.compile(r"^Story ready:?\s*(.*)$", re.IGNORECASE)
_LOGLINE = re.compile(r"^Story logline:?\s*(.*)$", re.IGNORECASE)
_STORY_ID = re.compile(r"\b(story-[\w-]{1,100})")
MOST_SCENES, MOST_LINES = 10_000, 200_000

# What a key of a line is today, by its old and short names in lower case.
KEYS = {
    "duration": "DurationSeconds",
    "maxwait": "MaxWaitSeconds",
    "historymaxwait": "MaxWaitSeconds",
    "pollinterval": "PollIntervalSeconds",
    "historypollinterval": "PollIntervalSeconds",
    "historymaxattempts": "HistoryAttemptLimit",
    "polllimit": "PollLimit",
    "postexecutiontimeout": "PostExecutionTimeoutSeconds",
    "sceneretries": "SceneRetryBudget",
    "exitreason": "HistoryExitReason",
    "execsuccess": "ExecutionSuccessDetected",
    "attempts": "HistoryAttempts",
    "scenemaxwait": "MaxWaitSeconds",
}


@dataclass(slots=True)
class Line:
    """A line about one attempt: its kind, which attempt, and its text."""

    kind: str
    attempt: int | None
    text: str


@dataclass(slots=True)
class SceneLines:
    """All that a summary says of a scene."""

    lines: list[Line] = field(default_factory=list)
    # The telemetry lines by attempt, None where a line names none.
    telemetry: dict[int | None, dict[str, str]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Line]:
        """Return the lines of a kind."""
        return [line for line in self.lines if line.kind == kind]

    @property
    def words(self) -> str:
        """Return all lines as one text."""
        return "\n".join(line.text for line in self.lines)


@dataclass(slots=True)
class Summary:
    """A run-summary.txt."""

    run_id: str | None = None
    story_ready: bool = False
    story_id: str | None = None
    logline: str | None = None
    policy: dict[str, str] = field(default_factory=dict)
    total_frames: int | None = None
    tests: int = 0
    artifact_index: bool = False
    scenes: dict[str, SceneLines] = field(default_factory=dict)


_KINDS = [
    ("telemetry", re.compile(r"^Telemetry:", re.IGNORECASE)),
    ("history", re.compile(r"^HISTORY (WARNING|ERROR)", re.IGNORECASE)),
    ("saved", re.compile(r"^History saved", re.IGNORECASE)),
    ("requeue", re.compile(r"^Requeue requested", re.IGNORECASE)),
    ("warning", re.compile(r"^WARNING", re.IGNORECASE)),
    ("error", re.compile(r"^(ERROR|FAILED)", re.IGNORECASE)),
    ("frames", _FRAMES),
]


def is_summary(text: str) -> bool:
    """Say whether a text is a run-summary.txt."""
    return FIRST.match(text[:1000]) is not None


def summary_of(text: str) -> Summary:
    """Return what a summary says; lines that say nothing we know are passed over."""
    summary = Summary()
    for raw in text.splitlines()[:MOST_LINES]:
        line = tidy(_STAMP.sub("", raw[: 2 * LONGEST_PROSE]), LONGEST_PROSE).strip()
        if line:
            _take(summary, line)
    return summary


def _take(summary: Summary, line: str) -> None:
    if found := _SCENE.match(line):
        _take_scene(summary, found[1].strip(), found[2], found[3].strip())
    elif found := FIRST.match(line):
        summary.run_id = summary.run_id or (found[1] or "").strip() or None
    elif found := _POLICY.match(line):
        summary.policy = pairs_of(found[1])
    elif found := _TOTAL.search(line):
        summary.total_frames = int(found[1])
    elif found := _STORY_READY.match(line):
        summary.story_ready = True
        told = _STORY_ID.search(found[1])
        summary.story_id = told[1] if told else None
    elif found := _LOGLINE.match(line):
        summary.logline = found[1] or None
    elif _VITEST.match(line):
        summary.tests += 1
    elif line.startswith("## Artifact Index"):
        summary.artifact_index = True


def _take_scene(summary: Summary, name: str, attempt: str | None, text: str) -> None:
    if name not in summary.scenes and len(summary.scenes) >= MOST_SCENES:
        return
    scene = summary.scenes.setdefault(name, SceneLines())
    # A line without a number is about the attempt of the line before.
    number = int(attempt) if attempt else next((line.attempt for line in scene.lines[-1:]), None)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(text)), "other")
    scene.lines.append(Line(kind, number, text))
    if kind == "telemetry":
        told = pairs_of(text.partition(":")[2])
        # One line an attempt; of an attempt with several the last has most.
        scene.telemetry.setdefault(number, {}).update(told)


def pairs_of(text: str) -> dict[str, str]:
    """Return "a=1s | b=x" as a mapping by the keys of today; empty values are left out."""
    pairs = {}
    for part in text.split("|"):
        found = _PAIR.match(part.strip().removeprefix(","))
        if found is None:
            continue
        name, value = found[1].strip(), found[2].strip()
        if value not in ("", "s", "MB", "n/a", "null") and not is_truncated(value):
            pairs[KEYS.get(name.lower(), name)] = value
    return pairs


def numbers_of(pairs: dict[str, str]) -> dict[str, Any]:
    """Return pairs with figures as numbers, without their units."""
    return {name: _figure(value) for name, value in pairs.items()}


def _figure(value: str) -> Any:
    bare = re.sub(r"\s?(s|ms|MB|fps)$", "", value)
    if re.fullmatch(r"-?\d{1,15}", bare):
        return int(bare)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,9}", bare):
        return float(bare)
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def frames_of(line: Line) -> tuple[int | None, float | None]:
    """Return the frames and seconds that a line of an attempt tells."""
    frames, lasted = _FRAMES.search(line.text), _DURATION.search(line.text)
    return int(frames[1]) if frames else None, float(lasted[1]) if lasted else None

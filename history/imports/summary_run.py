"""A run out of its summary alone: written as metadata would be, and read as that."""

from typing import Any

from history.imports.fields import Fields, Reading
from history.imports.metadata import reading_of, run_of
from history.imports.summary import SceneLines, Summary, frames_of, numbers_of
from history.imports.told import Found, ToldRun

# What a summary never holds is no fault of it.
ONLY_IN_METADATA = {"V03", "V05", "V10", "V11", "V13", "V14", "V16", "V17"}


def run_of_summary(summary: Summary, reading: Reading) -> ToldRun:
    """Return the run that a summary tells; what only metadata hold is missing, not wrong."""
    root: dict[str, Any] = {
        "RunId": summary.run_id,
        "Story": {"Id": summary.story_id, "Logline": summary.logline},
        "QueueConfig": _policy(summary),
        "Scenes": [_scene(name, lines) for name, lines in summary.scenes.items()],
    }
    run = run_of(Fields(root, "", reading_of(reading)))
    run.kind = "run-summary"
    return run


def of_summary(findings: list[Found]) -> list[Found]:
    """Return the findings without what a summary cannot tell."""
    return [found for found in findings if found.code not in ONLY_IN_METADATA]


def _policy(summary: Summary) -> dict[str, Any]:
    told = numbers_of(summary.policy)
    limit = told.pop("PollLimit", None)
    if limit is not None:
        told.setdefault("HistoryAttemptLimit", 0 if limit == "unbounded" else limit)
    return {name: _none_if_word(value) for name, value in told.items()}


def _none_if_word(value: Any) -> Any:
    return 0 if isinstance(value, str) and value.lower() in ("unbounded", "unlimited") else value


def _scene(name: str, lines: SceneLines) -> dict[str, Any]:
    attempts = [_attempt(n, lines) for n in _numbers(lines)]
    best = max(attempts, key=lambda one: (one["FrameCount"] or 0, one["Attempt"]), default=None)
    scene: dict[str, Any] = {
        "SceneId": name,
        "Warnings": [line.text for line in (*lines.of("warning"), *lines.of("history"))],
        "Errors": [line.text for line in lines.of("error")],
        "AttemptSummaries": attempts if len(attempts) > 1 else [],
        "AttemptsRun": len(attempts) or None,
    }
    if best is not None:
        scene |= {key: best[key] for key in ("FrameCount", "DurationSeconds")}
        scene["Telemetry"] = _telemetry(lines, best["Attempt"])
    return scene


def _numbers(lines: SceneLines) -> list[int]:
    """Return which attempts the lines speak of; lines without a number are of the first."""
    told = {line.attempt or 1 for line in lines.lines if line.kind in ("frames", "telemetry")}
    return sorted(told)


def _attempt(number: int, lines: SceneLines) -> dict[str, Any]:
    own = [line for line in lines.lines if (line.attempt or 1) == number]
    told = [frames_of(line) for line in own if line.kind == "frames"]
    frames, lasted_s = told[-1] if told else (None, None)
    return {
        "Attempt": number,
        "FrameCount": frames,
        "DurationSeconds": lasted_s,
        "Errors": [line.text for line in own if line.kind == "error"],
        "Warnings": [line.text for line in own if line.kind == "warning"],
    }


def _telemetry(lines: SceneLines, number: int) -> dict[str, Any] | None:
    pairs = lines.telemetry.get(number) or lines.telemetry.get(None) or {}
    if not pairs:
        return None
    told = numbers_of(pairs)
    gpu = {key: told.pop(key) for key in list(told) if key.lower().startswith("vram")}
    name = told.pop("GPU", told.pop("gpu", None))
    return {**told, "GPU": {"Name": name, **gpu}} if name or gpu else told

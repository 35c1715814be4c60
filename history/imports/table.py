"""A table of scenes, a row an attempt (CSV): run_id, scene_id, and what else is known."""

import csv
from typing import Any

from history.imports.errors import Unreadable
from history.imports.fields import Fields, Reading
from history.imports.findings import Findings
from history.imports.metadata import reading_of, run_of
from history.imports.told import ToldRun

NEEDED = ("run_id", "scene_id")
MOST_ROWS = 500_000
# Our columns, and what metadata call them: of the scene, the attempt, the telemetry, its GPU.
SCENE = {"frame_floor": "FrameFloor"}
ATTEMPT = {
    "attempt": "Attempt",
    "frames": "FrameCount",
    "duration_s": "DurationSeconds",
    "success": "Success",
    "began_at": "Timestamp",
}
TELEMETRY = {
    "duration_s": "DurationSeconds",
    "history_attempts": "HistoryAttempts",
    "exit_reason": "HistoryExitReason",
    "ended_at": "QueueEnd",
}
# What a table tells of each attempt, metadata of the best alone.
SUMMARY = {**ATTEMPT, "history_attempts": "HistoryAttempts", "exit_reason": "HistoryExitReason"}
GPU = {
    "gpu": "Name",
    "vram_before_mb": "VramBeforeMB",
    "vram_after_mb": "VramAfterMB",
    "vram_delta_mb": "VramDeltaMB",
}

Row = dict[str, Any]
_FLAGS = {"true": True, "false": False}


def is_table(text: str) -> bool:
    """Say whether a text is such a table: its first line names the columns that it needs."""
    first = text.lstrip("\ufeff").partition("\n")[0].strip().lower()
    return set(NEEDED) <= {name.strip('" ') for name in first.split(",")}


def runs_of_table(text: str, reading: Reading) -> list[tuple[ToldRun, Findings, Any]]:
    """Return the runs of a table in its order, each with its findings and its rows."""
    runs: dict[str, list[Row]] = {}
    for row in _rows(text):
        runs.setdefault(row["run_id"], []).append(row)
    return [(*_run(name, rows, reading), rows) for name, rows in runs.items()]


def _rows(text: str) -> list[Row]:
    lines = csv.DictReader(text.lstrip("\ufeff").splitlines())
    lines.fieldnames = [(name or "").strip().lower() for name in lines.fieldnames or []]
    rows = []
    try:
        for row in lines:
            told = {key: value.strip() for key, value in row.items() if key and value}
            if all(told.get(key) for key in NEEDED):
                rows.append({key: value for key, value in told.items() if value})
            elif told:
                raise Unreadable("A row without run_id or scene_id", lines.line_num, 1)
            if len(rows) > MOST_ROWS:
                raise Unreadable(f"More than {MOST_ROWS} rows", lines.line_num, 1)
    except csv.Error as error:
        raise Unreadable(f"It is no table: {error}", lines.line_num, 1) from None
    return rows


def _run(name: str, rows: list[Row], reading: Reading) -> tuple[ToldRun, Findings]:
    findings = Findings()
    scenes: dict[str, list[Row]] = {}
    for row in rows:
        scenes.setdefault(row["scene_id"], []).append(row)
    root = {
        "RunId": name,
        "Story": {"Id": rows[0].get("story_id")},
        "Scenes": [_scene(scene, of) for scene, of in scenes.items()],
    }
    own = reading_of(Reading(findings, reading.at, reading.zone))
    run = run_of(Fields(root, "", own))
    run.kind = "table"
    return run, findings


def _scene(name: str, rows: list[Row]) -> dict[str, Any]:
    _, best = max(enumerate(rows), key=lambda one: (_number(one[1].get("frames")) or 0, one[0]))
    scene = {"SceneId": name, **_renamed(best, SCENE), **_renamed(best, ATTEMPT)}
    scene["Requeued"] = _plain(best.get("requeued"))
    scene["AttemptsRun"] = _number(best.get("attempt"))
    scene["Telemetry"] = {**_renamed(best, TELEMETRY), "GPU": _renamed(best, GPU)}
    scene["Telemetry"]["QueueStart"] = best.get("began_at")
    if len(rows) > 1:
        scene["AttemptsRun"] = len(rows)
        scene["AttemptSummaries"] = [_summary(row) for row in rows]
    return scene


def _summary(row: Row) -> dict[str, Any]:
    gpu = _renamed(row, GPU)
    measured = {"GPU": gpu} if any(value is not None for value in gpu.values()) else {}
    return {**_renamed(row, SUMMARY), **measured}


def _renamed(row: Row, names: dict[str, str]) -> dict[str, Any]:
    told = {key: row.get(column) for column, key in names.items()}
    return {key: _plain(value) for key, value in told.items()}


def _plain(value: Any) -> Any:
    """Return what a cell means: in a table all is text, so that is nothing to note."""
    number = _number(value)
    return _FLAGS.get(str(value).lower(), value) if number is None else number


def _number(value: Any) -> int | float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else number

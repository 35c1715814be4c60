"""The metadata held against its summary: rules V01, V04, V06 to V10, V15, V17, V18."""

from typing import Any

from history.imports.findings import Findings
from history.imports.summary import SceneLines, Summary, numbers_of
from history.imports.told import ToldAttempt, ToldPolicy, ToldRun, ToldScene

WHERE = "run-summary.txt"
POLICY = [
    ("max_wait_s", "MaxWaitSeconds"),
    ("max_polls", "HistoryAttemptLimit"),
    ("poll_interval_s", "PollIntervalSeconds"),
    ("grace_s", "PostExecutionTimeoutSeconds"),
    ("retry_budget", "SceneRetryBudget"),
]
# What the telemetry line calls a limit, and what we do.
LIMITS = [("PollLimit", "poll_limit"), ("SceneRetryBudget", "retry_budget")]
VRAM = ("VramBeforeMB", "VramAfterMB", "VramDeltaMB")
WAIT_S = 0.1


def hold_together(run: ToldRun, summary: Summary, findings: Findings) -> None:
    """Note where metadata and summary do not say the same."""
    _check_lines(summary, findings)
    _check_policy(run.policy, summary, findings)
    for scene in run.scenes:
        findings.scene = scene.external_id
        lines = summary.scenes.get(scene.external_id)
        path = f"{WHERE}: {scene.external_id}"
        if lines is None:
            findings.add("V06", path, "The summary has no line for the scene.")
        else:
            _check_scene(scene, lines, findings, path)
        findings.scene = None


def _check_lines(summary: Summary, findings: Findings) -> None:
    wanted = {
        "Story ready": summary.story_ready,
        "Story logline": summary.logline is not None,
        "a scene": bool(summary.scenes),
        "three Vitest exit codes": summary.tests >= 3,
        "## Artifact Index": summary.artifact_index,
        "Total frames copied": summary.total_frames is not None,
    }
    missing = [name for name, there in wanted.items() if not there]
    if missing:
        findings.add("V01", WHERE, f"It lacks a line: {', '.join(missing)}.")
    if summary.total_frames == 0:
        findings.add("V02", WHERE, "No frame was copied at all.")


def _check_policy(policy: ToldPolicy | None, summary: Summary, findings: Findings) -> None:
    if not summary.policy:
        findings.add("V04", WHERE, "It lacks the line of the queue policy.")
        return
    told = {name: _limit(value) for name, value in numbers_of(summary.policy).items()}
    if "PollLimit" in told:
        told.setdefault("HistoryAttemptLimit", told["PollLimit"])
    for name, key in POLICY:
        wanted, found = getattr(policy, name, None), told.get(key)
        if found is None:
            findings.add("V04", f"{WHERE}: {key}", f"The policy line does not tell {key}.")
        elif wanted is not None and found != wanted:
            findings.add("V04", f"{WHERE}: {key}", f"{found}; the metadata say {wanted:g}.")


def _limit(value: Any) -> Any:
    return 0 if isinstance(value, str) and value.lower() in ("unbounded", "unlimited") else value


def _check_scene(scene: ToldScene, lines: SceneLines, findings: Findings, path: str) -> None:
    report, words = scene.report, lines.words.lower()
    best = next((a for a in scene.attempts if a.script and a.script.exit_reason), None)
    script = best.script if best is not None else None
    if report.floor_flag is False and "frame count below floor" not in words:
        findings.add("V07", path, "No warning that there are too few frames.")
    unseen = script is not None and (script.history_retrieved is False or script.history_errors)
    if unseen and not lines.of("history"):
        findings.add("V08", path, "No HISTORY line, though history is missing or failed.")
    if report.success_flag is False and not lines.of("error"):
        findings.add("V09", path, "No ERROR line, though the scene did not succeed.")
    if not lines.telemetry:
        findings.add("V10", path, "No telemetry line.")
    elif best is not None:
        _check_telemetry(best, lines, findings, path)


def _check_telemetry(best: ToldAttempt, lines: SceneLines, findings: Findings, path: str) -> None:
    """Hold the line of the attempt that the metadata are of against them."""
    pairs = lines.telemetry.get(best.attempt_number) or next(iter(lines.telemetry.values()))
    told, script = numbers_of(pairs), best.script
    assert script is not None
    for key, name in LIMITS:
        limit = script.more.get(name)
        if limit is not None and _limit(told.get(key, limit)) != limit:
            findings.add("V15", f"{path}: {key}", f"{told[key]}; the metadata say {limit}.")
    wait_s, wanted_s = told.get("DoneMarkerWaitSeconds"), script.marker_wait_s
    if wanted_s is not None and wait_s is None:
        findings.add("V18", f"{path}: DoneMarkerWaitSeconds", "DoneMarkerWaitSeconds is not told.")
    if _are_apart(wait_s, wanted_s):
        findings.add("V18", f"{path}: DoneMarkerWaitSeconds", f"{wait_s:g} s is another wait.")
    for name, value in (
        ("DoneMarkerDetected", script.marker_seen),
        ("ForcedCopyTriggered", script.forced_copy),
    ):
        if value is not None and told.get(name) is not value:
            findings.add("V18", f"{path}: {name}", f"{name} is not told, or told otherwise.")
    _check_vram(best, pairs, findings, path)
    copied = script.more.get("forced_copy_path") if script.forced_copy else None
    if copied and copied not in lines.words:
        findings.add("V18", f"{path}: ForcedCopyDebugPath", "Where its notes lie is not told.")
    missing = [note.text for note in best.notes if note.text not in lines.words]
    if missing:
        findings.add("V17", path, f"{len(missing)} of the notes are not in the summary.")


def _check_vram(best: ToldAttempt, pairs: dict[str, str], findings: Findings, path: str) -> None:
    """Note a line without the memory that the metadata tell; old lines have it as "vram=a/b"."""
    if best.memory and "vram" not in pairs:
        for name in VRAM:
            if name not in pairs:
                findings.add("V18", f"{path}: {name}", f"{name} is not told.")


def _are_apart(found: Any, wanted: float | None) -> bool:
    known = isinstance(found, int | float) and wanted is not None
    return known and round(abs(found - (wanted or 0.0)), 6) > WAIT_S

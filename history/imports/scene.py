"""A scene of artifact-metadata.json, with its attempts."""

from datetime import datetime, timedelta
from typing import Any

from history.imports.fields import Fields
from history.imports.outcomes import Signs, exit_reason_of, outcome_of
from history.imports.policy import policy_of
from history.imports.polls import polls_of
from history.imports.telemetry_block import (
    delta_mb_of,
    gpu_model_of,
    memory_of,
    notes_of,
    script_of,
)
from history.imports.told import ToldAttempt, ToldScene, ToldSceneReport, ToldScript
from telemetry.words import Outcome

STORY = [
    ("summary", "prose", ("SceneSummary", "StorySummary")),
    ("mood", "text", ("SceneMood", "StoryMood")),
    ("camera_movement", "text", ("SceneCameraMovement", "StoryCameraMovement")),
    ("expected_frames", "number", ("SceneExpectedFrames", "StoryExpectedFrames")),
    ("keyframe", "text", ("SceneKeyframe", "StoryKeyframe")),
]
PATHS = [
    ("frame_prefix", "FramePrefix"),
    ("frames_folder", "GeneratedFramesDir"),
    ("output_folder", "SceneOutputDir"),
    ("keyframe", "KeyframeSource"),
    ("history", "HistoryPath"),
]
VIDEO = [
    ("path", "text", "Path"),
    ("duration_s", "seconds", "DurationSeconds"),
    ("status", "text", "Status"),
    ("error", "prose", "Error"),
    ("version", "text", "Version"),
    ("notes", "prose", "Notes"),
]
LONGEST_PATH = 1000


def scene_of(fields: Fields, external_id: str) -> ToldScene:
    """Return a scene of the metadata."""
    block = fields.below("Telemetry")
    if block is None or not fields.told("SceneRetryBudget"):
        fields.find("V10", "Telemetry", "The scene lacks its telemetry or its retry budget.")
    report = _report(fields)
    scene = ToldScene(
        external_id,
        title=fields.text("SceneTitle", "StoryTitle", "Title"),
        frame_floor=fields.whole("FrameFloor"),
        history_polls=fields.whole("HistoryAttempts"),
        gpu_model=gpu_model_of(block) if block is not None else None,
        policy=policy_of(fields.below("HistoryConfig")),
        report=report,
    )
    best = _best(fields, block, scene)
    scene.exit_reason = exit_reason_of(best.script.exit_reason if best.script else None)
    if scene.history_polls is None and best.script is not None:
        scene.history_polls = best.script.history_polls
    signs = Signs(
        best.frames,
        scene.frame_floor,
        scene.exit_reason,
        report.video.get("status"),
        report.success_flag,
        (*report.errors, *(note.text for note in best.notes)),
    )
    best.outcome = outcome_of(signs)
    if _is_skipped(fields, block, report):
        scene.outcome = Outcome.SKIPPED
    else:
        scene.attempts = [_timed(attempt) for attempt in _attempts(fields, scene, best)]
    _check(fields, scene, best)
    return scene


def _report(fields: Fields) -> ToldSceneReport:
    video = _video(fields)
    frames = fields.whole("FrameCount")
    polls = fields.whole("HistoryAttempts")
    return ToldSceneReport(
        prompt=fields.prose("Prompt"),
        negative_prompt=fields.prose("NegativePrompt"),
        story=_named(fields, STORY),
        video=video,
        paths={name: path for name, key in PATHS if (path := fields.text(key, limit=LONGEST_PATH))},
        warnings=fields.texts("Warnings"),
        errors=fields.texts("Errors"),
        success_flag=fields.flag("Success"),
        floor_flag=fields.flag("MeetsFrameFloor"),
        requeued_flag=fields.flag("Requeued"),
        attempts_told=fields.whole("AttemptsRun"),
        frames_told=frames,
        # The second generation never counts: it writes the expected number once there is a video.
        frames_assumed=bool(video) and not polls and not fields.flag("HistoryRetrieved"),
    )


def _named(fields: Fields, names: list[Any]) -> dict[str, Any]:
    told = {name: getattr(fields, how)(*keys) for name, how, keys in names if fields.told(*keys)}
    return {name: value for name, value in told.items() if value is not None}


def _video(scene: Fields) -> dict[str, Any]:
    """Return the video block; notes V20."""
    fields = scene.below("Video")
    if fields is None:
        return {}
    for name in ("Path", "DurationSeconds", "Status", "UpdatedAt", "Error"):
        if not fields.has(name):
            fields.find("V20", name, f"{name} is missing.")
    video = _named(fields, [(name, how, (key,)) for name, how, key in VIDEO])
    updated_at = fields.moment("UpdatedAt")
    if updated_at is not None:
        video["updated_at"] = updated_at.isoformat()
    if "\\" in video.get("path", ""):
        fields.find("V20", "Path", "The path is not written with forward slashes.")
    if video.get("status") == "complete" and not video.get("path"):
        fields.find("V20", "Path", "A complete video has a path.")
    if video.get("status") == "missing" and not video.get("error"):
        fields.find("V20", "Error", "A missing video has an error.")
    return video


def _is_skipped(fields: Fields, block: Fields | None, report: ToldSceneReport) -> bool:
    """Say whether the scene was never queued."""
    told = block is not None or report.frames_told or fields.told("AttemptSummaries")
    return report.attempts_told == 0 and not told


# --- Attempts -----------------------------------------------------------------------------------


def _best(fields: Fields, block: Fields | None, scene: ToldScene) -> ToldAttempt:
    """Return the attempt that the scene's own figures are of."""
    report = scene.report
    script = script_of(block) if block is not None else ToldScript()
    script.history_retrieved = fields.flag("HistoryRetrieved")
    script.history_retrieved_at = fields.moment("HistoryRetrievedAt")
    script.history_errors = fields.texts("HistoryErrors", "HistoryError")
    script.warnings, script.errors = report.warnings, report.errors
    if script.history_polls is None:
        script.history_polls = scene.history_polls
    attempt = ToldAttempt(
        attempt_number=report.attempts_told or None,
        prompt_id=fields.text("PromptId") or "",
        client_id=fields.text("ClientId"),
        server=fields.text("Server", "ServerUrl", "ComfyUIUrl"),
        frames=None if report.frames_assumed else report.frames_told,
        submitted_at=script.queue_began_at,
        ended_at=_end(script),
        duration_s=block.seconds("DurationSeconds") if block is not None else None,
        script=script,
        polls=polls_of(fields),
        notes=notes_of(block) if block is not None else [],
    )
    if attempt.duration_s is None:
        attempt.duration_s = fields.seconds("DurationSeconds")
    memory = memory_of(block) if block is not None else None
    attempt.memory = [memory] if memory is not None else []
    delta_mb = delta_mb_of(block) if block is not None else None
    if delta_mb is not None:
        script.more["vram_delta_mb"] = delta_mb
    return attempt


def _end(script: ToldScript) -> datetime | None:
    """Return when it was over: copied, else when its history was first seen or fetched."""
    return script.queue_ended_at or script.history_retrieved_at or script.history_seen_at


def _timed(attempt: ToldAttempt) -> ToldAttempt:
    """Give an attempt of which begin and duration are told its end."""
    began_at, lasted_s = attempt.submitted_at, attempt.duration_s
    if attempt.ended_at is None and began_at is not None and lasted_s is not None:
        attempt.ended_at = began_at + timedelta(seconds=lasted_s)
    return attempt


def _attempts(fields: Fields, scene: ToldScene, best: ToldAttempt) -> list[ToldAttempt]:
    """Return all attempts, the best with the scene's figures in place of its summary."""
    attempts = [_summary(one, scene) for one in fields.each("AttemptSummaries")]
    told = scene.report.attempts_told
    if told is not None and told > max(len(attempts), 1):
        known = f"{told} attempts were made; {max(len(attempts), 1)} of them told."
        fields.find("attempts_untold", "AttemptSummaries", known)
    if not attempts:
        return [best]
    # Of attempts with as many frames the script kept the last.
    place = max(range(len(attempts)), key=lambda n: (attempts[n].frames or 0, n))
    own = attempts[place]
    best.attempt_number = own.attempt_number
    best.submitted_at = best.submitted_at or own.submitted_at
    if best.duration_s is None:
        best.duration_s = own.duration_s
    if best.frames is None and not scene.report.frames_assumed:
        best.frames = own.frames
    best.outcome = best.outcome or own.outcome
    attempts[place] = best
    return attempts


def _summary(fields: Fields, scene: ToldScene) -> ToldAttempt:
    errors, frames = fields.texts("Errors"), fields.whole("FrameCount")
    success = fields.flag("Success")
    script = ToldScript(
        history_retrieved=fields.flag("HistoryRetrieved"),
        history_polls=fields.whole("HistoryAttempts"),
        exit_reason=fields.text("HistoryExitReason"),
        warnings=fields.texts("Warnings"),
        errors=errors,
    )
    reason = exit_reason_of(script.exit_reason)
    signs = Signs(frames, scene.frame_floor, reason, success=success, messages=tuple(errors))
    memory = memory_of(fields) if fields.told("GPU") else None
    return ToldAttempt(
        attempt_number=fields.whole("Attempt") or None,
        prompt_id=fields.text("PromptId") or "",
        submitted_at=fields.moment("Timestamp"),
        duration_s=fields.seconds("DurationSeconds"),
        frames=frames,
        outcome=outcome_of(signs),
        script=script,
        memory=[memory] if memory is not None else [],
    )


# --- What does not agree ------------------------------------------------------------------------


def _check(fields: Fields, scene: ToldScene, best: ToldAttempt) -> None:
    report, script = scene.report, best.script
    told = report.attempts_told
    if scene.attempts and best.outcome is None:
        fields.find("outcome_unknown", "", "Nothing tells how the scene ended.")
    if told is not None and report.requeued_flag not in (None, told > 1):
        fields.find("requeued_mismatch", "Requeued", f"{told} attempts were made.")
    budget = fields.whole("SceneRetryBudget")
    if told is not None and budget is not None and told > budget + 1:
        fields.find("over_budget", "AttemptsRun", f"{told} attempts, {budget} retries allowed.")
    if script is not None:
        _check_script(fields, script, best)


def _check_script(fields: Fields, script: ToldScript, best: ToldAttempt) -> None:
    limit = script.more.get("poll_limit")
    if limit and script.history_polls is not None and script.history_polls > limit:
        fields.find(
            "over_poll_limit", "HistoryAttempts", f"{script.history_polls} polls, limit {limit}."
        )
    began_at, ended_at = script.queue_began_at, script.queue_ended_at
    if began_at is None or ended_at is None:
        return
    lasted_s = (ended_at - began_at).total_seconds()
    if lasted_s < 0:
        fields.find("ends_before_begin", "Telemetry.QueueEnd", "QueueEnd is before QueueStart.")
        best.ended_at = None
    elif best.duration_s is not None and abs(lasted_s - best.duration_s) > 1:
        told = f"{best.duration_s:g} s, but from QueueStart to QueueEnd {lasted_s:.1f} s."
        fields.find("duration_mismatch", "Telemetry.DurationSeconds", told)

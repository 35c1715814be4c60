"""artifact-metadata.json, of both generations of scripts that write it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from history.imports.errors import NotARun
from history.imports.fields import Fields, Reading
from history.imports.policy import differing, key_in, policy_of
from history.imports.scene import scene_of
from history.imports.times import from_run_id
from history.imports.told import ToldAttempt, ToldPolicy, ToldRun, ToldRunReport, ToldScene

LEGACY = {
    "MaxSceneRetries": "SceneRetryBudget",
    "ArchivePath": "Archive",
    "LLMHealthInfo": "Story.HealthCheck",
    "Title": "SceneTitle",
    "scenes": "Scenes",
}
# An object with any of these tells of a run, and one whose scenes have any of those.
SIGNS = ("RunId", "QueueConfig", "VitestLogs")
SCENE_SIGNS = ("SceneId", "Telemetry", "FrameCount", "HistoryAttempts")
PLACEHOLDERS = ("timestamp", "runid", "<runid>", "yyyymmdd-hhmmss", "string")
STORY = [
    ("logline", "prose", "Logline"),
    ("directors_vision", "prose", "DirectorsVision"),
    ("generator", "text", "Generator"),
    ("file", "text", "File"),
    ("folder", "text", "StoryDir"),
    ("scene_count", "whole", "SceneCount"),
]
LLM = [
    ("enabled", "flag", "enabled"),
    ("status", "text", "status"),
    ("provider_url", "text", "providerUrl"),
    ("model", "text", "model"),
    ("request_format", "text", "requestFormat"),
    ("seed", "text", "seed"),
    ("temperature", "number", "temperature"),
    ("scenes_requested", "whole", "scenesRequested"),
    ("scenes_received", "whole", "scenesReceived"),
    ("duration_ms", "number", "durationMs"),
    ("error", "prose", "error"),
    ("started_at", "moment", "startedAt"),
    ("completed_at", "moment", "completedAt"),
]
HEALTH = [
    ("url", "text", "Url"),
    ("override", "text", "Override"),
    ("status", "text", "Status"),
    ("models", "whole", "Models"),
    ("error", "prose", "Error"),
    ("skipped", "flag", "Skipped"),
    ("skip_reason", "text", "SkipReason"),
    ("checked_at", "moment", "Timestamp"),
]
TESTS = [
    ("comfy_exit", "whole", "comfyExit"),
    ("e2e_exit", "whole", "e2eExit"),
    ("scripts_exit", "whole", "scriptsExit"),
    ("run_folder", "text", "runDir"),
    ("tested_at", "moment", "timestamp"),
]
SUITE = [
    ("suite", "text", "Suite"),
    ("exit_code", "whole", "ExitCode"),
    ("duration_ms", "number", "DurationMs"),
    ("log", "text", "LogPath"),
    ("started_at", "moment", "StartedAt"),
]
LOGS = [
    ("comfyui", "text", "ComfyUI"),
    ("e2e", "text", "E2E"),
    ("scripts", "text", "Scripts"),
    ("results", "text", "ResultsJson"),
]
HELPERS = [("mapping_preflight", "MappingPreflight"), ("comfyui_status", "ComfyUIStatus")]
_ARCHIVE = re.compile(r"comfyui-e2e-(.+?)\.zip$", re.IGNORECASE)
MOST_SUITES = 200
MOST_SCENES = 10_000


def run_of(root: Fields) -> ToldRun:
    """Return the run that the metadata tells; raises NotARun where it is about something else."""
    if not root.has(*SIGNS) and not any(one.has(*SCENE_SIGNS) for one in root.each("Scenes")):
        helper = root.text("helper")
        what = f"It is the summary of the helper {helper}" if helper else "No run is told there"
        raise NotARun(f"{what}: none of {', '.join((*SIGNS, 'Scenes'))}")
    story = root.below("Story")
    if story is None or not story.told("Id"):
        root.find("V03", "Story.Id", "Story.Id is missing.")
    told_at = root.moment("Timestamp")
    policy = _policy(root)
    run = ToldRun(
        kind="artifact-metadata",
        external_id=_identity(root),
        source=root.text("Source", limit=80),
        story_id=story.text("Id") if story is not None else None,
        title=story.text("Title") if story is not None else None,
        submitter=root.text("User", "Submitter"),
        told_at=told_at,
        policy=policy,
        report=_report(root, story),
        scenes=list(_scenes(root, policy)),
    )
    if not run.scenes:
        root.find("V03", "Scenes", "There is no scene.")
    if {scene.report.frames_told for scene in run.scenes} == {0}:
        root.find("V02", "Scenes", "No frame was copied at all.")
    run.began_at = _begin(root, run)
    return run


def _identity(root: Fields) -> str:
    """Return the run's own id, "" where it has none; notes what stands in for it."""
    own = root.text("RunId")
    if own is not None:
        if own.lower() in PLACEHOLDERS:
            root.find("placeholder", "RunId", f"\"{own}\" is an example's, not a run's.")
        return own
    folder = re.split(r"[\\/]+", (root.text("RunDir", limit=1000) or "").rstrip("\\/"))[-1]
    archive = _ARCHIVE.search(root.text("Archive", "ArchivePath", limit=1000) or "")
    found = (folder or (archive[1] if archive else ""))[:200]
    taken = f'taken from its folder or archive: "{found}"' if found else "taken from its content"
    root.find("no_run_id", "RunId", f"RunId is missing; {taken}.")
    return found


def _policy(root: Fields) -> ToldPolicy | None:
    config = root.below("QueueConfig")
    policy = policy_of(config)
    if policy is None or policy.retry_budget is None:
        root.find("V03", "QueueConfig", "QueueConfig, or its SceneRetryBudget, is missing.")
    return policy


def _scenes(root: Fields, policy: ToldPolicy | None) -> Iterator[ToldScene]:
    taken: dict[str, int] = {}
    for place, fields in enumerate(root.each("Scenes"), 1):
        if place > MOST_SCENES:
            root.find("too_long", "Scenes", f"More than {MOST_SCENES} scenes; those are kept.")
            return
        scene = scene_of(fields, _scene_id(fields, place, taken))
        _hold_against(policy, scene, fields)
        root.reading.findings.scene = None
        yield scene


def _scene_id(fields: Fields, place: int, taken: dict[str, int]) -> str:
    """Return the scene's own id, with a number where another has it; `taken` counts them.

    From here on findings are about this scene.
    """
    own = fields.text("SceneId", "Id", limit=190)
    wanted = own or f"scene-{place:03}"
    found = wanted
    while found in taken:
        taken[wanted] += 1
        found = f"{wanted}#{taken[wanted]}"
    taken[found] = 1
    fields.reading.findings.scene = found
    if own is None:
        fields.find("no_scene_id", "SceneId", "The scene has no id.")
    if found != wanted:
        fields.find("same_scene_twice", "SceneId", f'"{wanted}" again; kept as "{found}".')
    return found


def _hold_against(policy: ToldPolicy | None, scene: ToldScene, fields: Fields) -> None:
    """Note where a scene waits otherwise than its run says; keep its policy only then."""
    told = fields.below("HistoryConfig" if scene.policy else "Telemetry")
    own = scene.policy or policy_of(told)
    if own is None or policy is None or told is None:
        return
    other = differing(policy, own)
    for name, (of_run, of_scene) in other.items():
        key = key_in(told, name)
        told.find("policy_mismatch", key, f"{key} {of_scene:g}, the run's is {of_run:g}.")
    scene.policy = own if other else None


def _begin(root: Fields, run: ToldRun) -> datetime | None:
    """Return when the run began: its first attempt, else what comes nearest to that; notes it."""
    attempts = [attempt for scene in run.scenes for attempt in scene.attempts]
    begun = [one.submitted_at for one in attempts if one.submitted_at]
    if begun:
        return min(begun)
    found, taken = _assumed_begin(root, run, attempts)
    root.find("began_assumed", "", f"When the run began is not told; taken {taken}.")
    return found


def _assumed_begin(
    root: Fields, run: ToldRun, attempts: list[ToldAttempt]
) -> tuple[datetime | None, str]:
    """Return what stands for the begin, and from where; metadata are written at a run's end."""
    if named := from_run_id(run.external_id, root.reading.zone):
        return named, "from its id"
    begun = [
        one.ended_at - timedelta(seconds=one.duration_s)
        for one in attempts
        if one.ended_at is not None and one.duration_s is not None
    ]
    if begun:
        return min(begun), "from when its first scene ended and how long that took"
    if run.told_at:
        return run.told_at, "from when its file was written"
    return None, "as when it was imported"


# --- Beside the scenes --------------------------------------------------------------------------


def _report(root: Fields, story: Fields | None) -> ToldRunReport:
    health = (story.below("HealthCheck") if story is not None else None) or root.below(
        "LLMHealthInfo"
    )
    paths = {"run_folder": root.text("RunDir", limit=1000)}
    paths["archive"] = root.text("Archive", "ArchivePath", limit=1000)
    return ToldRunReport(
        story=named(story, STORY),
        llm=named(story.below("LLM") if story is not None else None, LLM),
        health_check=named(health, HEALTH),
        tests=_tests(root),
        helpers=_helpers(root),
        paths={name: path for name, path in paths.items() if path},
        warnings=story.texts("Warnings") if story is not None else [],
    )


def named(fields: Fields | None, names: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Return what an object tells under our names; times as text, for JSON."""
    if fields is None:
        return {}
    told = {name: getattr(fields, how)(key) for name, how, key in names if fields.told(key)}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in told.items()
        if value is not None
    }


def _tests(root: Fields) -> dict[str, Any]:
    logs, summary = root.below("VitestLogs"), root.below("VitestSummary")
    if logs is None or not all(logs.told(key) for key in ("ComfyUI", "E2E", "Scripts")):
        root.find("V03", "VitestLogs", "The three paths of test logs are not all there.")
    tests = tests_of(summary) if summary is not None else {}
    if found := named(logs, LOGS):
        tests["logs"] = found
    return tests


def tests_of(summary: Fields) -> dict[str, Any]:
    """Return the results of test suites: exit codes, and each suite with its duration."""
    suites = [named(suite, SUITE) for suite in summary.each("suites")]
    return {**named(summary, TESTS), "suites": suites[:MOST_SUITES]}


def _helpers(root: Fields) -> dict[str, Any]:
    helpers, told = root.below("HelperSummaries"), {}
    for name, key in HELPERS:
        below = helpers.below(key) if helpers is not None else None
        told[name] = named(below, [("summary", "text", "Summary"), ("log", "text", "Log")])
        if "summary" not in told[name]:
            root.find("V05", f"HelperSummaries.{key}", f"The summary of {key} is not named.")
        elif "log" not in told[name]:
            root.find("V05", f"HelperSummaries.{key}.Log", f"The log of {key} is not named.")
    return {name: below for name, below in told.items() if below}


def reading_of(reading: Reading) -> Reading:
    """Return the reading with the old names of this file's keys."""
    return Reading(reading.findings, reading.at, reading.zone, LEGACY)

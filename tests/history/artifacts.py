"""Files of submitters' scripts, made up in the shape of real ones: plain builders of JSON."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2025, 11, 12, 10, 22, 13, tzinfo=UTC)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def iso(seconds: float) -> str:
    """Return a time so many seconds after BEGAN, as .NET writes it in New York in winter."""
    at = BEGAN + timedelta(seconds=seconds) - timedelta(hours=5)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}0-05:00"


def gpu(before_mb: float = 20870.0, after_mb: float = 16409.0, **fields: Any) -> dict[str, Any]:
    """Return a GPU block."""
    usual = {
        "Name": "cuda:0 NVIDIA GeForce RTX 3090 : cudaMallocAsync",
        "Type": "cuda",
        "Index": 0,
        "VramTotal": 25_769_803_776,
        "VramFreeBefore": round(before_mb * 1_048_576),
        "VramFreeAfter": round(after_mb * 1_048_576),
        "VramBeforeMB": before_mb,
        "VramAfterMB": after_mb,
        "VramDeltaMB": after_mb - before_mb,
    }
    return {**usual, **fields}


def telemetry(start_s: float = 0.0, lasted_s: float = 124.8, **fields: Any) -> dict[str, Any]:
    """Return a whole telemetry block."""
    usual = {
        "QueueStart": iso(start_s),
        "QueueEnd": iso(start_s + lasted_s),
        "DurationSeconds": lasted_s,
        "MaxWaitSeconds": 600,
        "PollIntervalSeconds": 2,
        "HistoryAttempts": 63,
        "HistoryAttemptLimit": 0,
        "PollLimit": "unbounded",
        "HistoryExitReason": "postExecution",
        "HistoryPostExecutionTimeoutReached": True,
        "PostExecutionTimeoutSeconds": 30,
        "ExecutionSuccessDetected": True,
        "ExecutionSuccessAt": iso(start_s + 94),
        "SceneRetryBudget": 1,
        "DoneMarkerDetected": True,
        "DoneMarkerWaitSeconds": 0.5,
        "DoneMarkerPath": None,
        "ForcedCopyTriggered": False,
        "ForcedCopyDebugPath": None,
        "GPU": gpu(),
        "System": {"FallbackNotes": []},
    }
    return {**usual, **fields}


def scene(number: int = 1, start_s: float = 0.0, **fields: Any) -> dict[str, Any]:
    """Return a scene of the first generation that came out well."""
    name = f"scene-{number:03}"
    usual = {
        "SceneId": name,
        "StoryTitle": f"The {number}. of Harbor",
        "StorySummary": "A boat comes in.",
        "Prompt": "a boat at dawn",
        "NegativePrompt": "blurry",
        "FrameFloor": 25,
        "FrameCount": 25,
        "DurationSeconds": 124.8,
        "FramePrefix": f"gemdirect1_{name}",
        "HistoryPath": rf"C:\Dev\logs\20251112-102213\{name}\history.json",
        "HistoryRetrieved": True,
        "HistoryRetrievedAt": iso(start_s + 94),
        "HistoryAttempts": 63,
        "HistoryPollLog": [],
        "HistoryErrors": [],
        "Success": True,
        "MeetsFrameFloor": True,
        "Warnings": [],
        "Errors": [],
        "AttemptsRun": 1,
        "Requeued": False,
        "AttemptSummaries": [],
        "SceneRetryBudget": 1,
        "HistoryConfig": None,
        "Telemetry": telemetry(start_s),
    }
    return {**usual, **fields}


def metadata(scenes: Any = None, **fields: Any) -> dict[str, Any]:
    """Return an artifact-metadata.json of the first generation without anything odd."""
    usual = {
        "RunId": "20251112-102213",
        "Timestamp": iso(400),
        "RunDir": r"C:\Dev\logs\20251112-102213",
        "Story": {
            "Id": "story-harbor",
            "Logline": "A harbor wakes.",
            "DirectorsVision": "Calm.",
            "Generator": "local-llm",
            "File": "story.json",
            "StoryDir": "story",
        },
        "Scenes": [scene(n, 130.0 * (n - 1)) for n in (1, 2, 3)] if scenes is None else scenes,
        "QueueConfig": {
            "SceneRetryBudget": 1,
            "HistoryMaxWaitSeconds": 600,
            "HistoryPollIntervalSeconds": 2,
            "HistoryMaxAttempts": 0,
            "PostExecutionTimeoutSeconds": 30,
        },
        "VitestLogs": {"ComfyUI": "a.log", "E2E": "b.log", "Scripts": "c.log", "ResultsJson": None},
        "Archive": "artifacts/comfyui-e2e-20251112-102213.zip",
        "HelperSummaries": {
            "MappingPreflight": {"Summary": "a.json", "Log": "a.log"},
            "ComfyUIStatus": {"Summary": "b.json", "Log": "b.log"},
        },
    }
    return {**usual, **fields}


def second_generation(**fields: Any) -> dict[str, Any]:
    """Return a scene of the second generation: a video, no polls, a frame count nobody counted."""
    video = {
        "Path": "video/scene-001/harbor.mp4",
        "DurationSeconds": 3.125,
        "Status": "complete",
        "UpdatedAt": iso(200),
        "Error": None,
    }
    usual = {
        "FramePrefix": "video/scene-001",
        "FrameFloor": 1,
        "FrameCount": 81,
        "HistoryRetrieved": False,
        "HistoryRetrievedAt": None,
        "HistoryAttempts": 0,
        "Video": video,
        "Telemetry": telemetry(HistoryAttempts=0, HistoryExitReason="success"),
    }
    return scene(**{**usual, **fields})


def poll_log(lines: int, start_s: float = 0.0) -> list[dict[str, Any]]:
    """Return a poll log as the scripts write it."""
    return [
        {
            "Attempt": n + 1,
            "Timestamp": iso(start_s + 2 * n),
            "Status": "success" if n > 45 else "pending",
            "Message": None,
        }
        for n in range(lines)
    ]


def as_bytes(value: Any) -> bytes:
    """Return JSON as PowerShell writes it: indented."""
    return json.dumps(value, indent=2).encode()


SUMMARY = """\
E2E Story-to-Video Run: 20251112-102213
[10:22:13] Story ready: story-harbor (3 scenes)
[10:22:13] Story logline: A harbor wakes.
[10:22:14] Queue policy: sceneRetries=1 | historyMaxWait=600s | historyPollInterval=2s | \
historyMaxAttempts=unbounded | postExecutionTimeout=30s
{scenes}[10:29:00] Scene summary: 3/3 succeeded | total frames=75 | requeues=0
[10:29:00] Total frames copied: 75
[10:30:00] Vitest comfyUI exitCode=0
[10:30:00] Vitest e2e exitCode=0
[10:30:00] Vitest scripts exitCode=0
## Artifact Index
"""
SCENE_LINES = """\
[10:24:18] [Scene {name}][Attempt 1] Frames=25 Duration=124.8s Prefix=gemdirect1_{name}
[10:24:18] [Scene {name}] History saved (attempts=63)
[10:24:18] [Scene {name}][Attempt 1] Telemetry: DurationSeconds=124.8s | MaxWaitSeconds=600s | \
PollIntervalSeconds=2s | HistoryAttempts=63 | pollLimit=unbounded | SceneRetryBudget=1 | \
HistoryExitReason=postExecution | ExecutionSuccessDetected=True | DoneMarkerDetected=True | \
DoneMarkerWaitSeconds=0.5s | ForcedCopyTriggered=False | GPU={{NVIDIA GeForce RTX 3090}} | \
VramBeforeMB=20870MB | VramAfterMB=16409MB | VramDeltaMB=-4461MB
"""


def summary(names: tuple[str, ...] = ("scene-001", "scene-002", "scene-003")) -> str:
    """Return the run-summary.txt that goes with `metadata()`."""
    return SUMMARY.format(scenes="".join(SCENE_LINES.format(name=name) for name in names))

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


def _without(block: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in names}


MARKERS = (
    *("DoneMarkerDetected", "DoneMarkerWaitSeconds", "DoneMarkerPath"),
    *("ForcedCopyTriggered", "ForcedCopyDebugPath"),
)


def first_whole_file() -> dict[str, Any]:
    """Return a file from before done markers and videos; its scene has another limit than it."""
    card = _without(gpu(10240.0, 9664.0), "Type", "Index", "VramTotal")
    block = telemetry(
        HistoryAttempts=3, HistoryAttemptLimit=3, HistoryExitReason="success", GPU=card
    )
    block |= {"HistoryPostExecutionTimeoutReached": False, "DurationSeconds": 10}
    waited = _without(block, *MARKERS, "QueueStart", "QueueEnd", "PollLimit")
    one = scene(DurationSeconds=10, HistoryAttempts=3, HistoryAttemptLimit=3, Telemetry=waited)
    return _without(metadata([one], RunId="test"), "HelperSummaries")


def waited_in_vain() -> dict[str, Any]:
    """Return a part of a file: one scene, as an object, of which nothing came in its time."""
    block = telemetry(HistoryAttempts=0, HistoryExitReason="maxWait", MaxWaitSeconds=30)
    block |= {"GPU": gpu(16000.0, 16133.7), "ExecutionSuccessDetected": False}
    block |= {"HistoryPostExecutionTimeoutReached": False, "DoneMarkerDetected": False}
    partial = _without(block, "QueueStart", "QueueEnd", "ExecutionSuccessAt", "SceneRetryBudget")
    video = {"Path": None, "DurationSeconds": None, "Status": "missing", "UpdatedAt": iso(60)}
    fields = {"FrameCount": 0, "Success": False, "MeetsFrameFloor": False}
    fields |= {"HistoryRetrieved": False, "HistoryRetrievedAt": None, "HistoryAttempts": 0}
    fields |= {"Errors": ["No frames copied"], "Video": {**video, "Error": "MP4 missing"}}
    return {"Scenes": scene(Telemetry=partial, **fields), "Timestamp": iso(60)}


# Quoted in reports with parts left out: no JSON, as they stand.
ENVELOPE = b"""{
  "RunId": "20251118-083434",
  "QueueConfig": {
    "SceneRetryBudget": 0, "HistoryMaxWaitSeconds": 30, "HistoryPollIntervalSeconds": 1,
    "HistoryMaxAttempts": 0, "PostExecutionTimeoutSeconds": 15
  },
  "Scenes": [...]
}"""
LEGACY = b"""{
  "RunId": "20251111-164341",
  "Scenes": [ { "SceneId": "scene-001", "FrameCount": 25, ... } ]
}"""
CONTRACT = b"""{
  // as it is documented
  "LLMHealthInfo": { "Status": "success", "Models": 3 },
  "Scenes": [ { "SceneId": "scene_001", "Title": "Harbor" } ],
  "ArchivePath": "artifacts/run.zip"
}"""


def envelope() -> dict[str, Any]:
    """Return the quoted envelope as it was before parts were left out: a hasty policy."""
    policy = {"SceneRetryBudget": 0, "HistoryMaxWaitSeconds": 30, "HistoryPollIntervalSeconds": 1}
    policy |= {"HistoryMaxAttempts": 0, "PostExecutionTimeoutSeconds": 15}
    return metadata(RunId="20251118-083434", QueueConfig=policy)


def legacy() -> dict[str, Any]:
    """Return a whole file from before telemetry and policy."""
    one = _without(scene(), "Telemetry", "HistoryConfig", "SceneRetryBudget")
    return _without(metadata([one], RunId="20251111-164341"), "QueueConfig", "HelperSummaries")


def contract() -> dict[str, Any]:
    """Return the documented example as JSON, with its names that no script writes."""
    one = {"Title": "Harbor", **scene(SceneId="scene_001")}
    told = _without(metadata([_without(one, "StoryTitle")]), "Archive")
    return {**told, "ArchivePath": "artifacts/run.zip", "LLMHealthInfo": {"Status": "success"}}


def placeholders() -> dict[str, Any]:
    """Return an example with words of choice and kinds of value in place of values."""
    words = "success|maxWait|attemptLimit|postExecution"
    block = telemetry(lasted_s=10, ExecutionSuccessAt="ISO-8601", HistoryExitReason=words)
    block |= {"GPU": _without(gpu(10240.0, 9664.0), "VramTotal", "Type", "Index")}
    block |= {"System": {"FallbackNotes": ["nvidia-smi fallback triggered"]}}
    waited = _without(block, *MARKERS, "QueueStart", "QueueEnd", "PollLimit")
    one = {"SceneId": "scene-001", "Telemetry": waited, "SceneRetryBudget": 1}
    return {"RunId": "timestamp", "QueueConfig": metadata()["QueueConfig"], "Scenes": [one]}


def newest() -> dict[str, Any]:
    """Return a file of the newest scripts: chained frames, interpolation, a video; unnamed."""
    processed = {"FLF2VEnabled": True, "FLF2VSource": "last-frame", "FLF2VFallback": False}
    processed |= {"InterpolationElapsed": 1250, "UpscaleMethod": "RIFE", "FinalFPS": 60}
    block = telemetry(SceneRetryBudget=3, FinalResolution="1920x1080", **processed)
    told = metadata([second_generation(SceneRetryBudget=3, Telemetry=block)])
    told["QueueConfig"]["SceneRetryBudget"] = 3
    return _without(told, "RunId", "Timestamp")


# Whole files in the shape of each sample that is known of real scripts, by their usual numbers.
SAMPLES = {
    "01": first_whole_file,
    "02": waited_in_vain,
    "03": envelope,
    "04": legacy,
    "05": contract,
    "06": placeholders,
    "07": newest,
}
QUOTED = {"03": (ENVELOPE, 7, 14), "04": (LEGACY, 3, 59), "05": (CONTRACT, 2, 3)}


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

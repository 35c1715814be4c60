"""Files as a submitting script leaves them, made up: artifact-metadata.json of the first kind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
GIB = 1 << 30
POLL_S = 2


def write_files(folder: Path, runs: int, scenes: int, polls: int, chance: Random) -> Iterator[Path]:
    """Write a file for each run, with so many scenes, each with so many polls; yield its path."""
    for number in range(runs):
        path = folder / f"run-{number:04d}" / "artifact-metadata.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(document(number, scenes, polls, chance)), "utf-8")
        yield path


def document(number: int, scenes: int, polls: int, chance: Random) -> dict[str, Any]:
    """Return what a script says of a run: an hour after the run before it."""
    at = BEGIN + timedelta(hours=number)
    return {
        "RunId": f"bench-{number:06d}-{chance.getrandbits(32):08x}",
        "Timestamp": _time(at),
        "Story": {"Id": "story-bench", "Logline": "A ferry enters the harbour"},
        "QueueConfig": {"SceneRetryBudget": 1, "HistoryMaxWaitSeconds": 600},
        "Scenes": [_scene(place, at, polls, chance) for place in range(scenes)],
    }


def _scene(place: int, began_at: datetime, polls: int, chance: Random) -> dict[str, Any]:
    took_s = round(chance.lognormvariate(4.8, 0.1), 1)
    at = began_at + timedelta(seconds=place * 200 + took_s)
    return {
        "SceneId": f"scene-{place + 1:03d}",
        "Prompt": "Crowd waits on the quay, slow push-in, warm rim light",
        "FrameFloor": 25,
        "FrameCount": 25,
        "DurationSeconds": took_s,
        "HistoryRetrievedAt": _time(at),
        "HistoryPollLog": [
            {
                "Attempt": poll + 1,
                "Timestamp": _time(at - timedelta(seconds=POLL_S * (polls - poll))),
                "Status": "pending" if poll + 1 < polls else "success",
            }
            for poll in range(polls)
        ],
        "Success": True,
        "MeetsFrameFloor": True,
        "HistoryRetrieved": True,
        "HistoryAttempts": polls,
        "AttemptsRun": 1,
        "Telemetry": _telemetry(took_s, at, polls, chance),
    }


def _telemetry(took_s: float, at: datetime, polls: int, chance: Random) -> dict[str, Any]:
    before, after = 20 * GIB, round(chance.uniform(3, 5) * GIB)
    return {
        "DurationSeconds": took_s,
        "MaxWaitSeconds": 600,
        "PollIntervalSeconds": POLL_S,
        "HistoryAttempts": polls,
        "HistoryExitReason": "success",
        "ExecutionSuccessDetected": True,
        "ExecutionSuccessAt": _time(at),
        "SceneRetryBudget": 1,
        "GPU": {
            "Name": "NVIDIA GeForce RTX 4090",
            "VramFreeBefore": before,
            "VramFreeAfter": after,
            "VramDelta": after - before,
        },
        "System": {"FallbackNotes": []},
    }


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")

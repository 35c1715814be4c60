"""A process that writes a night's work through the recorder and tells how fast that was.

Started by the benchmark `collector`, on the database of its stack.
"""

import json
import sys
import time
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta

import django

PROMPTS = 6_000


def main() -> None:
    """Write PROMPTS prompts of ten servers, and then the same again."""
    django.setup()
    told = _told()
    first_s, again_s = _write(told), _write(told)
    sys.stdout.write(json.dumps({"first_s": first_s, "again_s": again_s, "rows": _rows()}) + "\n")


def _told() -> list[tuple[object, list[object], list[object]]]:
    from telemetry.leases import claim
    from telemetry.models import Server, Team

    team = Team.objects.create(slug="writer", name="writer")
    for n in range(10):
        Server.objects.create(team=team, name=f"w{n}", url=f"http://127.0.0.1:1/{n}", enabled=True)
    leased = claim("writer", datetime.now(UTC))
    began = datetime(2026, 11, 1, tzinfo=UTC)
    return [_prompt(leased[n % 10], n, began) for n in range(PROMPTS)]


def _prompt(leased: object, n: int, began: datetime) -> tuple[object, list[object], list[object]]:
    from telemetry import transitions as t
    from telemetry.activity import Happening
    from telemetry.graph import GraphFacts
    from telemetry.identity import Identity
    from telemetry.words import Grade, Outcome, Tone

    key, at = t.Key(f"prompt-{n:08d}"), began + timedelta(seconds=n)
    words = {"run_id": f"run-{n // 10}", "scene_id": f"scene-{n % 10:03d}", "user": "mira"}
    changes: list[object] = [
        t.AttemptSeen(key, at, float(n), Identity(words=words), GraphFacts(), None, at),
        t.AttemptStarted(key, at, Grade.MEASURED),
        *(
            t.NodeFinished(key, str(node), "KSampler", at, at + timedelta(seconds=1))
            for node in range(3)
        ),
        t.AttemptEnded(key, Outcome.SUCCESS, Grade.MEASURED, at, at + timedelta(seconds=9)),
    ]
    lines: list[object] = [
        Happening(kind, Tone.OK, "s-completed", f"scene {n} {kind}", at, "", key)
        for kind in ("queued", "started", "ended")
    ]
    return leased, changes, lines


def _write(told: list[tuple[object, list[object], list[object]]]) -> float:
    from history.recorder import Writer

    writer = Writer()
    futures = [writer.record(*one) for one in told]  # type: ignore[arg-type]
    began = time.monotonic()
    writer.start()
    wait(futures)
    took_s = time.monotonic() - began
    for future in futures:
        future.result()
    writer.stop()
    return took_s


def _rows() -> int:
    from history.models import ActivityEvent, Attempt, NodeExecution, Run, Scene

    return sum(
        model.objects.count() for model in (Run, Scene, Attempt, NodeExecution, ActivityEvent)
    )


if __name__ == "__main__":
    main()

"""Works with so many runs each, loaded into a site."""

import json
from typing import Any, Protocol

ROWS = """
import json
from datetime import timedelta
from random import Random
from django.utils import timezone
from history.models import Attempt, AttemptMemory, Run, RunServer, Scene
from telemetry.models import Server, Team
team, _ = Team.objects.get_or_create(slug="bench", defaults={{"name": "bench"}})
servers = [
    Server.objects.create(
        team=team, name=f"bench-{{n}}", url=f"http://127.0.0.1:{{n}}", enabled=False
    )
    for n in range(1, 4)
]
chance, now, newest, SCENES = Random({seed}), timezone.now(), {{}}, {scenes}
for count in {counts}:
    digest, runs, scenes, tries = f"{{count:064}}", [], [], []
    for n in range(count + 1):
        server = servers[n % len(servers)]
        at = now - timedelta(minutes=20 * (count - n) + 15)
        took = [600 * chance.lognormvariate(0, 0.1) for _ in range(SCENES)]
        done = SCENES - (chance.random() < 0.05 and n < count)
        run = Run(
            team=team, source="bench", external_id=f"{{count}}-{{n}}", title=f"Work {{count}}",
            began_at=at, touched_at=at, ended_at=at + timedelta(seconds=max(took)),
            outcome="success" if done == SCENES else "partial", duration_s=max(took),
            work_s=sum(took), scene_count=SCENES, success_count=done, failed_count=SCENES - done,
            success_rate=done / SCENES, attempt_count=SCENES, workload=digest, work=digest,
            gpu_model="RTX 5090",
        )
        runs.append(run)
        for place, seconds in enumerate(took):
            outcome = "success" if place < done else "failed"
            over = dict(outcome=outcome, began_at=at, duration_s=seconds, workload=digest)
            ended = dict(ended_at=at + timedelta(seconds=seconds), timed_by="comfyui")
            scene = Scene(
                team=team, run=run, external_id=f"scene-{{place + 1}}", position=place,
                attempt_count=1, server=server, gpu_model="RTX 5090", warmth="warm", **over, **ended
            )
            scenes.append(scene)
            tries.append(Attempt(
                server=server, scene=scene, prompt_id=f"{{count}}-{{n}}-{{place}}", status="ended",
                outcome=outcome, workload=digest, seen_at=at, submitted_at=at, started_at=at,
                duration_s=seconds, **ended
            ))
    Run.objects.bulk_create(runs)
    RunServer.objects.bulk_create([
        RunServer(run=run, server=servers[n % len(servers)], began_at=run.began_at)
        for n, run in enumerate(runs)
    ])
    Scene.objects.bulk_create(scenes, batch_size=500)
    Attempt.objects.bulk_create(tries, batch_size=500)
    AttemptMemory.objects.bulk_create([
        AttemptMemory(
            attempt=attempt, index=0, name="RTX 5090", total_bytes=32 << 30,
            free_lowest_bytes=int(chance.uniform(0, 16) * (1 << 30)), grade="polled", samples=9,
        ) for attempt in tries
    ], batch_size=500)
    newest[count] = runs[-1].pk
print("newest", json.dumps(newest))
"""


class Shell(Protocol):
    """A site in which code can be run."""

    def shell(self, code: str) -> str:
        """Run code with Django set up; return what it printed."""


def loaded(site: Shell, counts: tuple[int, ...], scenes: int, seed: int) -> dict[int, int]:
    """Load works of so many earlier runs of so many scenes; return the newest run of each."""
    said = site.shell(ROWS.format(counts=counts, scenes=scenes, seed=seed))
    told: dict[str, Any] = json.loads(said[said.index("newest ") + 7 :])
    return {int(count): int(pk) for count, pk in told.items()}

"""Load an invented history: servers with their environments, then runs, thousands at once."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any

from django.db import transaction

from history.bulk import load, reserve
from history.failures.keeping import keep
from history.failures.signature import FAILING
from history.invented.farm import MACHINES, VERSIONS, WORKLOADS, Machine
from history.invented.runs import InventedAttempt, InventedRun, InventedScene, Inventor, Span
from history.models import Attempt, AttemptMemory, Run, RunServer, Scene, Workload
from telemetry.models import Device, Environment, Server, Team
from telemetry.words import Outcome

SOURCE = "made-up"
# So many runs are in memory, and in a transaction, at once.
PART = 1000

RUN = (
    *("id", "team", "source", "external_id", "story_id", "title", "submitter", "began_at"),
    *("touched_at", "outcome", "ended_at", "duration_s", "work_s", "scene_count"),
    *("success_count", "partial_count", "failed_count", "cancelled_count", "lost_count"),
    *("success_rate", "attempt_count", "retried_count", "workload", "gpu_model", "work"),
)
SCENE = (
    *("id", "team", "run", "external_id", "outcome", "attempt_count", "began_at", "ended_at"),
    *("waited_s", "duration_s", "timed_by", "frames", "workload", "server", "gpu_model"),
    *("position", "warmth", "frame_floor"),
)
ATTEMPT = (
    *("id", "server", "scene", "prompt_id", "repeat", "attempt_number", "submitter", "workload"),
    *("extra_data", "status", "outcome", "outcome_grade", "reason", "found_later", "seen_at"),
    *("submitted_at", "started_at", "ended_at", "waited_s", "duration_s", "frames"),
    *("error_type", "error_message", "error_node", "error_node_type"),
)
MEMORY = (
    *("attempt", "index", "uuid", "name", "total_bytes"),
    *("free_before_bytes", "free_lowest_bytes", "free_after_bytes", "grade", "samples"),
)
SERVER = ("run", "server", "began_at")
COUNTED = (
    *(Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED),
    *(Outcome.CANCELLED, Outcome.LOST),
)
REASONS = {Outcome.CANCELLED: "interrupted", Outcome.LOST: "ComfyUI restarted"}


@dataclass(slots=True)
class Loaded:
    """How many rows there are of it."""

    runs: int = 0
    scenes: int = 0
    rows: int = 0


def load_history(
    team: Team, inventor: Inventor, span: Span, seed: int, done: Callable[[int], None]
) -> Loaded:
    """Load all runs that the inventor has; `done` hears of the scenes of each part."""
    loaded, servers = Loaded(), make_farm(team, span)
    note_kinds(span.begin)
    for part in _ahead(inventor.runs()):
        with transaction.atomic():
            rows = _Rows(team, servers, seed, part)
            loaded.rows += rows.load()
        loaded.runs += len(part)
        loaded.scenes += len(rows.scenes)
        done(len(rows.scenes))
    return loaded


def _ahead(runs: Iterator[InventedRun]) -> Iterator[list[InventedRun]]:
    """Yield parts of runs; the next one is invented while the database is at work on this."""
    with ThreadPoolExecutor(1, thread_name_prefix="invent") as thread:
        following = thread.submit(list, islice(runs, PART))
        while part := following.result():
            following = thread.submit(list, islice(runs, PART))
            yield part


def make_farm(team: Team, span: Span) -> dict[str, int]:
    """Return the invented servers' ids by name, made where they are not; nobody follows them."""
    ids = {}
    for place, machine in enumerate(MACHINES):
        url = f"http://{machine.name}.invalid:8188"
        fields = {"url": url, "enabled": False, "simulated": True, "position": 1000 + place}
        server, _ = Server.objects.get_or_create(
            team=team, name=machine.name, deleted_at=None, defaults=fields
        )
        ids[machine.name] = server.pk
        _furnish(server, machine, span)
    return ids


def _furnish(server: Server, machine: Machine, span: Span) -> None:
    """Give a server its card, and the update that came with the regression."""
    Device.objects.get_or_create(
        server=server,
        index=0,
        defaults={
            "name": f"cuda:0 NVIDIA {machine.card} : cudaMallocAsync",
            "model": machine.card,
            "kind": "cuda",
            "vram_total_bytes": machine.total_bytes,
            "seen_at": span.until,
        },
    )
    for since, (comfyui, torch) in zip((span.begin, span.regression_at), VERSIONS, strict=True):
        told = {"comfyui_version": comfyui, "pytorch_version": torch, "os": "linux"}
        Environment.objects.get_or_create(
            server=server, since=since, defaults={"fingerprint": comfyui.ljust(64, "-"), **told}
        )


class _Rows:
    """The rows of some runs, with ids of their own."""

    def __init__(
        self, team: Team, servers: dict[str, int], seed: int, runs: list[InventedRun]
    ) -> None:
        self.team, self.servers, self.seed = team, servers, seed
        self.runs: list[tuple[Any, ...]] = []
        self.scenes: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []
        self.memory: list[tuple[Any, ...]] = []
        self.of_servers: list[tuple[Any, ...]] = []
        self.failed: list[int] = []
        scenes = sum(len(run.scenes) for run in runs)
        attempts = sum(len(scene.attempts) for run in runs for scene in run.scenes)
        self._run = reserve(Run, len(runs))
        self._scene = reserve(Scene, scenes)
        self._attempt = reserve(Attempt, attempts)
        for run in runs:
            self._take(run)

    def load(self) -> int:
        """Load them; return how many rows there were."""
        tables = (
            (Run, RUN, self.runs),
            (RunServer, SERVER, self.of_servers),
            (Scene, SCENE, self.scenes),
            (Attempt, ATTEMPT, self.attempts),
            (AttemptMemory, MEMORY, self.memory),
        )
        count = sum(load(model, columns, rows) for model, columns, rows in tables)
        keep(self.failed)
        return count

    def _take(self, run: InventedRun) -> None:
        server = self.servers[run.machine.name]
        workload = run.workload.sha256 if run.is_identified else None
        for place, scene in enumerate(run.scenes):
            self._take_scene(run, scene, place, server, workload)
        self.runs.append(_run_row(self._run, self.team.pk, run, workload))
        self.of_servers.append((self._run, server, run.began_at))
        self._run += 1

    def _take_scene(
        self, run: InventedRun, scene: InventedScene, place: int, server: int, workload: str | None
    ) -> None:
        last, floor = scene.attempts[-1], run.workload.frames
        self.scenes.append(
            (
                *(self._scene, self.team.pk, self._run, scene.name, last.outcome.value),
                *(len(scene.attempts), last.started_at or last.submitted_at, last.ended_at),
                *(_waited_s(last), last.duration_s, "comfyui", last.frames, workload, server),
                *(run.machine.card, place, _warmth(scene, place), floor),
            )
        )
        for number, attempt in enumerate(scene.attempts, 1):
            self._take_attempt(run, attempt, number, server, workload)
        self._scene += 1

    def _take_attempt(
        self,
        run: InventedRun,
        attempt: InventedAttempt,
        number: int,
        server: int,
        workload: str | None,
    ) -> None:
        fault = attempt.fault
        why = (fault.type, fault.message, fault.node, fault.node_type) if fault else (None,) * 4
        prompt_id = str(uuid.UUID(int=(self.seed % 2**64) << 64 | self._attempt))
        grade = "polled" if attempt.outcome is Outcome.LOST else "measured"
        # ComfyUI calls a prompt a success of which too few frames came.
        partial = attempt.outcome is Outcome.PARTIAL
        outcome = Outcome.SUCCESS if partial else attempt.outcome
        self.attempts.append(
            (
                *(self._attempt, server, self._scene, prompt_id, 0, number, run.person, workload),
                *("{}", "ended", outcome.value, grade, REASONS.get(attempt.outcome, ""), False),
                *(attempt.submitted_at, attempt.submitted_at, attempt.started_at),
                *(attempt.ended_at, _waited_s(attempt), attempt.duration_s, attempt.frames, *why),
            )
        )
        if attempt.outcome in FAILING:
            self.failed.append(self._attempt)
        if attempt.free_bytes is not None:
            card = "", run.machine.card, run.machine.total_bytes
            self.memory.append((self._attempt, 0, *card, *attempt.free_bytes, "measured", 9))
        self._attempt += 1


def _waited_s(attempt: InventedAttempt) -> float | None:
    if attempt.started_at is None:
        return None
    return (attempt.started_at - attempt.submitted_at).total_seconds()


def _run_row(pk: int, team: int, run: InventedRun, workload: str | None) -> tuple[Any, ...]:
    """Return a run's row with its sums, as history/settling.py has them."""
    last = [scene.attempts[-1] for scene in run.scenes]
    outcomes = [attempt.outcome for attempt in last]
    counts = {outcome: outcomes.count(outcome) for outcome in COUNTED}
    began_at = min(attempt.started_at or attempt.submitted_at for attempt in last)
    ended_at = max(attempt.ended_at for attempt in last)
    known = [attempt.duration_s for attempt in last if attempt.duration_s is not None]
    return (
        *(pk, team, SOURCE, run.name, run.workload.story, run.workload.title, run.person),
        *(run.began_at, ended_at, _outcome(counts, len(last)), ended_at),
        *((ended_at - began_at) / timedelta(seconds=1), sum(known) if known else None, len(last)),
        *counts.values(),
        *(counts[Outcome.SUCCESS] / len(last), sum(len(s.attempts) for s in run.scenes)),
        *(sum(len(s.attempts) > 1 for s in run.scenes), workload, run.machine.card),
        workload and sha256(",".join([workload] * len(run.scenes)).encode()).hexdigest(),
    )


def _warmth(scene: InventedScene, place: int) -> str:
    """Return whether a scene began warm: the first of a run loads the models."""
    if scene.attempts[-1].duration_s is None:
        return "unknown"
    return "warm" if place or len(scene.attempts) > 1 else "cold"


def note_kinds(at: datetime) -> None:
    """Put on record what the invented workloads ask of a GPU."""
    Workload.objects.bulk_create(
        (
            Workload(
                digest=one.sha256,
                family=sha256(f"made-up {one.title}".encode()).hexdigest(),
                files=[["unet", f"{one.title.lower()}.safetensors"]],
                samplers=["euler"],
                first_seen_at=at,
                **{"steps": 20, "width": 1280, "height": 720, "frames": one.frames},
            )
            for one in WORKLOADS
        ),
        ignore_conflicts=True,
    )


def _outcome(counts: dict[Outcome, int], scenes: int) -> str:
    if counts[Outcome.SUCCESS] == scenes:
        return Outcome.SUCCESS.value
    if counts[Outcome.SUCCESS] + counts[Outcome.PARTIAL]:
        return Outcome.PARTIAL.value
    worst = (Outcome.FAILED, Outcome.LOST, Outcome.CANCELLED)
    return next(outcome.value for outcome in worst if counts[outcome])

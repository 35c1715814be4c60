"""Load an invented history: servers with their environments, then runs, thousands at once.

On PostgreSQL a large one is invented and written down as csv in a process of its own (apart.py),
while the database is at work on what came before.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice

from django.db import connection, transaction

from history.bulk import load, load_csv, reserve
from history.failures.keeping import keep
from history.invented.apart import Prepared, prepared_apart
from history.invented.farm import MACHINES, VERSIONS, WORKLOADS, Machine
from history.invented.rows import ATTEMPT, MEMORY, RUN, SCENE, SERVER, Ids, Place, Rows, count
from history.invented.runs import InventedRun, Inventor, Span
from history.models import Attempt, AttemptMemory, Run, RunServer, Scene, Workload
from telemetry.models import Device, Environment, Server, Team

# So many runs are in memory, and in a transaction, at once.
PART = 1000
# From so many parts on it is worth a process.
APART = 3
TABLES = (
    (Run, RUN),
    (RunServer, SERVER),
    (Scene, SCENE),
    (Attempt, ATTEMPT),
    (AttemptMemory, MEMORY),
)


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
    loaded, place = Loaded(), Place(team.pk, make_farm(team, span), seed)
    note_kinds(span.begin)
    is_large = inventor.run_count >= APART * PART
    by_itself = connection.vendor == "postgresql" and is_large
    for part in (_apart if by_itself else _here)(inventor, place):
        loaded.runs += part.runs
        loaded.scenes += part.scenes
        loaded.rows += part.rows
        done(part.scenes)
    return loaded


def _here(inventor: Inventor, place: Place) -> Iterator[Loaded]:
    """Load parts as they are invented."""
    for runs in _ahead(inventor.runs()):
        with transaction.atomic():
            rows = Rows(place, _reserved(count(runs)), runs)
            loaded = sum(
                load(model, columns, told)
                for (model, columns), told in zip(TABLES, rows.tables(), strict=True)
            )
            keep(rows.failed)
        yield Loaded(len(runs), len(rows.scenes), loaded)


def _ahead(runs: Iterator[InventedRun]) -> Iterator[list[InventedRun]]:
    """Yield parts of runs; the next one is invented while the database is at work on this."""
    with ThreadPoolExecutor(1, thread_name_prefix="invent") as thread:
        following = thread.submit(list, islice(runs, PART))
        while part := following.result():
            following = thread.submit(list, islice(runs, PART))
            yield part


def _apart(inventor: Inventor, place: Place) -> Iterator[Loaded]:
    """Load parts as another process has them ready."""
    for part in prepared_apart(inventor, place, PART, _reserved_at_once):
        yield _load_prepared(part)


def _load_prepared(part: Prepared) -> Loaded:
    with transaction.atomic():
        for (model, columns), text in zip(TABLES, part.texts, strict=True):
            load_csv(model, columns, text)
        keep(part.failed)
    return Loaded(part.count.runs, part.count.scenes, part.rows)


def _reserved_at_once(wanted: Ids) -> Ids:
    """Reserve ids in a transaction of its own, which nobody has to wait for long."""
    with transaction.atomic():
        return _reserved(wanted)


def _reserved(wanted: Ids) -> Ids:
    runs, scenes = reserve(Run, wanted.runs), reserve(Scene, wanted.scenes)
    return Ids(runs, scenes, reserve(Attempt, wanted.attempts))


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

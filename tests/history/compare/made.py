"""Runs that took given times, on record or in memory, for tests of comparisons."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from history.baseline.fingerprint import Fingerprint
from history.baseline.work import Work
from history.compare.align import rows_of
from history.compare.reading import Read
from history.judged.candidates import Kind, work_of_run
from history.models import Run, Scene
from history.settling import note_servers, settle
from telemetry.words import Outcome, Status
from tests import cast

BEGAN = timezone.now() - timedelta(days=2)
GONE = "gone"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def ran(server, *lasted, hours=0.0, outcomes=(), waited_s=0.0, workload="w" * 64, **fields):
    """Return a run of scenes that took so many seconds; None is one that nobody queued."""
    at = BEGAN + timedelta(hours=hours)
    run = cast.make_run(server.team, **{"began_at": at, "touched_at": at, **fields})
    for number, lasted_s in enumerate(lasted, 1):
        scene = cast.make_scene(run, external_id=f"scene-{number:03}")
        if lasted_s is None:
            continue
        outcome = outcomes[number - 1] if outcomes else Outcome.SUCCESS
        start = at + timedelta(seconds=waited_s)
        end = start + timedelta(seconds=lasted_s)
        times = {"seen_at": at, "submitted_at": at, "started_at": start, "ended_at": end}
        figures = {"duration_s": lasted_s, "waited_s": waited_s, "workload": workload}
        words = {"status": Status.ENDED, "outcome": outcome}
        cast.make_attempt(server, scene, **times, **figures, **words)
        at = end
    ids = list(Scene.objects.filter(run=run).values_list("pk", flat=True))
    settle(ids)
    note_servers(ids)
    return Run.objects.get(pk=run.pk)


def usual(server, count=8, scenes=3, **fields):
    """Put so many earlier runs on record, of about 100 s a scene."""
    return [
        ran(server, *[100 + (number % 3)] * scenes, hours=number - 40, **fields)
        for number in range(count)
    ]


def in_memory(times, spread=(), base=0, before=(), shifts=(0, 0)):
    """Return runs of these scene times as the page reads them.

    None is a scene that did not complete, GONE one that the run does not have.

    `spread` are the times of the earlier scenes at each place, `before` those of the earlier runs
    of each run. A run's scenes stand `shifts` places later than they are counted here.
    """
    kind = Kind("w", "RTX 4090", "comfyui")
    runs, scenes = [], []
    for number, lasted in enumerate(times, 1):
        began_at = NOON + timedelta(hours=number)
        name = f"run-{number}"
        runs.append(_run(pk=number, external_id=name, began_at=began_at))
        scenes.append([_scene(number, *told) for told in enumerate(lasted) if told[1] is not GONE])
        for scene in scenes[-1]:
            scene.position += shifts[(number - 1) % 2]
    like = [_work(place, value, n) for place in range(20) for n, value in enumerate(spread)]
    return Read(
        runs=runs,
        base=base,
        at=NOON + timedelta(days=1),
        rows=rows_of(scenes),
        scenes=scenes,
        names={},
        servers={},
        environments={},
        known={"w": Fingerprint("w")},
        lowest={},
        earlier={
            n: [_earlier_run(n, *told) for told in enumerate(of)] for n, of in enumerate(before, 1)
        },
        like={kind: like},
    )


def _run(**fields):
    alike = {"work": "k", "workload": "w", "gpu_model": "RTX 4090", "scene_count": 1}
    return Run(cached_count=0, open_count=0, **alike, **fields)


def _earlier_run(run, number, value):
    ended_at = NOON - timedelta(hours=number)
    return work_of_run(
        _run(pk=-1000 * run - number, outcome="success", work_s=value, ended_at=ended_at)
    )


def _scene(run, place, value):
    return Scene(
        pk=1000 * run + place,
        run_id=run,
        external_id=f"scene-{place}",
        position=place,
        outcome=Outcome.FAILED if value is None else Outcome.SUCCESS,
        ended_at=NOON + timedelta(hours=run, minutes=place),
        duration_s=value,
        open_count=0,
        cached=False,
        workload="w",
        gpu_model="RTX 4090",
        timed_by="comfyui",
        warmth="warm",
    )


def _work(place, value, number):
    ended_at = NOON - timedelta(hours=number)
    fingerprint = Fingerprint("w")
    told = {"gpu": "RTX 4090", "warmth": "warm", "position": place}
    return Work(-1 - number, fingerprint, value, ended_at, Outcome.SUCCESS, **told)

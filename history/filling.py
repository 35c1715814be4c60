"""Give old scenes what fair baselines need: batch by batch, safe to stop and to repeat."""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Count, QuerySet

from history.baseline.fingerprint import named_workload
from history.models import Attempt, Run, Scene
from history.settling import settle
from history.words import Origin
from history.workloads import fill_workloads
from telemetry.clock import now
from telemetry.leases import hold_off


def unfilled() -> "QuerySet[Scene]":
    """Return the scenes that have no place yet: that is how the filled ones are told apart."""
    return Scene.objects.filter(position=None)


def fill(size: int) -> Iterator[int]:
    """Fill all that lack it, some runs a transaction; yields how many scenes each filled."""
    after = 0
    while runs := _next(after, size):
        after = runs[-1]
        with transaction.atomic():
            hold_off(set(Run.objects.filter(pk__in=runs).values_list("team", flat=True)))
            ids = list(
                Scene.objects.filter(run__in=runs).order_by("pk").values_list("pk", flat=True)
            )
            _name(runs)
            told = Attempt.objects.filter(scene__in=ids).exclude(workload=None).order_by("pk")
            fill_workloads(
                ((pk, digest or "") for pk, digest in told.values_list("pk", "workload")), now()
            )
            settle(ids)
        yield len(ids)


def _next(after: int, size: int) -> list[int]:
    found = unfilled().filter(run__gt=after).order_by("run").values_list("run", flat=True)
    return sorted(set(found[:size]))


def _name(runs: list[int]) -> None:
    """Name the work of attempts that only a file told of, as history/filing/ does."""
    nameless = Attempt.objects.filter(scene__run__in=runs, origin=Origin.FILE, workload=None)
    scenes = Scene.objects.filter(attempts__in=nameless).distinct().select_related("run")
    sizes = dict(
        Scene.objects.filter(run__in=runs).order_by().values_list("run").annotate(Count("pk"))
    )
    for scene in scenes:
        workload = told_workload(scene, sizes[scene.run_id])
        nameless.filter(scene=scene).update(workload=workload)


def told_workload(scene: Scene, scenes: int) -> str | None:
    """Return the name of the work of a scene without a graph, one of so many of its run.

    Its story, else whose script it was; how many scenes there were; how many frames were asked for.
    A script's times are its own, so its work is never that of a graph.
    """
    run = scene.run
    story = run.story_id or run.title or f"of {run.source}"
    return named_workload("told", story, scenes, scene.frame_floor).workload

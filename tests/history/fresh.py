"""A team's first runs, and the addresses of all pages of the history that tell of them."""

from datetime import timedelta

from django.urls import reverse

from history.models import Scene
from history.settling import note_servers, settle
from telemetry.words import Status
from tests.cast import NOON, make_attempt, make_run, make_scene


def submit(server, count, status=Status.ENDED, outcome="success"):
    """Return so many runs of one scene each, of the same work, an hour apart."""
    runs = []
    for number in range(count):
        at = NOON + timedelta(hours=number)
        run = make_run(server.team, began_at=at, touched_at=at, title=f"Harbor {number}")
        over = status == Status.ENDED
        make_attempt(
            server,
            make_scene(run, external_id="scene-1"),
            workload="w" * 64,
            status=status,
            outcome=outcome if over else None,
            submitted_at=at,
            started_at=None if status == Status.QUEUED else at + timedelta(seconds=3),
            ended_at=at + timedelta(seconds=60 + number) if over else None,
            duration_s=57.0 + number if over else None,
        )
        runs.append(run)
    ids = list(Scene.objects.filter(run__in=runs).values_list("pk", flat=True))
    settle(ids)
    note_servers(ids)
    return runs


def pages_of(server, runs):
    """Return the addresses of all pages of the history of these runs."""
    slug = server.team.slug
    team = {"slug": slug}
    pages = [
        reverse(name, kwargs=team) for name in ("runs", "runs_timeline", "compare", "failures")
    ]
    pages.append(reverse("server_page", kwargs={**team, "pk": server.pk}))
    for run in runs[-1:]:
        scene = run.scenes.get()
        of_run = {**team, "pk": run.pk}
        of_scene = {**team, "run_pk": run.pk, "pk": scene.pk}
        pages.append(reverse("run_page", kwargs=of_run))
        pages += [
            reverse("run_chart_page", kwargs={**of_run, "name": name})
            for name in ("duration", "success", "memory")
        ]
        pages.append(reverse("scene_page", kwargs=of_scene))
        pages.append(reverse("scene_chart_page", kwargs={**of_scene, "name": "duration"}))
    ids = ",".join(str(run.pk) for run in runs)
    if len(runs) > 1:
        pages.append(f"{reverse('compare', kwargs=team)}?runs={ids}")
        pages.append(f"{reverse('compare_table', kwargs=team)}?runs={ids}")
    return pages

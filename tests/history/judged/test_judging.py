"""Baselines from the record: the ladder's rungs, warmth, GPUs, and what old rows lack."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from history.baseline.ladder import Reason, Rung
from history.judged import candidates
from history.judged.judging import judge_run, judge_runs
from history.models import Attempt, Run, Scene, Workload
from history.settling import settle
from history.words import Origin
from telemetry.words import Status
from tests import cast

pytestmark = pytest.mark.django_db

BEGAN = timezone.now() - timedelta(days=30)
SDXL = [["checkpoint", "sdxl.safetensors"]]


@pytest.fixture
def server():
    server = cast.make_server(cast.make_team("Northlight"), name="kino-01")
    cast.make_device(server, index=0, model="RTX 4090")
    return server


def kind(digest="w", family="f", steps=20, files=SDXL):
    size = {"steps": steps, "width": 1000, "height": 1000}
    return cast.make_workload(digest, family=family, files=files, samplers=["euler"], **size)


def ran(server, hour, *lasted, workload="w", outcome="success", **fields):
    """Return a run that began in an hour, its scenes one after the other."""
    at = BEGAN + timedelta(hours=hour)
    run = cast.make_run(server.team, began_at=at, touched_at=at)
    for number, lasted_s in enumerate(lasted, 1):
        scene = cast.make_scene(run, external_id=f"scene-{number}")
        end = at + timedelta(seconds=lasted_s)
        times = {"seen_at": at, "submitted_at": at, "started_at": at, "ended_at": end}
        words = {"status": Status.ENDED, "outcome": outcome, "workload": workload}
        cast.make_attempt(server, scene, duration_s=lasted_s, **{**times, **words, **fields})
        at = end
    settle(Scene.objects.filter(run=run).values_list("pk", flat=True))
    return Run.objects.get(pk=run.pk)


def judged(run):
    scenes = list(Scene.objects.filter(run=run).order_by("position"))
    told = judge_run(run, scenes, timezone.now())
    return told.run, [told.scenes[scene.pk] for scene in scenes]


def test_a_slow_run_is_worse_than_usual(server):
    kind()
    for hour in range(10):
        ran(server, hour, 60 + hour % 3, 50)

    run, [first, second] = judged(ran(server, 20, 90, 50))

    assert (run.deviation.standing, run.baseline.rung) == ("worse than usual", Rung.EXACT)
    assert (first.deviation.standing, second.deviation.standing) == ("worse than usual", "as usual")
    assert first.deviation.n == 9  # of ten the first one of all: nobody knows whether it was warm
    assert first.baseline.left_out == {Reason.OTHER_WARMTH: 1}


def test_work_on_another_gpu_is_no_baseline(server):
    kind()
    other = cast.make_server(server.team, name="kino-02")
    cast.make_device(other, index=0, model="H200")
    for hour in range(6):
        ran(other, hour, 30)

    run, [scene] = judged(ran(server, 20, 60))

    assert (run.baseline.n, scene.baseline.n) == (0, 0)
    assert run.baseline.left_out == {Reason.OTHER_GPU: 6}


def test_work_of_another_team_is_no_baseline(server):
    kind()
    other = cast.make_server(cast.make_team("Southlight"))
    cast.make_device(other, index=0, model="RTX 4090")
    for hour in range(6):
        ran(other, hour, 60)
    here = ran(server, 20, 60)

    run, [scene] = judged(here)

    assert (run.baseline.n, scene.baseline.n) == (0, 0)
    assert judge_runs([here])[here.pk].baseline.n == 0


def test_work_that_a_script_timed_is_no_baseline_of_what_comfyui_timed(server):
    kind()
    for hour in range(6):
        ran(server, hour, 60, timed_by="script")

    _, [scene] = judged(ran(server, 20, 60, timed_by="comfyui"))

    assert scene.baseline.n == 0


def test_a_run_that_began_before_and_ended_later_is_no_baseline(server):
    kind()
    ran(server, 19, 7200)

    run, [scene] = judged(ran(server, 20, 60))

    assert (run.baseline.n, scene.baseline.n) == (0, 0)
    assert run.baseline.left_out == {Reason.LATER: 1}


def test_later_runs_take_no_place_among_those_that_are_read(server, monkeypatch):
    monkeypatch.setattr(candidates, "RUNS", 6)
    monkeypatch.setattr(candidates, "FEWEST", 6)
    monkeypatch.setattr(candidates, "PER_PLACE", 1)
    kind()
    runs = [ran(server, hour, 60) for hour in range(13)]

    run, [scene] = judged(runs[6])

    assert (run.baseline.n, scene.baseline.n) == (6, 5)  # of the first nobody knows the warmth


def test_the_last_twenty_make_a_baseline_and_more_make_the_trend(server):
    kind()
    for hour in range(30):
        ran(server, hour, 60 + hour)

    run, _ = judged(ran(server, 40, 60))

    assert run.baseline.values == tuple(range(70, 90))
    assert (len(run.history), run.baseline.left_out) == (27, {Reason.OLDER: 10})


def test_in_a_list_archived_runs_are_no_baseline(server):
    kind()
    for hour in range(6):
        ran(server, hour, 60)
    Run.objects.filter(began_at__lt=BEGAN + timedelta(hours=2)).update(archived_at=BEGAN)
    run = ran(server, 20, 60)

    baseline = judge_runs([run])[run.pk].baseline

    assert (baseline.n, baseline.left_out[Reason.ARCHIVED]) == (4, 2)


def test_in_a_list_runs_on_other_gpus_take_no_place_among_those_that_are_read(server, monkeypatch):
    monkeypatch.setattr(candidates, "LISTED", 5)
    kind()
    other = cast.make_server(server.team, name="kino-02")
    cast.make_device(other, index=0, model="H200")
    for hour in range(5):
        ran(server, hour, 60)
        ran(other, 10 + hour, 30)
    run = ran(server, 20, 60)

    assert judge_runs([run])[run.pk].baseline.n == 5


def test_a_run_of_more_scenes_is_compared_scaled(server):
    kind()
    for hour in range(6):
        ran(server, hour, 60, 60)

    run, _ = judged(ran(server, 20, 60, 60, 60))

    assert (run.baseline.rung, run.baseline.median) == (Rung.SCALED, pytest.approx(180))


def test_more_steps_of_the_same_family_are_compared_scaled(server):
    kind()
    kind("larger", steps=30)
    for hour in range(7):
        ran(server, hour, 60)

    _, [scene] = judged(ran(server, 20, 90, workload="larger"))

    assert (scene.baseline.rung, scene.baseline.median) == (Rung.SCALED, pytest.approx(90))
    assert scene.baseline.n == 6


def test_other_models_are_context_and_no_judgement(server):
    kind()
    kind("flux", files=[["unet", "flux.safetensors"]])
    ran(server, 0, 60)
    for hour in range(1, 7):
        ran(server, hour, 60)
    ran(server, 19, 60, workload="flux")

    _, [scene] = judged(ran(server, 20, 90, workload="flux"))

    assert scene.baseline.rung is Rung.FAMILY
    assert scene.deviation.standing == "cannot be compared"


def test_a_run_that_failed_is_not_called_fast(server):
    kind()
    for hour in range(8):
        ran(server, hour, 60)

    run, [scene] = judged(ran(server, 20, 5, outcome="failed"))

    assert (run.deviation.standing, scene.deviation.standing) == ("cannot be compared",) * 2


def test_a_scene_is_cold_after_other_models_warm_after_its_own_and_unknown_before_all(server):
    kind()
    kind("flux", files=[["unet", "flux.safetensors"]])

    runs = [ran(server, 0, 60), ran(server, 1, 60), ran(server, 2, 60, workload="flux")]

    told = [Scene.objects.get(run=run).warmth for run in runs]
    assert told == ["unknown", "warm", "cold"]


def test_a_scene_is_cold_after_a_restart_and_after_memory_ran_out(server):
    kind()
    ran(server, 0, 60)
    cast.make_activity(server, kind="restarted", at=BEGAN + timedelta(minutes=30))
    restarted = ran(server, 1, 60)
    ran(server, 2, 60, outcome="failed", error_type="torch.OutOfMemoryError")
    dropped = ran(server, 3, 60)

    assert [Scene.objects.get(run=run).warmth for run in (restarted, dropped)] == ["cold", "cold"]


def test_what_came_out_of_the_cache_is_no_baseline(server):
    kind()
    for hour in range(6):
        ran(server, hour, 0.2, cached_nodes=7, node_count=7)

    run, [scene] = judged(ran(server, 20, 60))

    assert (run.baseline.n, scene.baseline.n) == (0, 0)
    assert run.baseline.left_out == {Reason.CACHED: 6}


def test_scenes_have_their_place_by_name(server):
    run = ran(server, 0, *[60] * 11)

    places = Scene.objects.filter(run=run).order_by("position")
    names = list(places.values_list("external_id", flat=True))
    assert names == [f"scene-{number}" for number in range(1, 12)]


GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl.safetensors"}},
    "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 512}},
    "3": {"class_type": "KSampler", "inputs": {"steps": 20, "model": ["1", 0], "seed": 7}},
}


def of_before(server):
    """Return a run as an older Scenewatch left it, with its graph, and one that a file told."""
    run = ran(server, 0, 60, 60, workload="digest")
    attempt = Attempt.objects.filter(scene__run=run).first()
    cast.make_graph(attempt, GRAPH)
    told = ran(server, 1, 60, workload=None, origin=Origin.FILE)
    Scene.objects.update(position=None)
    Run.objects.update(work=None)
    return run, told


def test_old_rows_are_filled_in_batches(server, capsys):
    run, told = of_before(server)

    call_command("fill_baselines", "--batch=1")

    workload = Workload.objects.get(digest="digest")
    assert (workload.steps, workload.width, workload.files) == (20, 1024, SDXL)
    assert list(Scene.objects.filter(run=run).values_list("position", flat=True)) == [0, 1]
    assert Run.objects.filter(work=None).count() == 0
    assert Scene.objects.get(run=told).workload is not None
    assert "Filled 3 scenes" in capsys.readouterr().out


def test_filling_again_finds_nothing_to_do(server, capsys):
    of_before(server)
    call_command("fill_baselines")
    before = json.dumps(list(Scene.objects.order_by("pk").values()), default=str)

    call_command("fill_baselines")

    assert capsys.readouterr().out.endswith("Filled 0 scenes.\n")
    assert json.dumps(list(Scene.objects.order_by("pk").values()), default=str) == before

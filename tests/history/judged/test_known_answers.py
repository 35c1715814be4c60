"""Three real runs of three scenes through the record, whose figures were worked out by hand."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from history.baseline.ladder import Reason, Rung
from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.judged.judging import judge_run
from history.models import Run, Scene
from tests import cast
from tests.history.artifacts import NOW, as_bytes, iso, metadata, scene, telemetry

pytestmark = pytest.mark.django_db

RUNS = {
    "20251111-164341": (128.8, 124.8, 128.8),
    "20251112-050747": (128.9, 124.8, 124.8),
    "20251112-102213": (136.8, 124.8, 124.7),
}
DAY_S = 86_400


def file_all(team, runs=RUNS, **fields):
    """Import the runs, a day after each other."""
    for day, (name, lasted) in enumerate(runs.items()):
        scenes = [
            scene(
                number,
                DurationSeconds=lasted_s,
                Telemetry=telemetry(DAY_S * day + 140 * (number - 1), lasted_s),
            )
            for number, lasted_s in enumerate(lasted, 1)
        ]
        value = metadata(scenes, RunId=name, Timestamp=iso(DAY_S * day + 600), **fields)
        (told,) = read(File("x", as_bytes(value)), NOW)
        file_run(told, Into(team, NOW, name="artifact-metadata.json", size_bytes=9))


def file_table(team, runs=RUNS):
    """Import the runs from a table that tells no times, as reports have them."""
    lines = [
        f"{name},scene-{number:03},1,25,25,{lasted_s},success"
        for name, lasted in runs.items()
        for number, lasted_s in enumerate(lasted, 1)
    ]
    head = "run_id,scene_id,attempt,frames,frame_floor,duration_s,exit_reason"
    data = "\n".join([head, *lines]).encode()
    for told in read(File("runs.csv", data), NOW):
        file_run(told, Into(team, NOW, name="runs.csv", size_bytes=len(data)))


def judged(name="20251112-102213"):
    run = Run.objects.get(external_id=name)
    scenes = list(Scene.objects.filter(run=run).order_by("position"))
    told = judge_run(run, scenes, timezone.now())
    return told.run, [told.scenes[one.pk] for one in scenes]


@pytest.fixture
def team():
    return cast.make_team("Northlight")


def test_it_compares_the_third_run_with_the_first_two(team):
    file_all(team)

    run, _ = judged()

    assert (run.baseline.rung, run.baseline.n) == (Rung.EXACT, 2)
    assert run.baseline.median == pytest.approx(380.45, abs=0.005)
    assert run.deviation.delta == pytest.approx(5.85, abs=0.005)
    assert 100 * run.deviation.change == pytest.approx(1.54, abs=0.005)
    assert (run.deviation.standing, run.deviation.level) == ("as usual", "Low")
    assert run.trend.verdict == "stable"


def test_it_compares_each_scene_with_the_same_scene(team):
    file_all(team)

    _, scenes = judged()

    medians = [one.baseline.median for one in scenes]
    assert medians == pytest.approx([128.85, 124.8, 126.8], abs=0.005)
    deltas = [one.deviation.delta for one in scenes]
    assert deltas == pytest.approx([7.95, 0.0, -2.1], abs=0.005)
    assert [one.baseline.n for one in scenes] == [2, 2, 2]


def test_runs_whose_ends_nobody_told_are_compared_by_their_begins(team):
    file_table(team)

    run, scenes = judged()

    assert not Run.objects.exclude(ended_at=None).exists()
    assert (run.baseline.rung, run.baseline.n) == (Rung.EXACT, 2)
    assert run.deviation.delta == pytest.approx(5.85, abs=0.005)
    assert 100 * run.deviation.change == pytest.approx(1.54, abs=0.005)
    deltas = [one.deviation.delta for one in scenes]
    assert deltas == pytest.approx([7.95, 0.0, -2.1], abs=0.005)


def test_of_runs_without_ends_what_began_later_is_in_no_baseline(team):
    file_table(team)

    run, scenes = judged("20251112-050747")

    assert [one.baseline.n for one in (run, *scenes)] == [1, 1, 1, 1]
    assert run.deviation.delta == pytest.approx(378.5 - 382.4, abs=0.005)


def test_runs_with_and_without_ends_are_one_history(team):
    file_table(team, dict(list(RUNS.items())[:1]))
    file_all(team, dict(list(RUNS.items())[1:]))
    Run.objects.update(gpu_model=None)
    Scene.objects.update(gpu_model=None, workload="w" * 64)
    Run.objects.update(work="w" * 64, workload="w" * 64)

    run, scenes = judged()

    assert [one.baseline.n for one in (run, *scenes)] == [2, 2, 2, 2]


def test_a_run_is_never_in_its_own_baseline(team):
    file_all(team)

    run, scenes = judged()

    own = set(Scene.objects.filter(run_id=run.work.id).values_list("pk", flat=True))
    assert run.work.id not in run.baseline.ids
    assert not own & {pk for one in scenes for pk in one.baseline.ids}


def test_what_came_later_is_in_no_baseline(team):
    file_all(team)

    run, scenes = judged("20251111-164341")

    assert (run.baseline.n, [one.baseline.n for one in scenes]) == (0, [0, 0, 0])


def test_archived_and_open_runs_are_in_no_baseline(team):
    file_all(team)
    Run.objects.filter(external_id="20251111-164341").update(archived_at=NOW)
    Run.objects.filter(external_id="20251112-050747").update(open_count=1, outcome=None)

    run, scenes = judged()

    assert (run.baseline.n, [one.baseline.n for one in scenes]) == (0, [0, 0, 0])
    assert run.baseline.left_out == {Reason.ARCHIVED: 1, Reason.UNFINISHED: 1}


def test_another_teams_runs_are_in_no_baseline(team):
    file_all(cast.make_team("Southlight"), dict(list(RUNS.items())[:2]))
    file_all(team, {"20251112-102213": (136.8, 124.8, 124.7)})
    Run.objects.filter(team=team).update(began_at=NOW)
    Scene.objects.filter(run__team=team).update(ended_at=NOW)

    run, scenes = judged()

    assert (run.baseline.n, [one.baseline.n for one in scenes]) == (0, [0, 0, 0])


@pytest.mark.parametrize("count", [3, 30])
def test_it_asks_the_record_a_fixed_number_of_times(team, count):
    file_all(team, {name: lasted * (count // 3) for name, lasted in RUNS.items()})
    run = Run.objects.get(external_id="20251112-102213")
    scenes = list(Scene.objects.filter(run=run))

    with CaptureQueriesContext(
        connection,
    ) as asked:
        judge_run(run, scenes, timezone.now())

    assert len(asked) == 3

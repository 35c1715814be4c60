"""Runs of which a table tells the times of their scenes, and not when these ended."""

import re

import pytest
from django.utils import timezone

from history.baseline.ladder import Reason, Rung
from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.judged.judging import judge_run, judge_runs
from history.models import Run, Scene
from tests import cast
from tests.history.artifacts import NOW

pytestmark = pytest.mark.django_db

# Three real runs as their reports have them: ids, seconds, nothing of when.
TABLE = """run_id,scene_id,attempt,frames,frame_floor,duration_s,success
20251111-164341,scene-001,1,25,25,128.8,true
20251111-164341,scene-002,1,25,25,124.8,true
20251111-164341,scene-003,1,25,25,128.8,true
20251112-050747,scene-001,1,25,25,128.9,true
20251112-050747,scene-002,1,25,25,124.8,true
20251112-050747,scene-003,1,25,25,124.8,true
20251112-102213,scene-001,1,25,25,136.8,true
20251112-102213,scene-002,1,25,25,124.8,true
20251112-102213,scene-003,1,25,25,124.7,true
"""


@pytest.fixture
def people():
    return cast.make_cast()


@pytest.fixture
def team(people):
    team = people.northlight
    for told in read(File("reported.csv", TABLE.encode()), NOW):
        file_run(told, Into(team, NOW, name="reported.csv", size_bytes=9))
    return team


def judged(name):
    run = Run.objects.get(external_id=name)
    scenes = list(Scene.objects.filter(run=run).order_by("position"))
    told = judge_run(run, scenes, timezone.now())
    return told.run, [told.scenes[one.pk] for one in scenes]


def test_it_makes_up_no_end(team):
    assert set(Run.objects.values_list("ended_at", "duration_s")) == {(None, None)}


def test_it_compares_the_third_run_with_the_first_two(team):
    run, _ = judged("20251112-102213")

    assert (run.baseline.rung, run.baseline.n) == (Rung.EXACT, 2)
    assert run.baseline.median == pytest.approx(380.45, abs=0.005)
    assert run.deviation.delta == pytest.approx(5.85, abs=0.005)
    assert 100 * run.deviation.change == pytest.approx(1.54, abs=0.005)


def test_it_compares_each_scene_with_the_same_scene(team):
    _, scenes = judged("20251112-102213")

    medians = [one.baseline.median for one in scenes]
    assert medians == pytest.approx([128.85, 124.8, 126.8], abs=0.005)
    assert [one.baseline.n for one in scenes] == [2, 2, 2]


def test_what_began_later_is_in_no_baseline(team):
    run, scenes = judged("20251112-050747")

    assert (run.baseline.n, [one.baseline.n for one in scenes]) == (1, [1, 1, 1])


def test_a_list_compares_them_alike(team):
    third = Run.objects.get(external_id="20251112-102213")

    own = judge_runs([third])[third.pk]

    assert (own.baseline.n, own.baseline.median) == (2, pytest.approx(380.45, abs=0.005))


def test_one_that_goes_on_is_still_not_finished(team):
    Run.objects.filter(external_id="20251111-164341").update(open_count=1, outcome=None)
    Scene.objects.filter(run__external_id="20251111-164341").update(open_count=1)

    run, scenes = judged("20251112-102213")

    assert run.baseline.left_out == {Reason.UNFINISHED: 1}
    assert [one.baseline.n for one in scenes] == [1, 1, 1]


def test_its_page_tells_the_known_answer(team, people, client):
    client.force_login(people.bob)
    run = Run.objects.get(external_id="20251112-102213")

    html = client.get(f"/teams/northlight/runs/{run.pk}/").content.decode()

    told = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\xa0", " ")
    assert "All 3 scenes completed after 6m 26s of work." in told
    assert re.search(r"\+5\.[89] s, *1\.5%", told)
    assert "Compared with the same work (n = 2)." in told

"""The report of a sweep: its numbers, worked out by hand, on the page and after an import."""

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from history.models import Run
from tests.cast import Cast, make_cast, make_run, make_scene
from tests.history.artifacts import as_bytes, metadata, scene, second_generation, telemetry

pytestmark = pytest.mark.django_db

# In the shape of what was reported of real runs: a scene without attempts that came to frames, one
# that was tried again, blanks where nobody reported.
TABLE = """\
run_id,scene_id,attempt,frames,frame_floor,duration_s,exit_reason,success,requeued
20251111-164341,scene-001,1,25,25,128.8,,true,false
20251111-164341,scene-002,1,25,25,124.8,,true,false
20251111-184623,scene-001,1,0,25,10.1,,false,true
20251111-184623,scene-001,2,0,25,4.1,,false,true
20251113-213801,scene-001,2,2,25,,,,true
20251113-213801,scene-002,1,2,25,,,,true
20251113-213801,scene-002,2,25,25,,,,true
20251113-213801,scene-003,2,20,25,,,,true
"""
# By hand, best attempts alone: 25 + 25; 0; 2 + 25 + 20; of the metadata below 25 of a scene that is
# counted, and a video whose 81 frames nobody counted.
RUNS, SCENES, FRAMES, COUNTED = 4, 8, 50 + 0 + 47 + 25, 7


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def bob(cast: Cast, client: Client) -> Client:
    client.force_login(cast.bob)
    return client


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    (tmp_path / "runs.csv").write_text(TABLE)
    noted = telemetry(System={"FallbackNotes": ["Forced copy", "Forced copy again"]})
    second = {**second_generation(), "SceneId": "scene-002"}
    scenes = [scene(Telemetry=noted, Warnings=["Slow", "Slower"]), second]
    (tmp_path / "artifact-metadata.json").write_bytes(as_bytes(metadata(scenes)))
    return tmp_path


def imported(cast: Cast, path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_runs", str(path), "--team", "northlight", *options, stdout=out)
    return out.getvalue()


def report(client: Client, query: str = "") -> dict[str, str]:
    answer = client.get(f"/teams/northlight/runs/report/{query}")
    assert answer.status_code == 200
    html = re.sub(r"\s+", " ", answer.content.decode())
    told = html.split('id="report"')[1].split("</dl>")[0] if 'id="report"' in html else ""
    lines = re.findall(r"<dt>([^<]*)</dt><dd>(.*?)</dd>", told)
    return {name: re.sub(r"<[^>]*>", "", value).strip() for name, value in lines}


def test_the_numbers_are_those_that_were_worked_out_by_hand(
    bob: Client, cast: Cast, sweep: Path
) -> None:
    imported(cast, sweep)

    assert report(bob) == {
        "Runs": f"{RUNS}",
        "Scenes": f"{SCENES}",
        "Frames": f"{FRAMES} of the {COUNTED} scenes whose frames are told",
        "Frames per scene": f"{FRAMES / COUNTED:.1f}",
        "Runs with notes": "1 of 4 that files told of",
        "Runs with warnings": "1 of 4 that files told of",
    }


def test_it_writes_thousands_apart(bob: Client, cast: Cast) -> None:
    make_scene(make_run(cast.northlight), frames=115_056)

    assert report(bob)["Frames"].startswith("115,056 of the 1 scene whose")


def test_an_import_ends_with_the_report_of_its_files(cast: Cast, sweep: Path) -> None:
    make_scene(make_run(cast.northlight), frames=1000)
    first = imported(cast, sweep)
    again = imported(cast, sweep)

    said = (
        "As a sweep: 4 runs, 8 scenes, 122 frames (17.4 a scene of 7 whose frames are told); "
        "1 with notes, 1 with warnings."
    )
    assert said in first
    assert "4 unchanged" in again
    assert said in again


def test_what_was_imported_under_a_name_is_a_sweep(bob: Client, cast: Cast, sweep: Path) -> None:
    make_scene(make_run(cast.northlight), frames=1000)
    imported(cast, sweep / "runs.csv", "--source", "sweep-7")

    told = report(bob, "?source=sweep-7")

    assert (told["Runs"], told["Frames"]) == ("3", "97")
    assert told["Runs with notes"] == "0 of 3 that files told of"


def test_it_keeps_to_the_filters_of_the_list(bob: Client, cast: Cast, sweep: Path) -> None:
    imported(cast, sweep)

    told = report(bob, "?status=partial")
    html = bob.get("/teams/northlight/runs/?status=partial&cursor=x").content.decode()

    assert (told["Runs"], told["Scenes"], told["Frames"]) == ("1", "3", "47")
    assert 'href="/teams/northlight/runs/report/?status=partial"' in html


def test_each_run_stands_there_with_its_own(bob: Client, cast: Cast, sweep: Path) -> None:
    imported(cast, sweep)
    make_run(cast.northlight, external_id="watched")

    html = bob.get("/teams/northlight/runs/report/").content.decode()

    rows = {
        re.findall(r">([\w-]+)</a>", row)[0]: re.findall(r'<td class="num">([^<]*)</td>', row)
        for row in html.split('id="rows-title"')[1].split("</tr>")[1:-1]
    }
    assert rows["20251113-213801"] == ["3", "47", "15.7", "0", "0"]
    assert rows["story-harbor"] == ["2", "25", "25.0", "2", "2"]
    assert rows["20251111-184623"] == ["1", "0", "0.0", "0", "0"]
    assert rows["watched"] == ["0", "not reported", "–", "not reported", "not reported"]


def test_runs_that_were_only_watched_have_no_notes_to_count(bob: Client, cast: Cast) -> None:
    make_scene(make_run(cast.northlight, scene_count=1))

    told = report(bob)

    assert told["Frames"] == told["Runs with notes"] == "not reported"
    assert told["Frames per scene"] == "–"


def test_where_no_run_matches_it_says_so(bob: Client) -> None:
    assert "No run matches" in bob.get("/teams/northlight/runs/report/").content.decode()


@pytest.mark.parametrize("many", [3, 30])
def test_it_asks_as_often_for_many_runs(bob: Client, cast: Cast, many: int) -> None:
    for _ in range(many):
        make_scene(make_run(cast.northlight, revision=1), frames=2)
    report(bob)

    with CaptureQueriesContext(connection) as asked:
        report(bob)

    assert len(asked) == 12, "\n".join(q["sql"][:160] for q in asked.captured_queries)
    assert Run.objects.count() == many

"""Runs through both doors: POST /api/v1/runs and manage.py import_runs."""

import io
import json
import threading
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.asgi import ASGIRequest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.json_text import LARGEST_BYTES
from history.imports.reading import File, read
from history.ingest_api import _body
from history.models import Attempt, Finding, Run, RunRevision, Scene
from telemetry.api_errors import Refusal
from telemetry.leases import claim, hold_off
from telemetry.models import Role, Scope
from tests.api import program, signed_in, token_text
from tests.cast import NOON, join, make_cast, make_run, make_server
from tests.history.artifacts import NOW, as_bytes, metadata, scene, summary, telemetry

pytestmark = pytest.mark.django_db
URL = "/api/v1/runs"
# The three whole runs of real reports that the roadmap verifies by: seconds of each scene.
KNOWN = {
    "20251111-164341": (128.8, 124.8, 128.8),
    "20251112-050747": (128.9, 124.8, 124.8),
    "20251112-102213": (136.8, 124.8, 124.7),
}


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def olga(cast):
    """Return a program with an ingest token of olga's."""
    return program(token_text(cast.olga, cast.northlight, Scope.INGEST))


def post(client, value, **asked):
    data = value if isinstance(value, bytes) else as_bytes(value)
    query = "&".join(f"{key}={told}" for key, told in asked.items())
    return client.post(f"{URL}?{query}" if query else URL, data, "application/json")


# --- The API ------------------------------------------------------------------------------------


def test_it_takes_in_a_run_and_says_what_came_of_it(cast, olga):
    response = post(olga, metadata([scene(Telemetry=None)]), name="artifact-metadata.json")

    assert response.status_code == 201
    (told,) = response.json()["runs"]
    run = Run.objects.get()
    assert (told["id"], told["external_id"], told["result"], told["revision"]) == (
        *(run.pk, "20251112-102213", "created"),
        1,
    )
    assert [(f["code"], f["scene"]) for f in told["findings"]] == [
        ("V10", "scene-001"),
        ("began_assumed", None),
    ]
    revision = RunRevision.objects.get()
    assert (revision.name, revision.user) == ("artifact-metadata.json", cast.olga)
    assert run.team == cast.northlight


def test_the_same_again_is_unchanged_and_another_content_a_revision(olga):
    statuses = [post(olga, value).status_code for value in (metadata(), metadata())]
    changed = post(olga, metadata(Archive="b.zip"))

    assert (statuses, changed.status_code) == ([201, 200], 200)
    assert changed.json()["runs"][0]["result"] == "revised"


def test_a_finding_has_code_level_path_and_scene(olga):
    odd = scene(FrameFloor=-1, DurationSeconds="124.8", Telemetry=telemetry(DurationSeconds=None))

    findings = post(olga, metadata([odd])).json()["runs"][0]["findings"]

    told = {(one["code"], one["level"], one["path"], one["scene"]) for one in findings}
    assert ("out_of_range", "error", "Scenes[0].FrameFloor", "scene-001") in told
    assert ("number_as_text", "warning", "Scenes[0].DurationSeconds", "scene-001") in told
    assert all(one["message"] for one in findings)


def test_what_is_no_json_is_refused_with_line_and_column(olga):
    response = post(olga, b'{\n  "RunId": "a",\n  // why\n}')

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["where"]) == (
        *(422, "invalid"),
        "line 3, column 3",
    )


def test_what_tells_of_no_run_is_refused(olga):
    assert post(olga, {"helper": "ComfyUIStatus"}).status_code == 422


def test_more_than_twenty_megabytes_is_refused(olga):
    response = post(olga, b" " * (LARGEST_BYTES + 1))

    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_more_than_twenty_megabytes_of_unsaid_length_is_refused(olga):
    scope = {"type": "http", "method": "POST", "path": URL, "query_string": b"", "headers": []}
    request = ASGIRequest(scope, io.BytesIO(b" " * (LARGEST_BYTES + 1)))

    with pytest.raises(Refusal) as refused:
        _body(request)

    assert refused.value.status == 413


def test_a_form_of_more_than_twenty_megabytes_is_refused(olga):
    file = SimpleUploadedFile("artifact-metadata.json", b" " * (LARGEST_BYTES + 200_000))

    response = olga.post(URL, {"file": [file]})

    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_a_form_without_a_file_is_refused(olga):
    response = olga.post(URL, {"name": "nothing"})

    assert (response.status_code, response.json()["error"]["where"]) == (422, "file")


def test_a_form_of_too_many_files_is_refused(olga):
    files = [SimpleUploadedFile(f"{n}.json", b"{}") for n in range(101)]

    response = olga.post(URL, {"file": files})

    assert (response.status_code, Run.objects.count()) == (400, 0)


def test_a_body_that_ends_early_is_refused():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError("the client is gone")

    scope = {"type": "http", "method": "POST", "path": URL, "query_string": b"", "headers": []}

    with pytest.raises(Refusal) as refused:
        _body(ASGIRequest(scope, Broken()))

    assert refused.value.status == 400


def test_just_under_twenty_megabytes_is_taken(olga):
    value = as_bytes(metadata())

    assert post(olga, value + b" " * (LARGEST_BYTES - len(value))).status_code == 201


def test_a_form_may_hold_the_summary_beside_the_metadata(olga):
    files = [
        SimpleUploadedFile("artifact-metadata.json", as_bytes(metadata())),
        SimpleUploadedFile("run-summary.txt", summary().replace("Logline", "X").encode()),
    ]

    response = olga.post(URL, {"file": files})

    assert response.status_code == 201
    assert Run.objects.count() == 1


def test_of_several_files_each_is_told_for_itself(olga):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as writing:
        writing.writestr("a/artifact-metadata.json", as_bytes(metadata()))
        writing.writestr("b.json", "{ ... }")

    told = post(olga, held.getvalue(), name="logs.zip").json()

    assert [run["result"] for run in told["runs"]] == ["created"]
    assert [(f["name"], f["line"], f["column"]) for f in told["refused"]] == [
        ("logs.zip: b.json", 1, 3)
    ]


def test_of_an_archive_one_file_is_held_at_a_time(olga):
    """Small archives inflate to a great deal."""
    held, size = io.BytesIO(), 4_000_000
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as writing:
        for number in range(12):
            run = as_bytes({"RunId": f"run-{number}", "Scenes": []})
            writing.writestr(f"{number}/artifact-metadata.json", run.ljust(size))

    tracemalloc.start()
    try:
        told = post(olga, held.getvalue()).json()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(told["runs"]) == 12
    assert peak < 6 * size


def test_source_and_server_say_what_the_file_does_not(cast, olga):
    server = make_server(cast.northlight, name="kino-01")

    post(olga, metadata([scene()]), source="farm", server="kino-01")

    assert Run.objects.get().source == "farm"
    assert Attempt.objects.get().server == server


def test_an_unknown_server_is_refused_and_nothing_written(cast, olga):
    make_server(cast.southdark, name="dark-01")

    response = post(olga, metadata(), server="dark-01")

    assert (response.status_code, response.json()["error"]["where"]) == (422, "server")
    assert not Run.objects.exists()


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_token_of_another_scope_hands_nothing_in(cast, scope):
    response = post(program(token_text(cast.olga, cast.northlight, scope)), metadata())

    assert (response.status_code, Run.objects.count()) == (403, 0)


def test_who_is_no_operator_any_more_hands_nothing_in(cast, olga):
    cast.olga.memberships.update(role=Role.VIEWER)

    assert (post(olga, metadata()).status_code, Run.objects.count()) == (403, 0)


@pytest.mark.parametrize("who", ["nobody", "session", "unknown token"])
def test_nobody_hands_in_without_a_good_token(cast, who):
    client = {
        "nobody": Client(),
        "session": signed_in(cast.olga),
        "unknown token": program("sw_" + "a" * 40),
    }[who]

    assert (post(client, metadata()).status_code, Run.objects.count()) == (401, 0)


def test_another_teams_token_writes_to_its_own_team_and_learns_nothing(cast, olga):
    first = post(olga, metadata()).json()["runs"][0]
    mallory = program(token_text(cast.mallory, cast.southdark, Scope.INGEST))

    told = post(mallory, metadata()).json()["runs"][0]

    # Neither the other's id nor that there is such a run: for this team it is new.
    assert (told["result"], told["id"] != first["id"]) == ("created", True)
    runs = Run.objects.order_by("pk").values_list("team__name", "revision")
    assert list(runs) == [("Northlight", 1), ("Southdark", 1)]


def test_a_token_reaches_its_own_team_alone_though_its_owner_is_in_others(cast):
    join(cast.southdark, cast.olga, Role.ADMIN)
    client = program(token_text(cast.olga, cast.northlight, Scope.INGEST))

    response = post(client, metadata(), team="southdark")

    assert (response.status_code, Run.objects.count()) == (404, 0)


def test_the_prompts_of_another_team_stay_where_they_are(cast):
    theirs = make_server(cast.northlight, name="kino-01")
    run = make_run(cast.northlight, source="prompt")
    attempt = theirs.attempts.create(
        scene=run.scenes.create(team=cast.northlight, external_id="a"),
        prompt_id="9f6b",
        seen_at=NOON,
    )
    mallory = program(token_text(cast.mallory, cast.southdark, Scope.INGEST))

    told = post(mallory, metadata([scene(PromptId="9f6b", Server="kino-01")])).json()

    attempt.refresh_from_db()
    assert (attempt.origin, attempt.scene.run) == ("live", run)
    assert told["runs"][0]["findings"] == []


# --- At once ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("watched", [False, True])
def test_ten_imports_of_one_file_at_once_are_one_run(watched):
    cast = make_cast()
    if watched:
        make_server(cast.northlight)
        claim("a collector", NOW)
    run = read(File("x", as_bytes(metadata())), NOW)[0]
    gate = threading.Barrier(10)

    def one(_):
        try:
            gate.wait(10)
            return file_run(run, Into(cast.northlight, NOW)).result
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        results = sorted(pool.map(one, range(10)))

    assert results == ["created", *["unchanged"] * 9]
    assert (Run.objects.count(), Scene.objects.count(), Attempt.objects.count()) == (1, 3, 3)
    assert RunRevision.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_import_waits_for_whoever_holds_the_leases_of_the_team():
    cast = make_cast()
    make_server(cast.northlight)
    claim("a collector", NOW)
    run = read(File("x", as_bytes(metadata())), NOW)[0]

    def one():
        try:
            return file_run(run, Into(cast.northlight, NOW)).result
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            hold_off({cast.northlight.pk})
            filing = pool.submit(one)
            with pytest.raises(TimeoutError):
                filing.result(0.5)
        assert filing.result(10) == "created"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [0, 1])
def test_many_revisions_at_once_are_told_one_after_the_other(known):
    cast = make_cast()
    into = Into(cast.northlight, NOW)
    runs = [read(File("x", as_bytes(metadata(Archive=f"{n}.zip"))), NOW)[0] for n in range(6)]
    for run in runs[:known]:
        file_run(run, into)
    waiting = runs[known:]
    gate = threading.Barrier(len(waiting))

    def one(run):
        try:
            gate.wait(10)
            return file_run(run, into).revision
        finally:
            connection.close()

    with ThreadPoolExecutor(len(waiting)) as pool:
        revisions = sorted(pool.map(one, waiting))

    assert revisions == list(range(known + 1, 7))
    assert (Attempt.objects.count(), Run.objects.get().revision) == (3, 6)


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_that_name_the_same_prompts_of_a_server_nobody_follows_are_all_filed():
    cast = make_cast()
    server = make_server(cast.northlight)
    into = Into(cast.northlight, NOW, server=server)
    orders = [range(1, 21), range(20, 0, -1)] * 3
    runs = [
        read(File("x", as_bytes(metadata(_scenes(order), RunId=f"run-{n}"))), NOW)[0]
        for n, order in enumerate(orders)
    ]
    # With its policy on record: else they would wait for each other to write that.
    file_run(
        read(File("x", as_bytes(metadata(RunId="before"))), NOW)[0], replace(into, server=None)
    )
    gate = threading.Barrier(len(runs))

    def one(run):
        try:
            gate.wait(10)
            return file_run(run, into).result
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runs)) as pool:
        results = list(pool.map(one, runs))

    assert results == ["created"] * len(runs)
    assert Attempt.objects.exclude(prompt_id="").count() == 20 * len(runs)
    assert Attempt.objects.filter(server=server).count() == 20


def _scenes(prompts):
    return [scene(place, PromptId=f"p-{n}") for place, n in enumerate(prompts, 1)]


# --- The command --------------------------------------------------------------------------------


def table():
    """Return the known runs as the table of reports has them."""
    rows = [
        f"{run},scene-00{n},1,25,25,{seconds},success,true"
        for run, scenes in KNOWN.items()
        for n, seconds in enumerate(scenes, 1)
    ]
    head = "run_id,scene_id,attempt,frames,frame_floor,duration_s,exit_reason,success"
    return "\n".join([head, *rows]) + "\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "reported-runs.csv").write_text(table())
    (tmp_path / "status.json").write_text(json.dumps({"helper": "ComfyUIStatus"}))
    return tmp_path


def test_the_known_answers_come_out_of_the_database(cast, folder):
    call_command("import_runs", str(folder), team="northlight")

    runs = list(Run.objects.order_by("began_at"))
    sums = [run.work_s for run in runs]
    assert sums == pytest.approx([382.4, 378.5, 386.3], abs=0.01)
    assert sum(sums) / 3 == pytest.approx(382.4, abs=0.01)
    before = (sums[0] + sums[1]) / 2
    assert sums[2] - before == pytest.approx(5.85, abs=0.01)
    assert 100 * (sums[2] / before - 1) == pytest.approx(1.54, abs=0.01)
    third = {scene.external_id: scene.duration_s for scene in runs[2].scenes.all()}
    for name, baseline, delta in (
        ("scene-001", 128.85, 7.95),
        ("scene-002", 124.8, 0),
        ("scene-003", 126.8, -2.1),
    ):
        earlier = Scene.objects.filter(run__in=runs[:2], external_id=name)
        mean = sum(scene.duration_s or 0 for scene in earlier) / 2
        assert mean == pytest.approx(baseline, abs=0.01)
        assert (third[name] or 0) - mean == pytest.approx(delta, abs=0.01)


def test_it_tells_the_sums(cast, folder, capsys):
    call_command("import_runs", str(folder), team="northlight")
    call_command("import_runs", str(folder), team="northlight")

    told = capsys.readouterr().out.splitlines()
    assert told == [
        "Runs: 3 created, 0 revised, 0 unchanged; 9 scenes written.",
        "Findings: 3, 0 of them errors.",
        "As a sweep: 3 runs, 9 scenes, 225 frames (25.0 a scene); 0 with notes, 0 with warnings.",
        "Passed over: 1 file about something else.",
        "Runs: 0 created, 0 revised, 3 unchanged; 0 scenes written.",
        "Findings: 0, 0 of them errors.",
        "As a sweep: 3 runs, 9 scenes, 225 frames (25.0 a scene); 0 with notes, 0 with warnings.",
        "Passed over: 1 file about something else.",
    ]


def test_it_tells_how_many_files_it_has_gone_through(cast, folder, capsys, monkeypatch):
    monkeypatch.setattr("history.progress.TELL_S", 0)

    call_command("import_runs", str(folder), team="northlight")

    told = [line for line in capsys.readouterr().out.splitlines() if "to go" in line]
    assert [line.partition(",")[0] for line in told] == ["1 of 2 files", "2 of 2 files"]


def test_it_tells_what_cannot_be_read_and_takes_the_rest(cast, folder, capsys):
    (folder / "a.json").write_text("{ ... }")

    with pytest.raises(CommandError, match="1 files could not be read"):
        call_command("import_runs", str(folder), team="northlight")

    assert "a.json: It is not JSON" in capsys.readouterr().err
    assert Run.objects.count() == 3


def test_it_asks_for_the_team_where_there_are_several(cast, folder):
    with pytest.raises(CommandError, match="northlight, southdark"):
        call_command("import_runs", str(folder))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"team": "nobody"}, "no team 'nobody'"),
        ({"team": "northlight", "server": "kino-09"}, "no server 'kino-09'"),
    ],
)
def test_it_says_what_there_is_not(cast, folder, options, why):
    with pytest.raises(CommandError, match=why):
        call_command("import_runs", str(folder), **options)


def test_it_says_which_path_there_is_not(cast):
    with pytest.raises(CommandError, match="no /nowhere"):
        call_command("import_runs", "/nowhere", team="northlight")


def test_strict_ends_with_an_error_where_a_finding_is_one(cast, tmp_path):
    (tmp_path / "artifact-metadata.json").write_bytes(as_bytes(metadata(Story={})))

    with pytest.raises(CommandError, match="1 findings are errors"):
        call_command("import_runs", str(tmp_path), team="northlight", strict=True)

    assert Finding.objects.get().code == "V03"

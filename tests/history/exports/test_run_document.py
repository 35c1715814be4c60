"""history/exports/run_document.py: what is exported is imported again without loss."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from history.exports.run_document import document_of, loaded
from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run
from history.settling import settle
from tests import cast
from tests.history.artifacts import (
    BEGAN,
    NOW,
    as_bytes,
    metadata,
    poll_log,
    scene,
    second_generation,
    telemetry,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def into():
    return Into(cast.make_team("Northlight"), NOW)


def exported(secrets=True):
    return document_of(loaded(Run.objects.order_by("pk")), secrets)


def imported(value, into):
    return [file_run(run, into) for run in read(File("x", as_bytes(value)), NOW)]


def rich():
    """Return metadata with nearly all that can be told."""
    note = "Forced copy after stability retries; see x.txt"
    host = {"comfyui_version": "0.3.64", "argv": ["main.py"], "ram_total": 5}
    system = {"FallbackNotes": [note, "one more"], "Before": host}
    summaries = [{"Attempt": 1, "FrameCount": 3}, {"Attempt": 2, "FrameCount": 25}]
    first = scene(
        1,
        AttemptsRun=2,
        Requeued=True,
        AttemptSummaries=summaries,
        HistoryPollLog=poll_log(40),
        Telemetry=telemetry(System=system, MaxWaitSeconds=30, FinalResolution="1920x1080"),
    )
    skipped = {"SceneId": "scene-009", "AttemptsRun": 0, "FrameCount": 0}
    return metadata([first, second_generation(SceneId="scene-002"), skipped])


def watched(server):
    """Return a run that the collector saw."""
    run = cast.make_run(server.team, external_id="batch-7", title="Harbor", began_at=BEGAN)
    attempt = cast.make_attempt(
        server,
        cast.make_scene(run, external_id="scene-001"),
        status="ended",
        outcome="failed",
        outcome_grade="measured",
        submitted_at=BEGAN,
        started_at=BEGAN + timedelta(seconds=2.5),
        ended_at=BEGAN + timedelta(seconds=92.5),
        waited_s=2.5,
        duration_s=90.0,
        workload="w" * 64,
        extra_data={"run_id": "batch-7"},
        error_type="OutOfMemoryError",
        traceback="t",
    )
    cast.make_node(attempt, duration_s=1.5)
    cast.make_memory(attempt, free_before_bytes=5)
    settle([attempt.scene_id])
    return run


def test_what_is_exported_imported_and_exported_again_is_the_same(into):
    imported(rich(), into)
    watched(cast.make_server(into.team, name="kino-01"))
    before = exported()
    Run.objects.all().delete()

    imported(before, into)

    assert Run.objects.count() == 2
    assert exported() == before


def test_the_sums_of_a_run_are_the_same_after_the_way_around(into):
    imported(rich(), into)
    watched(cast.make_server(into.team, name="kino-01"))
    names = ("outcome", "work_s", "success_rate", "scene_count", "attempt_count", "began_at")
    before = list(Run.objects.order_by("external_id").values(*names, "gpu_model", "workload"))
    document = exported()
    Run.objects.all().delete()

    imported(document, into)

    after = list(Run.objects.order_by("external_id").values(*names, "gpu_model", "workload"))
    assert after == before


def test_importing_an_export_again_changes_nothing(into):
    document = exported_once(into)

    assert [one.result for one in imported(document, into)] == ["unchanged"]


def exported_once(into):
    imported(rich(), into)
    document = exported()
    Run.objects.all().delete()
    imported(document, into)
    return document


def test_a_server_that_the_team_does_not_have_keeps_its_name(into):
    watched(cast.make_server(cast.make_team("Southdark"), name="far-away"))
    document = exported()

    imported(document, into)

    again = document_of(loaded(Run.objects.filter(team=into.team)), secrets=True)
    assert again["runs"][0]["scenes"][0]["attempts"][0]["server"] == "far-away"


def test_it_leaves_out_what_is_for_operators(into):
    imported(rich(), into)
    watched(cast.make_server(into.team))

    text = json.dumps(exported(secrets=False))

    assert "a boat at dawn" not in text
    assert "traceback" not in text
    assert "a boat at dawn" in json.dumps(exported(secrets=True))


def test_what_has_not_ended_is_not_told(into):
    run = cast.make_run(into.team)
    cast.make_attempt(cast.make_server(into.team), cast.make_scene(run), status="running")

    assert "attempts" not in exported()["runs"][0]["scenes"][0]


def test_it_takes_as_many_queries_for_many_runs_as_for_few(into):
    counts = []
    for n in range(4):
        imported(metadata(RunId=f"run-{n}"), into)
        with CaptureQueriesContext(connection) as queries:
            exported()
        counts.append(len(queries))

    assert counts[0] == counts[3]


def test_the_command_writes_what_the_import_reads(into, tmp_path, capsys):
    imported(rich(), into)
    call_command("export_runs", str(Run.objects.get().pk))
    file = tmp_path / "runs.json"
    file.write_text(capsys.readouterr().out)
    before = exported()
    Run.objects.all().delete()

    call_command("import_runs", str(file))

    assert exported() == before


def test_what_is_exported_to_be_shared_names_no_folder(into, capsys):
    note = r"Forced copy to C:\Users\mira\out\scene.png"
    told = telemetry(System={"FallbackNotes": [note]})
    imported(metadata(scene(Telemetry=told)), into)

    call_command("export_runs", str(Run.objects.get().pk), "--no-secrets")

    text = capsys.readouterr().out
    assert "Forced copy to [path]/scene.png" in text
    assert "mira" not in text


def test_the_command_says_which_run_there_is_not():
    with pytest.raises(CommandError, match="no run 7"):
        call_command("export_runs", "7")

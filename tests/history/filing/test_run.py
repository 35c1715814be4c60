"""history/filing/: a run from a file, once, in revisions, beside what was watched."""

from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from history.failures.keeping import keep
from history.filing.into import Into, Result
from history.filing.run import file_run
from history.imports.json_text import unpacked
from history.imports.reading import File, read
from history.models import (
    Attempt,
    AttemptMemory,
    FailureFamily,
    FailureOccurrence,
    FallbackNote,
    Finding,
    PollLog,
    QueuePolicy,
    Run,
    RunReport,
    RunRevision,
    Scene,
    SceneReport,
    ScriptReport,
)
from telemetry.words import Outcome
from tests import cast
from tests.history.artifacts import (
    BEGAN,
    NOW,
    as_bytes,
    gpu,
    metadata,
    poll_log,
    scene,
    telemetry,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def into():
    return Into(cast.make_team("Northlight"), NOW, name="artifact-metadata.json", size_bytes=9)


def told(value):
    (run,) = read(File("x", as_bytes(value)), NOW)
    return run


def filed(into, value, **fields):
    return file_run(told(value), replace(into, **fields))


def everything():
    """Return all rows of the record that files write, without when they did."""
    models = (Run, Scene, Attempt, AttemptMemory, ScriptReport, PollLog, FallbackNote, Finding)
    models += (SceneReport, RunReport, RunRevision, QueuePolicy)
    return {
        model: [
            {key: bytes(value) if isinstance(value, memoryview) else value for key, value in row}
            for row in (sorted(one.items()) for one in model._base_manager.order_by("pk").values())
        ]
        for model in models
    }


def test_it_puts_a_run_on_record_with_all_that_is_told(into):
    note = "Forced copy after stability retries; see x.txt"
    block = telemetry(ForcedCopyTriggered=True, System={"FallbackNotes": [note]})
    scenes = [scene(1, Telemetry=block, HistoryPollLog=poll_log(63)), scene(2, 130)]

    result = filed(into, metadata(scenes))

    assert (result.result, result.revision, result.scenes) == (Result.CREATED, 1, 2)
    run = Run.objects.get()
    assert (run.pk, run.external_id, run.source, run.story_id) == (
        *(result.run_id, "20251112-102213", "default"),
        "story-harbor",
    )
    assert (run.outcome, run.scene_count, run.success_count, run.work_s) == (
        *("success", 2, 2),
        pytest.approx(249.6),
    )
    assert (run.began_at, run.told_at) == (BEGAN, BEGAN + timedelta(seconds=400))
    assert run.duration_s == pytest.approx(254.8, abs=0.01)
    assert (run.fallback_note_count, run.forced_copy_count, run.finding_count) == (1, 1, 0)
    assert (run.gpu_model, run.policy.max_wait_s, run.policy.max_polls) == ("RTX 3090", 600, 0)


def test_it_keeps_a_scene_with_its_attempt_and_what_hangs_on_it(into):
    filed(into, metadata([scene(HistoryPollLog=poll_log(63))]))

    one = Scene.objects.get()
    assert (one.outcome, one.frames, one.frame_floor, one.duration_s) == ("success", 25, 25, 124.8)
    assert (one.exit_reason, one.history_polls, one.timed_by) == ("postExecution", 63, "script")
    assert (one.title, one.report.prompt) == ("The 1. of Harbor", "a boat at dawn")
    attempt = Attempt.objects.get()
    assert (attempt.origin, attempt.server, attempt.prompt_id) == ("file", None, "")
    assert (attempt.script_report.exit_reason, attempt.script_report.marker_wait_s) == (
        *("postExecution", 0.5),
    )
    memory = attempt.memory.get()
    assert memory.free_after_bytes - memory.free_before_bytes == -4461 * 2**20
    log = attempt.poll_log
    assert (log.count, log.pending_count, log.success_count) == (63, 46, 17)
    assert (log.first_at, log.last_at) == (BEGAN, BEGAN + timedelta(seconds=124))


def test_it_keeps_findings_with_code_level_scene_and_path(into):
    block = telemetry(HistoryExitReason="timeout")

    result = filed(into, metadata([scene(Telemetry=block)], Archive=7))

    found = Finding.objects.get(code="V12")
    assert (found.level, found.scene.external_id) == ("error", "scene-001")
    assert found.path == "Scenes[0].Telemetry.HistoryExitReason"
    assert (Run.objects.get().finding_count, Run.objects.get().error_count) == (1, 1)
    assert [one.code for one in result.findings] == ["V12"]


def test_it_keeps_the_document_without_poll_logs(into):
    whole = metadata([scene(HistoryPollLog=poll_log(63))], Mystery={"kept": True})

    filed(into, whole)

    document = unpacked(bytes(RunRevision.objects.get().document))
    assert document["Mystery"] == {"kept": True}
    assert "HistoryPollLog" not in document["Scenes"][0]


def test_the_same_content_again_changes_nothing(into):
    filed(into, metadata())
    before = everything()

    again = filed(into, metadata(), at=NOW + timedelta(days=1), name="copy.json")

    assert (again.result, again.revision) == (Result.UNCHANGED, 1)
    assert everything() == before


def test_another_content_is_a_new_revision_of_the_same_rows(into):
    filed(into, metadata())
    ids = list(Attempt.objects.order_by("pk").values_list("pk", flat=True))

    changed = metadata()
    changed["Scenes"][0]["FrameCount"] = 19
    again = filed(into, changed)

    assert (again.result, again.revision) == (Result.REVISED, 2)
    assert Run.objects.get().outcome == "partial"
    assert list(Attempt.objects.order_by("pk").values_list("pk", flat=True)) == ids
    assert [r.number for r in RunRevision.objects.all()] == [1, 2]
    assert (Scene.objects.count(), SceneReport.objects.count(), AttemptMemory.objects.count()) == (
        *(3, 3),
        3,
    )


def test_a_revision_takes_back_what_it_no_longer_tells(into):
    block = telemetry(System={"FallbackNotes": ["nvidia-smi fallback triggered"]})
    filed(into, metadata([scene(1, Telemetry=block, HistoryPollLog=poll_log(9)), scene(2)]))

    filed(into, metadata([scene(1, Telemetry=telemetry(GPU=None))]))

    assert Scene.objects.get().external_id == "scene-001"
    assert (Attempt.objects.count(), PollLog.objects.count(), FallbackNote.objects.count()) == (
        *(1, 0),
        0,
    )
    assert (AttemptMemory.objects.count(), Run.objects.get().scene_count) == (0, 1)
    assert [one.code for one in Finding.objects.all()] == ["V16"]


def test_a_revision_may_go_back_to_what_was_told_before(into):
    for frames in (25, 19, 25):
        last = filed(into, metadata([scene(FrameCount=frames)]))

    assert (last.result, last.revision, Run.objects.get().outcome) == (
        *(Result.REVISED, 3),
        "success",
    )


def test_a_run_id_is_one_within_team_and_source_only(into):
    other = cast.make_team("Southdark")
    for fields in ({}, {"source": "farm"}, {"team": other}, {"source": "prompt"}):
        filed(into, metadata(), **fields)

    runs = Run.objects.values_list("team__name", "source").order_by("team__name", "source")
    assert list(runs) == [
        ("Northlight", "default"),
        ("Northlight", "farm"),
        ("Southdark", "default"),
    ]
    assert {scene.team_id == scene.run.team_id for scene in Scene.objects.all()} == {True}


def test_policies_are_versions_of_a_team_by_their_content(into):
    filed(into, metadata())
    filed(into, metadata(RunId="second"))
    fast = {**metadata()["QueueConfig"], "HistoryMaxWaitSeconds": 30}
    filed(into, metadata([scene()], RunId="third", QueueConfig=fast))

    waits = [run.policy.max_wait_s for run in Run.objects.order_by("external_id")]
    assert sorted(waits) == [30, 600, 600]
    # The scene of the third says 600 still, as the others' runs do.
    assert QueuePolicy.objects.count() == 2
    assert SceneReport.objects.exclude(policy=None).get().policy.max_wait_s == 600


def test_a_run_without_scenes_is_a_run(into):
    filed(into, metadata([]))

    assert (Run.objects.get().scene_count, Run.objects.get().outcome) == (0, None)


def test_all_attempts_of_a_scene_are_kept(into):
    summaries = [
        {"Attempt": 1, "FrameCount": 0, "DurationSeconds": 6.1, "Errors": ["No frames copied"]},
        {"Attempt": 2, "FrameCount": 25, "DurationSeconds": 124.8},
    ]
    filed(into, metadata([scene(AttemptsRun=2, Requeued=True, AttemptSummaries=summaries)]))

    attempts = Attempt.objects.order_by("attempt_number")
    assert [(a.attempt_number, a.outcome) for a in attempts] == [(1, "failed"), (2, "success")]
    assert attempts[0].script_report.errors == ["No frames copied"]
    run = Run.objects.get()
    assert (run.attempt_count, run.retried_count, run.outcome) == (2, 1, "success")


def test_notes_of_a_kind_are_found_by_team_and_time(into):
    block = telemetry(System={"FallbackNotes": ["nvidia-smi fallback triggered"]})
    filed(into, metadata([scene(Telemetry=block)]))

    note = FallbackNote.objects.get(team=into.team, category="legacy_smi")
    assert (note.began_at, note.severity, note.scene.external_id) == (BEGAN, "info", "scene-001")


# --- Beside what was watched --------------------------------------------------------------------


def watched(server, run=None, prompt_id="9f6b", **fields):
    """Return a prompt that the collector saw end well."""
    run = run or cast.make_run(server.team, source="prompt", external_id=f"{server.pk}/{prompt_id}")
    usual = {
        "prompt_id": prompt_id,
        "status": "ended",
        "outcome": "success",
        "outcome_grade": "measured",
        "started_at": BEGAN + timedelta(seconds=1),
        "ended_at": BEGAN + timedelta(seconds=91),
        "duration_s": 90.0,
    }
    one = run.scenes.first() or cast.make_scene(run)
    return cast.make_attempt(server, fields.pop("scene", one), **{**usual, **fields})


@pytest.fixture
def server(into):
    return cast.make_server(into.team, name="kino-01")


def test_a_watched_prompt_is_the_attempt_that_a_file_tells_of(into, server):
    prompt = watched(server)
    cast.make_node(prompt)

    filed(into, metadata([scene(PromptId="9f6b")]))

    attempt = Attempt.objects.get()
    assert (attempt.pk, attempt.origin, attempt.frames) == (prompt.pk, "both", 25)
    assert (attempt.duration_s, attempt.timed_by, attempt.outcome_grade) == (
        *(90.0, "comfyui"),
        "measured",
    )
    assert attempt.scene.run.external_id == "20251112-102213"
    assert attempt.script_report.history_polls == 63
    assert attempt.nodes.count() == 1
    # The run that the prompt had of its own is gone, and nothing is told twice.
    assert (Run.objects.count(), Scene.objects.count(), Finding.objects.count()) == (1, 1, 0)
    assert Run.objects.get().servers.get().server == server


def test_it_is_matched_on_the_server_that_is_named(into, server):
    other = cast.make_server(into.team, name="kino-02")
    prompts = [watched(one, prompt_id="same") for one in (server, other)]

    filed(into, metadata([scene(PromptId="same", Server="kino-02")]))

    origins = {a.pk: a.origin for a in Attempt.objects.all()}
    assert origins == {prompts[0].pk: "live", prompts[1].pk: "both"}


def test_a_prompt_that_a_file_names_twice_on_a_server_is_there_once(into, server):
    value = metadata([scene(n, PromptId="9f6b", Server="kino-01") for n in (1, 2)])

    for archive in ("a.zip", "b.zip"):
        filed(into, {**value, "Archive": archive})

    told = Attempt.objects.order_by("scene__external_id").values_list(
        "prompt_id", "server", "frames"
    )
    assert list(told) == [("9f6b", server.pk, 25), ("9f6b", None, 25)]
    assert ScriptReport.objects.order_by("pk").last().more["server"] == "kino-01"


@pytest.mark.parametrize("origin", ["live", "file"])
def test_a_prompt_that_another_run_has_on_a_server_stays_there(into, server, origin):
    run = cast.make_run(into.team, external_id="batch-7")
    prompt = watched(server, run, origin=origin)

    filed(into, metadata([scene(PromptId="9f6b")]), server=server)

    told = {one.pk: (one.scene.run.external_id, one.server) for one in Attempt.objects.all()}
    assert told.pop(prompt.pk) == ("batch-7", server)
    assert list(told.values()) == [("20251112-102213", None)]
    assert [one.code for one in Finding.objects.all()] == ["live_elsewhere"]


def test_of_two_that_could_be_meant_neither_is_taken_and_that_is_found(into, server):
    for one in (server, cast.make_server(into.team)):
        watched(one, prompt_id="same")

    filed(into, metadata([scene(PromptId="same")]))

    assert sorted(Attempt.objects.values_list("origin", flat=True)) == ["file", "live", "live"]
    assert [one.code for one in Finding.objects.all()] == ["live_ambiguous"]


def test_a_prompt_of_another_named_run_stays_there_and_that_is_found(into, server):
    run = cast.make_run(into.team, external_id="batch-7")
    prompt = watched(server, run)

    filed(into, metadata([scene(PromptId="9f6b")]))

    prompt.refresh_from_db()
    assert (prompt.scene.run, prompt.origin) == (run, "live")
    assert [one.code for one in Finding.objects.all()] == ["live_elsewhere"]


def test_a_prompt_of_another_team_is_never_taken(into):
    foreign = cast.make_server(cast.make_team("Southdark"))
    prompt = watched(foreign)

    filed(into, metadata([scene(PromptId="9f6b")]))

    prompt.refresh_from_db()
    assert (prompt.origin, prompt.scene.run.team) == ("live", foreign.team)
    assert Finding.objects.count() == 0


def test_a_run_that_was_watched_under_its_id_is_completed(into, server):
    run = cast.make_run(into.team, external_id="20251112-102213", began_at=BEGAN)
    places = [cast.make_scene(run, external_id=f"scene-00{n}") for n in (1, 2)]
    for n, place in enumerate(places):
        watched(server, run, f"p{n}", scene=place)

    filed(into, metadata())

    assert Run.objects.get().pk == run.pk
    told = Attempt.objects.order_by("scene__external_id").values_list("origin", "frames")
    assert list(told) == [("both", 25), ("both", 25), ("file", 25)]
    run.refresh_from_db()
    assert (run.scene_count, run.success_count, run.revision) == (3, 3, 1)


def test_tries_are_matched_by_their_number(into, server):
    run = cast.make_run(into.team, external_id="20251112-102213")
    place = cast.make_scene(run, external_id="scene-001")
    second, first = (
        watched(server, run, f"p{n}", scene=place, attempt_number=n, outcome=outcome)
        for n, outcome in ((2, "success"), (1, "failed"))
    )
    summaries = [{"Attempt": 1, "FrameCount": 0}, {"Attempt": 2, "FrameCount": 25}]

    filed(into, metadata([scene(AttemptsRun=2, Requeued=True, AttemptSummaries=summaries)]))

    frames = {a.pk: a.frames for a in Attempt.objects.all()}
    assert frames == {first.pk: 0, second.pk: 25}
    assert Finding.objects.count() == 0


def test_tries_without_a_number_are_matched_from_the_last_on(into, server):
    run = cast.make_run(into.team, external_id="20251112-102213")
    place = cast.make_scene(run, external_id="scene-001")
    first, second = (
        watched(server, run, f"p{n}", scene=place, submitted_at=BEGAN + timedelta(minutes=n))
        for n in range(2)
    )
    summaries = [{"FrameCount": 3}, {"FrameCount": 25}]

    filed(into, metadata([scene(AttemptsRun=2, Requeued=True, AttemptSummaries=summaries)]))

    frames = {a.pk: a.frames for a in Attempt.objects.all()}
    assert frames == {first.pk: 3, second.pk: 25}


def test_a_watched_prompt_is_one_attempt_though_a_file_names_it_twice(into, server):
    prompt = watched(server)

    filed(into, metadata([scene(n, PromptId="9f6b") for n in (1, 2)]))

    told = Attempt.objects.order_by("scene__external_id")
    assert [(a.origin, a.frames) for a in told] == [("both", 25), ("file", 25)]
    assert told[0].pk == prompt.pk


def test_more_that_was_watched_than_is_told_is_found(into, server):
    run = cast.make_run(into.team, external_id="20251112-102213")
    place = cast.make_scene(run, external_id="scene-001")
    for n in range(2):
        watched(server, run, f"p{n}", scene=place, submitted_at=BEGAN + timedelta(seconds=n))

    filed(into, metadata([scene()]))

    told = dict(Attempt.objects.values_list("prompt_id", "origin"))
    assert told == {"p0": "live", "p1": "both"}
    assert [(one.code, one.scene.external_id) for one in Finding.objects.all()] == [
        ("live_attempts", "scene-001")
    ]


def test_another_prompt_of_the_same_scene_is_another_attempt(into, server):
    run = cast.make_run(into.team, external_id="20251112-102213")
    prompt = watched(server, run, scene=cast.make_scene(run, external_id="scene-001"))

    filed(into, metadata([scene(PromptId="another")]))

    told = Attempt.objects.order_by("pk").values_list("pk", "prompt_id", "origin")
    assert told[0] == (prompt.pk, "9f6b", "live")
    assert told[1][1:] == ("another", "file")
    assert [one.code for one in Finding.objects.all()] == ["live_attempts"]


def test_of_a_prompt_that_came_again_the_time_that_is_told_is_meant(into, server):
    run = cast.make_run(into.team, source="prompt")
    prompts = [watched(server, run, repeat=n) for n in (0, 1)]
    value = told(metadata([scene(PromptId="9f6b")]))
    value.scenes[0].attempts[0].repeat = 1

    file_run(value, into)

    origins = {a.pk: a.origin for a in Attempt.objects.all()}
    assert origins == {prompts[0].pk: "live", prompts[1].pk: "both"}


def test_what_comfyui_told_is_not_told_otherwise_by_a_file(into, server):
    watched(server, client_id="of ComfyUI")

    filed(into, metadata([scene(PromptId="9f6b", ClientId="of the file")]))

    assert Attempt.objects.get().client_id == "of ComfyUI"


def test_a_run_that_was_watched_began_when_that_was_seen(into, server):
    earlier = BEGAN - timedelta(minutes=1)
    run = cast.make_run(into.team, external_id="20251112-102213", began_at=earlier)
    watched(server, run)

    filed(into, metadata([scene(PromptId="9f6b")]))

    run.refresh_from_db()
    assert run.began_at == earlier


def test_too_few_frames_are_partial_though_comfyui_calls_it_a_success(into, server):
    watched(server)

    filed(into, metadata([scene(PromptId="9f6b", FrameCount=4, MeetsFrameFloor=False)]))

    assert (Attempt.objects.get().outcome, Scene.objects.get().outcome) == ("success", "partial")
    assert Finding.objects.count() == 0


def test_where_comfyui_ended_otherwise_its_word_stands_and_that_is_found(into, server):
    watched(server, outcome="failed")

    filed(into, metadata([scene(PromptId="9f6b")]))

    assert Scene.objects.get().outcome == "failed"
    assert [one.code for one in Finding.objects.all()] == ["live_outcome"]


def test_of_what_nobody_saw_end_the_file_tells_the_end(into, server):
    watched(server, outcome="lost", outcome_grade="polled", duration_s=None, ended_at=None)

    filed(into, metadata([scene(PromptId="9f6b")]))

    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.duration_s, attempt.timed_by) == ("success", 124.8, "script")
    assert Finding.objects.count() == 0


def test_work_that_lasted_longer_than_the_script_says_is_found(into, server):
    watched(server, duration_s=130.0)

    filed(into, metadata([scene(PromptId="9f6b")]))

    assert [one.code for one in Finding.objects.all()] == ["live_duration"]


def test_clocks_may_differ_by_a_second(into, server):
    watched(server, duration_s=125.7)

    filed(into, metadata([scene(PromptId="9f6b")]))

    assert Finding.objects.count() == 0


def test_another_gpu_than_that_of_the_server_is_found(into, server):
    cast.make_device(server, index=0, model="RTX 5090")
    watched(server)

    filed(into, metadata([scene(PromptId="9f6b", Telemetry=telemetry(GPU=gpu()))]))

    assert [one.code for one in Finding.objects.all()] == ["live_gpu"]
    assert Scene.objects.get().gpu_model == "RTX 5090"


def test_a_prompt_that_still_runs_keeps_running(into, server):
    watched(server, status="running", outcome=None, ended_at=None, duration_s=None)

    filed(into, metadata([scene(PromptId="9f6b")]))

    run = Run.objects.get()
    assert (run.outcome, run.open_count, Attempt.objects.get().status) == (None, 1, "running")


def test_a_second_file_leaves_a_reconciled_attempt_where_it_is(into, server):
    prompt = watched(server)
    filed(into, metadata([scene(PromptId="9f6b")]))

    filed(into, metadata([scene(PromptId="9f6b", FrameCount=24)]))

    attempt = Attempt.objects.get()
    assert (attempt.pk, attempt.origin, attempt.frames) == (prompt.pk, "both", 24)
    assert (ScriptReport.objects.count(), Finding.objects.count()) == (1, 0)


def test_failures_of_a_file_are_in_families_however_often_it_is_told(into):
    failing = [scene(n, Success=False, FrameCount=0) for n in (1, 2)]
    filed(into, metadata(failing))
    filed(into, metadata(failing))
    filed(into, metadata(failing, Archive="another.zip"))

    assert sum(FailureFamily.objects.values_list("count", flat=True)) == 2
    assert FailureOccurrence.objects.count() == 2


def test_a_revision_takes_back_the_failures_that_it_no_longer_tells(into):
    filed(into, metadata([scene(n, Success=False, FrameCount=0) for n in (1, 2)]))
    filed(into, metadata([scene(1, Success=False, FrameCount=0)]))

    assert sum(FailureFamily.objects.values_list("count", flat=True)) == 1


def failures():
    return sum(FailureFamily.objects.values_list("count", flat=True))


def test_a_revision_takes_back_a_failure_that_it_tells_as_a_success(into):
    filed(into, metadata([scene(1, Success=False, FrameCount=0)]))
    assert failures() == 1

    filed(into, metadata([scene(1)]))

    assert (failures(), FailureOccurrence.objects.count()) == (0, 0)


def test_what_was_counted_as_lost_is_no_failure_once_a_file_tells_its_success(into, server):
    with transaction.atomic():
        keep([watched(server, outcome="lost", outcome_grade="polled", ended_at=None).pk])
    assert failures() == 1

    filed(into, metadata([scene(PromptId="9f6b")]))

    assert failures() == 0


def test_a_success_without_frames_is_a_failure_where_frames_are_asked_for(into):
    run = told(metadata([scene(1)]))
    (attempt,) = run.scenes[0].attempts
    attempt.outcome, attempt.frames = Outcome.SUCCESS, 0

    file_run(run, into)

    assert (failures(), Scene.objects.get().outcome) == (1, "failed")


def test_it_takes_as_many_statements_for_many_scenes_as_for_few(into):
    kinds = []
    for run_id, count in (("few", 3), ("many", 50)):
        scenes = [scene(n, HistoryPollLog=poll_log(9)) for n in range(1, count + 1)]
        with CaptureQueriesContext(connection) as queries:
            filed(into, metadata(scenes, RunId=run_id))
        # SQLite takes the rows of one insert in parts.
        kinds.append([key for key, _ in groupby(query["sql"][:60] for query in queries)])

    assert len(kinds[1]) <= len(kinds[0]) < 30

"""What files tell of runs: scenes, attempts, tables, summaries, our own export; no other file."""

from datetime import UTC, datetime, timedelta

import pytest

from history.imports.errors import NotARun, Unreadable
from history.imports.notes import CATALOGUE, note_of
from history.imports.outcomes import Signs, exit_reason_of, outcome_of
from history.imports.own import plain_of
from history.imports.reading import File, read
from history.imports.told import ToldPolicy
from history.polls import pack, unpack
from history.words import ExitReason, Severity
from telemetry.words import Outcome
from tests.history.artifacts import (
    BEGAN,
    NOW,
    as_bytes,
    gpu,
    iso,
    metadata,
    poll_log,
    scene,
    second_generation,
    summary,
    telemetry,
)


def runs_of(data):
    return read(File("some file", data if isinstance(data, bytes) else as_bytes(data)), NOW)


def told(value):
    (run,) = runs_of(value)
    return run


def attempts_of(**fields):
    (of,) = told(metadata([scene(**fields)])).scenes
    return of.attempts


# --- Scenes and attempts ------------------------------------------------------------------------


def test_an_attempt_whose_begin_and_duration_are_told_has_an_end():
    block = telemetry(10.0, 124.8, QueueEnd=None, ExecutionSuccessAt=None)

    (attempt,) = attempts_of(Telemetry=block, HistoryRetrievedAt=None)

    assert attempt.ended_at == BEGAN + timedelta(seconds=134.8)


def test_a_run_of_unknown_begin_does_not_begin_after_its_scenes():
    # Written as the scene's history was seen: what took two minutes was over within five seconds.
    block = telemetry(0.0, 124.8, QueueStart=None, QueueEnd=None, ExecutionSuccessAt=iso(405))
    value = metadata([scene(Telemetry=block, HistoryRetrievedAt=None)], RunId="test")

    run = told(value)

    assert run.told_at == BEGAN + timedelta(seconds=400)
    assert run.began_at == BEGAN + timedelta(seconds=405 - 124.8)
    assert "began_assumed" in {one.code for one in run.findings}


def test_it_tells_a_run_with_policy_story_and_paths():
    run = told(metadata())

    assert run.policy == ToldPolicy(600, 0, 2, 30, 1)
    assert run.report.story["directors_vision"] == "Calm."
    assert run.report.helpers["comfyui_status"] == {"summary": "b.json", "log": "b.log"}
    assert run.report.paths["archive"] == "artifacts/comfyui-e2e-20251112-102213.zip"
    assert (run.kind, run.story_id, run.told_at) == (
        *("artifact-metadata", "story-harbor"),
        BEGAN + timedelta(seconds=400),
    )


def test_it_tells_how_the_story_came_about():
    llm = {"enabled": True, "status": "error", "durationMs": 8011, "startedAt": iso(-9)}
    health = {"Status": "not requested", "Skipped": True, "SkipReason": "operator"}
    story = {"Id": "s", "LLM": llm, "HealthCheck": health, "Warnings": "LLM request failed"}

    report = told(metadata(Story=story)).report

    assert report.llm["duration_ms"] == 8011
    assert report.llm["started_at"] == (BEGAN - timedelta(seconds=9)).isoformat()
    assert report.health_check["skip_reason"] == "operator"
    assert report.warnings == ["LLM request failed"]


def test_it_tells_the_exit_codes_of_the_tests():
    suite = {"Suite": "telemetry-shape", "ExitCode": 0, "DurationMs": 912}

    tests = told(metadata(VitestSummary={"comfyExit": 0, "suites": suite})).report.tests

    assert (tests["comfy_exit"], tests["suites"][0]["duration_ms"]) == (0, 912)


def test_it_tells_an_attempt_with_its_memory_as_free_bytes():
    (attempt,) = attempts_of()

    (memory,) = attempt.memory
    assert memory.free_before_bytes == 20870 * 2**20
    assert memory.free_after_bytes - memory.free_before_bytes == -4461 * 2**20
    assert memory.total_bytes == 25_769_803_776


def test_it_reckons_memory_from_mebibytes_where_bytes_are_missing():
    block = gpu(9664.5, 10240, VramFreeBefore=None, VramFreeAfter=None, VramTotal=0)

    (attempt,) = attempts_of(Telemetry=telemetry(GPU=block))

    memory = attempt.memory[0]
    assert (memory.free_before_bytes, memory.total_bytes) == (round(9664.5 * 2**20), None)


def test_nothing_was_measured_where_all_is_zero():
    block = gpu(0, 0, Name="Unknown", VramTotal=0)

    (of,) = told(metadata([scene(Telemetry=telemetry(GPU=block))])).scenes

    assert (of.attempts[0].memory, of.gpu_model) == ([], None)


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA GeForce RTX 3090",
        "cuda:0 NVIDIA GeForce RTX 3090 : cudaMallocAsync",
        "{NVIDIA GeForce RTX 3090}",
    ],
)
def test_it_tells_the_model_of_a_gpu(name):
    (of,) = told(metadata([scene(Telemetry=telemetry(GPU=gpu(Name=name)))])).scenes

    assert of.gpu_model == "RTX 3090"


def test_the_best_attempt_has_the_figures_of_the_scene_and_others_their_summary():
    summaries = [
        {"Attempt": 1, "Timestamp": iso(-60), "FrameCount": 2, "DurationSeconds": 40.1},
        {"Attempt": 2, "Timestamp": iso(0), "FrameCount": 19, "DurationSeconds": 99},
    ]

    first, second = attempts_of(
        FrameCount=19, AttemptsRun=2, Requeued=True, AttemptSummaries=summaries
    )

    assert (first.frames, first.outcome, first.duration_s) == (2, Outcome.PARTIAL, 40.1)
    assert (second.frames, second.outcome, second.duration_s) == (19, Outcome.PARTIAL, 124.8)
    assert (first.attempt_number, second.attempt_number) == (1, 2)
    assert (second.submitted_at, second.script.history_polls) == (BEGAN, 63)


def test_of_attempts_with_as_many_frames_the_last_is_the_scenes():
    summaries = [{"Attempt": n, "FrameCount": 0} for n in (1, 2)]

    attempts = attempts_of(FrameCount=0, AttemptsRun=2, Requeued=True, AttemptSummaries=summaries)

    assert [bool(attempt.memory) for attempt in attempts] == [False, True]


def test_a_scene_that_nobody_queued_is_skipped():
    (of,) = told(metadata([{"SceneId": "a", "AttemptsRun": 0, "FrameCount": 0}])).scenes

    assert (of.outcome, of.attempts) == (Outcome.SKIPPED, [])


def test_the_second_generation_counts_no_frames():
    (of,) = told(metadata([second_generation()])).scenes

    assert (of.attempts[0].frames, of.attempts[0].outcome) == (None, Outcome.SUCCESS)
    assert (of.report.frames_told, of.report.frames_assumed) == (81, True)
    assert of.report.video["duration_s"] == 3.125


def test_a_missing_video_is_a_failure_of_the_second_generation():
    video = {**second_generation()["Video"], "Path": None, "Status": "missing", "Error": "MP4"}

    (of,) = told(metadata([second_generation(Video=video, Success=False)])).scenes

    assert of.attempts[0].outcome == Outcome.FAILED


def test_a_prompt_id_is_told_where_the_file_has_one():
    (attempt,) = attempts_of(PromptId="9f6b-41", ClientId="queue-script")

    assert (attempt.prompt_id, attempt.client_id) == ("9f6b-41", "queue-script")


def test_a_run_without_times_begins_when_its_id_says_in_the_files_zone():
    bare = {"SceneId": "scene-001", "FrameCount": 25}

    run = told(metadata([bare], RunId="20251112-052213"))

    assert run.began_at == BEGAN


def test_a_run_whose_begin_nobody_told_began_when_its_first_scene_did_by_end_and_duration():
    block = telemetry(QueueStart=None, QueueEnd=None, DurationSeconds=10)
    ended = {"Telemetry": block, "HistoryRetrievedAt": "2025-11-12T12:00:05Z"}
    value = metadata([scene(**ended)], RunId="test", Timestamp="2025-11-12T12:00:00Z")

    run = told(value)

    assert run.began_at == datetime(2025, 11, 12, 11, 59, 55, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"RunId": "20251112-052213"}, "from its id"),
        ({"RunId": "test"}, "from when its file was written"),
        ({"RunId": "test", "Timestamp": None}, "as when it was imported"),
    ],
)
def test_what_stands_for_a_begin_that_nobody_told_is_named(fields, taken):
    run = told(metadata([{"SceneId": "scene-001", "FrameCount": 25}], **fields))

    (found,) = [one for one in run.findings if one.code == "began_assumed"]
    assert found.message == f"When the run began is not told; taken {taken}."


# --- Outcomes, notes, polls ---------------------------------------------------------------------

MAX_WAIT, DONE = ExitReason.MAX_WAIT, ExitReason.POST_EXECUTION


@pytest.mark.parametrize(
    ("signs", "outcome"),
    [
        (Signs(25, 25, DONE), "success"),
        (Signs(25, None, DONE), "success"),
        (Signs(24, 25, DONE), "partial"),
        (Signs(1, 25, MAX_WAIT), "partial"),
        (Signs(0, 25, MAX_WAIT), "timeout"),
        (Signs(0, 25, ExitReason.ATTEMPT_LIMIT), "timeout"),
        (Signs(0, 25, DONE), "failed"),
        (Signs(0, 25, ExitReason.UNKNOWN), "failed"),
        (Signs(0, 25), "failed"),
        (Signs(25, 25, DONE, messages=("Queue script error: boom",)), "failed"),
        (Signs(None, 1, ExitReason.SUCCESS, video="complete"), "success"),
        (Signs(None, 1, ExitReason.UNKNOWN, video="missing"), "failed"),
        (Signs(None, 25, MAX_WAIT), "timeout"),
        (Signs(None, 25, DONE, success=True), "success"),
        (Signs(None, 25, DONE, success=False), "failed"),
        (Signs(None, 25, DONE), None),
        (Signs(), None),
    ],
)
def test_it_tells_how_an_attempt_ended(signs, outcome):
    assert outcome_of(signs) == outcome


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("postExecution", ExitReason.POST_EXECUTION),
        ("MAXWAIT", ExitReason.MAX_WAIT),
        ("timeout", ExitReason.UNKNOWN),
        (None, None),
    ],
)
def test_it_knows_five_exit_reasons(text, reason):
    assert exit_reason_of(text) == reason


@pytest.mark.parametrize(
    ("text", "category", "severity"),
    [
        ("/system_stats unavailable before execution", "stats_unavailable", "warning"),
        (
            "/system_stats unavailable after execution; used nvidia-smi fallback",
            *("stats_smi", "info"),
        ),
        (
            "/system_stats present but missing VRAM before execution; used nvidia-smi fallback",
            *("stats_incomplete", "info"),
        ),
        ("GPU info captured via nvidia-smi fallback (pre-run)", "legacy_smi", "info"),
        ("nvidia-smi fallback triggered", "legacy_smi", "info"),
        (
            "Frames appeared freshly written; forced copy after 3 stability checks",
            *("unstable_frames", "warning"),
        ),
        ("Forced copy after stability retries; see x.txt", "forced_copy", "warning"),
        ("forced-copy-after-stability-retries", "forced_copy", "warning"),
        ("Done marker not found after 60 seconds (waited 60)", "done_marker_missing", "warning"),
        ("Queue script error: null", "script_error", "error"),
        ("ScriptLine: 12", "script_error", "error"),
        ("Queue back-pressure activated; depth=7", "backpressure", "warning"),
        ("The cat sat on the switch", "other", "warning"),
    ],
)
def test_it_knows_the_kinds_of_notes(text, category, severity):
    note = note_of(text)

    assert (note.category, note.severity, note.text) == (category, Severity(severity), text)
    assert category in {"other", *(name for name, _, _ in CATALOGUE)}


def test_a_poll_log_is_packed_and_unpacked_without_loss():
    log = poll_log(69)
    log[7] |= {"Status": "error", "Message": "connection refused", "Timestamp": None}
    log[8]["Status"] = "odd"
    log[9]["Status"] = "executed"

    (attempt,) = attempts_of(HistoryPollLog=log)

    assert unpack(pack(attempt.polls)) == attempt.polls
    assert attempt.polls.answers[6:11] == "pe?sp"
    assert attempt.polls.messages == {7: "connection refused"}
    assert (attempt.polls.at[0], attempt.polls.at[7]) == (BEGAN, None)


def test_a_packed_poll_log_is_small():
    (attempt,) = attempts_of(HistoryPollLog=poll_log(5000))

    assert len(pack(attempt.polls)) < 1000


# --- Other kinds of files -----------------------------------------------------------------------


def test_a_summary_alone_tells_a_run():
    run = told(summary().encode())

    assert (run.kind, run.external_id, run.story_id) == (
        *("run-summary", "20251112-102213"),
        "story-harbor",
    )
    assert run.policy == ToldPolicy(600, 0, 2, 30, 1)
    assert [(s.external_id, s.attempts[0].duration_s) for s in run.scenes] == [
        ("scene-001", 124.8),
        ("scene-002", 124.8),
        ("scene-003", 124.8),
    ]
    assert run.scenes[0].gpu_model == "RTX 3090"
    assert {found.code for found in run.findings} == {"began_assumed"}


DIRTY = """E2E Story-to-Video Run: 20251110-090000
[09:00:00] Queue policy: sceneRetries=1 | historyMaxWait=600s
[09:01:00] [Scene scene-001][Attempt 1] Frames=0 Duration=s Prefix=x
[09:01:01] [Scene scene-001] Telemetry: MaxWaitSeconds=s | duration=6.1s | exitReason=attemptLimit \
| gpu={NVIDIA GeForce RTX 3090} | execSuccess=False | pollLimit=0 | = | x
[09:01:02] [Scene scene-001] ERROR No frames copied
2025-11-10T09:01:02 something else
[09:01:03] [Scene scene-001] Requeue requested (next attempt 2/2) reason: no frames
[2025-11-10T09:02:00.000Z] [Scene scene-001][Attempt 2] Frames=2 Duration=39.3s Prefix=x
"""


def test_it_reads_the_dirty_lines_of_a_summary():
    run = told(DIRTY.encode())

    (of,) = run.scenes
    assert [(a.attempt_number, a.frames, a.duration_s) for a in of.attempts] == [
        (1, 0, None),
        (2, 2, 39.3),
    ]
    assert of.report.errors == ["ERROR No frames copied"]


TABLE = """run_id,scene_id,attempt,frames,frame_floor,duration_s,exit_reason,success,vram_before_mb
a,scene-001,1,0,25,10.1,attemptLimit,false,
a,scene-001,2,25,25,128.8,postExecution,true,20870
a,scene-002,1,25,25,124.8,,true,
b,scene-001,,2,25,,,,
"""


def test_a_table_tells_its_runs():
    first, second = runs_of(TABLE.encode())

    assert (first.external_id, first.kind, second.external_id) == ("a", "table", "b")
    assert [[a.duration_s for a in s.attempts] for s in first.scenes] == [[10.1, 128.8], [124.8]]
    assert [[a.outcome for a in s.attempts] for s in first.scenes] == [
        [Outcome.TIMEOUT, Outcome.SUCCESS],
        [Outcome.SUCCESS],
    ]
    assert second.scenes[0].attempts[0].outcome == Outcome.PARTIAL
    assert first.sha256 != second.sha256


def test_a_table_tells_of_each_attempt_how_it_ended_not_of_the_last_alone():
    head = (
        b"run_id,scene_id,attempt,frames,history_attempts,exit_reason,vram_before_mb,vram_after_mb"
    )
    (run,) = runs_of(head + b"\na,s,1,0,3,attemptLimit,12085,11518\na,s,2,25,63,postExecution,,\n")

    first, second = run.scenes[0].attempts

    assert (first.outcome, second.outcome) == (Outcome.TIMEOUT, Outcome.SUCCESS)
    assert (first.script.exit_reason, first.script.history_polls) == ("attemptLimit", 3)
    assert first.memory[0].free_before_bytes == 12_085 << 20
    assert second.memory == []


def test_a_row_of_a_table_without_a_name_is_told_by_its_line():
    with pytest.raises(Unreadable, match="line 3"):
        runs_of(b"run_id,scene_id\na,b\n,c\n")


def own(**fields):
    run = {"external_id": "r", "scenes": [], **fields}
    return {"format": "scenewatch-runs", "version": 1, "runs": [run]}


def test_our_own_export_is_read_as_it_was_written():
    run = told(metadata([scene(HistoryPollLog=poll_log(5))]))

    again = told({**own(), "runs": [plain_of(run)]})

    assert plain_of(again) == plain_of(run)
    assert again.scenes[0].attempts == run.scenes[0].attempts


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"format": "scenewatch-runs", "version": 2, "runs": []}, "version 2"),
        ({"format": "scenewatch-runs", "version": 1}, "runs is missing"),
        (own(external_id=""), r"runs\[0\].*external_id"),
        (own(began_at="2025-11-12T10:00:00"), r"began_at"),
        (own(began_at="1970-01-01T00:00:00Z"), r"runs\[0\]\.began_at"),
        (own(scenes=[{"external_id": "a"}, {"external_id": "a"}]), "one external_id"),
        (own(scenes=[{"external_id": "a", "frame_floor": -1}]), r"scenes\[0\]\.frame_floor"),
        (own(scenes=[{"external_id": "a", "attempts": [{"outcome": "fine"}]}]), "outcome"),
        (own(scenes=[{"external_id": "a" * 201}]), "external_id"),
        ({**own(), "runs": ["x"]}, "no object"),
    ],
)
def test_our_own_export_is_refused_where_it_does_not_fit(value, why):
    with pytest.raises(Unreadable, match=why):
        runs_of(value)


@pytest.mark.parametrize(
    "value",
    [
        {"helper": "ComfyUIStatus", "systemStats": {}},
        {"some": "json"},
        [1, 2],
        7,
        "text",
        None,
    ],
)
def test_a_file_about_something_else_is_no_run(value):
    with pytest.raises(NotARun):
        runs_of(value)


def test_times_are_utc():
    assert told(metadata()).told_at.tzinfo is UTC
    assert told(own_with_offset()).began_at == datetime(2025, 11, 12, 10, tzinfo=UTC)


def own_with_offset():
    return own(began_at="2025-11-12T05:00:00-05:00")

"""What real files do to an importer: one hazard after the other, none of them loses a run."""

import json
from datetime import UTC, datetime

import pytest

from history.imports.errors import Unreadable
from history.imports.fields import LONGEST_PROSE
from history.imports.json_text import DEEPEST, LARGEST_BYTES
from history.imports.reading import File, read
from telemetry.words import Outcome
from tests.history.artifacts import (
    BEGAN,
    NOW,
    as_bytes,
    gpu,
    metadata,
    poll_log,
    scene,
    summary,
    telemetry,
)


def told(value):
    """Return the one run that JSON tells."""
    data = value if isinstance(value, bytes) else as_bytes(value)
    (run,) = read(File("artifact-metadata.json", data), NOW)
    return run


def codes(run):
    return {found.code for found in run.findings}


def begin(text):
    block = telemetry(QueueStart=text, QueueEnd=None)
    return told(metadata([scene(Telemetry=block)])).scenes[0].attempts[0].submitted_at


def test_a_file_without_anything_odd_has_no_findings():
    run = told(metadata())

    assert run.findings == []
    assert (run.external_id, run.began_at, len(run.scenes)) == ("20251112-102213", BEGAN, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-12T05:22:13.1234567-05:00",
        "2025-11-12T10:22:13.123456Z",
        "2025-11-12T10:22:13.1234569+00:00",
    ],
)
def test_1_it_reads_seven_digits_of_a_second_and_offsets(text):
    assert begin(text) == datetime(2025, 11, 12, 10, 22, 13, 123456, tzinfo=UTC)


def test_1_it_takes_a_time_without_a_zone_in_that_of_the_file_and_says_so():
    block = telemetry(QueueStart="2025-11-12T05:22:13", QueueEnd=None)

    run = told(metadata([scene(Telemetry=block)]))

    assert run.scenes[0].attempts[0].submitted_at == BEGAN
    assert codes(run) == {"time_no_zone"}


@pytest.mark.parametrize("value", [1762942933000, "1762942933000", "/Date(1762942933000)/"])
def test_1_it_reads_milliseconds_since_1970_as_number_and_as_text(value):
    assert begin(value) == BEGAN


@pytest.mark.parametrize(
    "value",
    ["1601-01-01T00:00:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z", 99_999_999_999_999],
)
def test_1_it_takes_a_time_that_no_run_can_have_as_missing_and_says_so(value):
    block = telemetry(QueueStart=value, QueueEnd=None)

    run = told(metadata([scene(Telemetry=block)]))

    assert run.scenes[0].attempts[0].submitted_at is None
    assert codes(run) == {"time_unreadable", "began_assumed"}


def test_2_it_reads_past_a_byte_order_mark():
    data = as_bytes(metadata())

    assert told(b"\xef\xbb\xbf" + data).sha256 == told(data).sha256
    assert told(data.decode().encode("utf-16")).sha256 == told(data).sha256


def test_2_it_takes_what_is_not_utf8_as_the_code_page_of_windows_and_says_so():
    run = told(as_bytes(metadata(Story={"Id": "s", "Logline": "X"})).replace(b"X", b"caf\xe9"))

    assert run.report.story["logline"] == "café"
    assert "not_utf8" in codes(run)


def test_3_it_takes_a_single_scene_that_stands_as_an_object():
    run = told(metadata(scene()))

    assert [one.external_id for one in run.scenes] == ["scene-001"]
    assert codes(run) == {"not_a_list"}


@pytest.mark.parametrize(
    ("notes", "texts"), [(None, []), ("one", ["one"]), (["one", "two"], ["one", "two"]), ([], [])]
)
def test_3_it_takes_notes_that_are_null_a_text_or_a_list(notes, texts):
    run = told(metadata([scene(Telemetry=telemetry(System={"FallbackNotes": notes}))]))

    assert [note.text for note in run.scenes[0].attempts[0].notes] == texts
    assert run.findings == []


def test_4_it_takes_numbers_that_are_written_as_text_and_says_so():
    block = telemetry(DurationSeconds="124.8", HistoryAttempts="63", DoneMarkerDetected="True")

    run = told(metadata([scene(FrameCount="25", Telemetry=block)]))

    attempt = run.scenes[0].attempts[0]
    assert (attempt.duration_s, attempt.frames, attempt.script.history_polls) == (124.8, 25, 63)
    assert attempt.script.marker_seen is True
    assert codes(run) == {"number_as_text", "flag_as_text"}


def test_4_it_takes_numbers_that_are_written_with_their_unit():
    block = telemetry(
        DurationSeconds="124.8s", GPU=gpu(VramFreeBefore=None, VramBeforeMB="20870 MB")
    )

    run = told(metadata([scene(Telemetry=block)]))

    attempt = run.scenes[0].attempts[0]
    assert (attempt.duration_s, attempt.memory[0].free_before_bytes) == (124.8, 20870 << 20)
    assert codes(run) == {"number_as_text"}


@pytest.mark.parametrize(
    "cut", ["System.Object[]", "@{FallbackNotes=System.Object[]}", "System.Collections.Hashtable"]
)
def test_5_it_takes_what_was_cut_off_for_its_depth_as_missing_and_says_so(cut):
    block = telemetry(System={"FallbackNotes": [], "Before": cut}, GPU=cut)

    run = told(metadata([scene(AttemptSummaries=cut, Telemetry=block)]))

    scene_ = run.scenes[0]
    assert (scene_.gpu_model, scene_.attempts[0].script.system_before) == (None, {})
    assert len(scene_.attempts) == 1
    assert "truncated" in codes(run)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("Story", "V03"),
        ("QueueConfig", "V03"),
        ("VitestLogs", "V03"),
        ("HelperSummaries", "V05"),
    ],
)
def test_6_it_takes_a_file_without_a_block(missing, code):
    whole = metadata()
    del whole[missing]

    run = told(whole)

    assert len(run.scenes) == 3
    assert code in codes(run)


def test_6_it_takes_a_scene_without_telemetry():
    bare = scene()
    del bare["Telemetry"]

    run = told(metadata([bare]))

    attempt = run.scenes[0].attempts[0]
    assert (attempt.outcome, attempt.duration_s, attempt.frames) == (Outcome.SUCCESS, 124.8, 25)
    assert "V10" in codes(run)


def test_6_it_takes_a_file_that_has_scenes_and_nothing_else():
    run = told({"Scenes": [scene()]})

    assert [one.external_id for one in run.scenes] == ["scene-001"]
    assert {"no_run_id", "V03"} <= codes(run)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"RunDir": "C:\\logs\\20251118-083434\\"}, "20251118-083434"),
        ({"RunDir": None}, "20251112-102213"),
        ({"RunDir": None, "Archive": None}, "sha256-"),
    ],
)
def test_6_it_names_a_run_without_an_id_by_folder_archive_or_content(fields, name):
    run = told(metadata(RunId=None, **fields))

    assert run.external_id.startswith(name)
    assert "no_run_id" in codes(run)
    assert told(metadata(RunId=None, **fields)).external_id == run.external_id


def test_7_it_reads_old_names_and_says_so():
    old = metadata()
    old["scenes"] = old.pop("Scenes")
    old["ArchivePath"] = old.pop("Archive")
    old["QueueConfig"]["MaxSceneRetries"] = old["QueueConfig"].pop("SceneRetryBudget")
    old["LLMHealthInfo"] = {"Status": "success", "Models": 3}
    for one in old["scenes"]:
        one["Title"] = one.pop("StoryTitle")

    run = told(old)

    assert (len(run.scenes), run.scenes[0].title) == (3, "The 1. of Harbor")
    assert run.policy.retry_budget == 1
    assert run.report.paths["archive"].endswith(".zip")
    assert run.report.health_check == {"status": "success", "models": 3}
    assert codes(run) == {"legacy_key"}


def test_7_it_reads_post_processing_by_its_other_names():
    block = telemetry(
        flf2vEnabled=True, flf2vSource="keyframe", interpolationElapsed="12.5", finalFps=24
    )

    run = told(metadata([scene(Telemetry={**block, "finalResolution": "1920x1080"})]))

    script = run.scenes[0].attempts[0].script
    assert (script.interpolation_ms, script.final_fps, script.final_width) == (12.5, 24, 1920)
    assert script.more["flf2v_source"] == "keyframe"


@pytest.mark.parametrize("name", ["timestamp", "yyyyMMdd-HHmmss", "<RunId>"])
def test_8_it_takes_the_run_id_of_an_example_and_says_so(name):
    run = told(metadata(RunId=name))

    assert run.external_id == name
    assert codes(run) == {"placeholder"}


def test_8_it_takes_placeholders_and_says_so():
    words = "success|maxWait|attemptLimit|postExecution"
    block = telemetry(HistoryExitReason=words, ExecutionSuccessAt="ISO-8601")

    run = told(metadata([scene(Telemetry=block)], RunId="timestamp"))

    attempt = run.scenes[0].attempts[0]
    assert (run.external_id, run.scenes[0].exit_reason) == ("timestamp", "unknown")
    assert (attempt.script.exit_reason, attempt.script.history_seen_at) == (words, None)
    assert codes(run) == {"placeholder", "time_unreadable", "V12", "V14"}


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b'{\n  "RunId": "a",\n  // a comment\n}', 3, 3),
        (b'{\n  "Scenes": [...]\n}', 2, 14),
        (b'{ "Scenes": { ... } }', 1, 15),
        (b"# notes", 1, 1),
        (b"   \n ", 1, 1),
        (b'{"RunId": "a"', 1, 14),
    ],
)
def test_9_it_says_where_a_file_is_not_json(data, line, column):
    with pytest.raises(Unreadable) as caught:
        told(data)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(caught.value)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"RunId":' + b"9" * 10_000 + b"}"])
def test_9_it_refuses_what_nothing_can_hold(data):
    with pytest.raises(Unreadable):
        told(data)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_10_it_takes_numbers_that_are_none_as_missing_and_says_so(value):
    text = as_bytes(metadata()).replace(b"124.8,", value.encode() + b",")

    run = told(text)

    assert run.scenes[0].attempts[0].duration_s is None
    assert "not_finite" in codes(run)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_10_it_takes_texts_that_are_no_number_as_missing_and_says_so(value):
    run = told(metadata([scene(StoryTitle=value)]))

    assert run.scenes[0].title is None
    assert codes(run) == {"not_finite"}


def test_10_it_takes_a_duration_of_more_than_a_year_as_missing_and_says_so():
    block = telemetry(DurationSeconds=4e7, QueueEnd=None)

    run = told(metadata([scene(DurationSeconds=None, Telemetry=block)]))

    assert run.scenes[0].attempts[0].duration_s is None
    assert codes(run) == {"out_of_range"}


@pytest.mark.parametrize(
    ("name", "value"), [("FrameCount", -3), ("HistoryAttempts", 10**18), ("FrameFloor", -1)]
)
def test_10_it_takes_absurd_numbers_as_missing_and_says_so(name, value):
    run = told(metadata([scene(**{name: value})]))

    assert "out_of_range" in codes(run)


def test_10_it_takes_absurd_memory_as_missing():
    block = telemetry(GPU=gpu(VramFreeBefore=-5, VramTotal=10**30))

    run = told(metadata([scene(Telemetry=block)]))

    assert run.scenes[0].attempts[0].memory[0].total_bytes is None
    assert "out_of_range" in codes(run)


def test_11_the_same_content_has_the_same_digest_however_it_is_laid_out():
    one, again = metadata(), metadata()
    compact = json.dumps(again, separators=(",", ":"), sort_keys=True).encode()

    assert told(as_bytes(one)).sha256 == told(compact).sha256
    assert told(as_bytes(metadata(Archive="b.zip"))).sha256 != told(compact).sha256


def test_11_a_poll_log_is_part_of_the_content():
    one, other = (metadata([scene(HistoryPollLog=poll_log(n))]) for n in (3, 4))

    assert told(one).sha256 != told(other).sha256


def test_11_the_summary_beside_it_is_part_of_the_content():
    data = as_bytes(metadata())
    texts = [None, *(summary().replace("A harbor wakes", line) for line in ("A", "B"))]

    runs = [
        read(File("artifact-metadata.json", data, text and text.encode()), NOW)[0] for text in texts
    ]

    assert len({run.sha256 for run in runs}) == 3
    assert [run.content.get("summary") for run in runs] == texts


def test_12_it_keeps_paths_as_text_and_opens_none():
    path = "\\\\fileserver\\renders\\scene-001"

    run = told(metadata([scene(GeneratedFramesDir=path)]))

    assert run.scenes[0].report.paths["frames_folder"] == path


def test_13_it_keeps_long_prompts_to_a_limit_and_all_of_them_in_the_document():
    prompt = "a boat at dawn 🚢 <script>alert(1)</script>\n" * 2000

    run = told(metadata([scene(Prompt=prompt)]))

    kept = run.scenes[0].report.prompt
    assert (len(kept), kept[:60]) == (LONGEST_PROSE, prompt[:60])
    assert run.content["Scenes"][0]["Prompt"] == prompt
    assert codes(run) == {"too_long"}


def test_13_it_keeps_nothing_that_a_database_refuses_or_a_page_misreads():
    run = told(metadata([scene(Prompt="a\u0000b\ud800c\u202ed")]))

    assert run.scenes[0].report.prompt == "a�b�c�d"


def test_14_it_reads_fifty_scenes_and_poll_logs_of_thousands_of_lines():
    run = told(metadata([scene(n, HistoryPollLog=poll_log(2000)) for n in range(1, 51)]))

    assert len(run.scenes) == 50
    assert len(run.scenes[49].attempts[0].polls.answers) == 2000
    assert "HistoryPollLog" not in run.content["Scenes"][0]


def test_14_it_refuses_more_than_twenty_megabytes():
    with pytest.raises(Unreadable, match=r"20\.0 MB; 20 MB are taken at most"):
        told(b" " * (LARGEST_BYTES + 1))


def test_15_it_keeps_what_notes_say_word_for_word():
    note = r"Forced copy after stability retries; see C:\Users\mira\debug.txt on 192.168.1.7"

    run = told(metadata([scene(Telemetry=telemetry(System={"FallbackNotes": [note]}))]))

    assert run.scenes[0].attempts[0].notes[0].text == note


@pytest.mark.parametrize("deep", [DEEPEST, 480, 900, 100_000])
def test_what_is_nested_deeper_than_any_script_writes_is_told(deep):
    """Going through it level by level would take more calls than Python has."""
    nested = "[" * deep + "]" * deep
    own = f'{{"format":"scenewatch-runs","version":1,"runs":[{{"external_id":"1","x":{nested}}}]}}'

    for text in (own, f'{{"RunId":"1","Scenes":[],"x":{nested}}}'):
        with pytest.raises(Unreadable, match="nested too deeply"):
            told(text.encode())


def test_what_is_nested_as_deep_as_is_taken_is_taken():
    # The object that it stands in is the first level.
    nested = json.loads("[" * (DEEPEST - 1) + "]" * (DEEPEST - 1))

    assert told(metadata(Other=nested)).external_id

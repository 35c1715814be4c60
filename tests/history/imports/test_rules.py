"""The rules of docs/imports.md: what breaks one is found, with code, level, path and scene."""

import re
from pathlib import Path

import pytest

from history.imports.codes import CODES
from history.imports.reading import File, read
from history.words import ExitReason, Level
from tests.history.artifacts import (
    NOW,
    as_bytes,
    gpu,
    iso,
    metadata,
    scene,
    second_generation,
    summary,
    telemetry,
)


def findings_of(value, text=None):
    data = text.encode() if text is not None else None
    (run,) = read(File("artifact-metadata.json", as_bytes(value), data), NOW)
    return run.findings


def one_scene(**fields):
    return metadata([scene(**fields)])


def with_telemetry(**fields):
    return one_scene(Telemetry=telemetry(**fields))


def without(name):
    block = telemetry()
    del block[name]
    return one_scene(Telemetry=block)


BROKEN = {
    "no frame at all": (one_scene(FrameCount=0), "V02", "Scenes"),
    "no scene": (metadata([]), "V03", "Scenes"),
    "no story id": (metadata(Story={}), "V03", "Story.Id"),
    "no test log": (metadata(VitestLogs={"E2E": "a"}), "V03", "VitestLogs"),
    "no retry budget": (
        metadata(QueueConfig={"HistoryMaxWaitSeconds": 600}),
        *("V03", "QueueConfig"),
    ),
    "no helper": (metadata(HelperSummaries={}), "V05", "HelperSummaries.ComfyUIStatus"),
    "no helper's log": (
        metadata(HelperSummaries={"ComfyUIStatus": {"Summary": "a.json"}}),
        *("V05", "HelperSummaries.ComfyUIStatus.Log"),
    ),
    "another limit as text": (
        with_telemetry(PollLimit="9"),
        *("V15", "Scenes[0].Telemetry.PollLimit"),
    ),
    "another source": (
        with_telemetry(FLF2VEnabled=True, FLF2VSource="middle"),
        *("V19", "Scenes[0].Telemetry.FLF2VSource"),
    ),
    "a blank method": (
        with_telemetry(UpscaleMethod=" "),
        *("V19", "Scenes[0].Telemetry.UpscaleMethod"),
    ),
    "no scene budget": (one_scene(SceneRetryBudget=None), "V10", "Scenes[0].Telemetry"),
    "no figure": (
        with_telemetry(MaxWaitSeconds=None),
        *("V11", "Scenes[0].Telemetry.MaxWaitSeconds"),
    ),
    "another exit": (
        with_telemetry(HistoryExitReason="timeout"),
        *("V12", "Scenes[0].Telemetry.HistoryExitReason"),
    ),
    "no key": (
        without("ForcedCopyDebugPath"),
        *("V13", "Scenes[0].Telemetry.ForcedCopyDebugPath"),
    ),
    "seen at no time": (
        with_telemetry(ExecutionSuccessAt=None),
        *("V14", "Scenes[0].Telemetry.ExecutionSuccessAt"),
    ),
    "no GPU": (with_telemetry(GPU=None), "V16", "Scenes[0].Telemetry.GPU"),
    "no GPU name": (with_telemetry(GPU=gpu(Name=" ")), "V16", None),
    "no VRAM figure": (with_telemetry(GPU=gpu(VramAfterMB=None)), "V16", None),
    "wrong delta": (
        with_telemetry(GPU=gpu(VramDeltaMB=-4460.8)),
        *("V16", "Scenes[0].Telemetry.GPU.VramDeltaMB"),
    ),
    "no notes": (with_telemetry(System={}), "V17", "Scenes[0].Telemetry.System.FallbackNotes"),
    "no source of frames": (
        with_telemetry(FLF2VEnabled=True),
        *("V19", "Scenes[0].Telemetry.FLF2VSource"),
    ),
    "no resolution": (
        with_telemetry(FinalResolution="1080p"),
        *("V19", "Scenes[0].Telemetry.FinalResolution"),
    ),
    "no frame rate": (
        with_telemetry(FinalFPS=0),
        *("out_of_range", "Scenes[0].Telemetry.FinalFPS"),
    ),
    "a backslash": (
        metadata([second_generation(Video={**second_generation()["Video"], "Path": "a\\b"})]),
        *("V20", "Scenes[0].Video.Path"),
    ),
    "half a video": (metadata([second_generation(Video={"Status": "missing"})]), "V20", None),
    "the end before the begin": (
        with_telemetry(QueueEnd=iso(-1)),
        *("ends_before_begin", "Scenes[0].Telemetry.QueueEnd"),
    ),
    "another duration": (
        with_telemetry(DurationSeconds=123.7),
        *("duration_mismatch", "Scenes[0].Telemetry.DurationSeconds"),
    ),
    "too many polls": (
        with_telemetry(HistoryAttemptLimit=60),
        *("over_poll_limit", "Scenes[0].HistoryAttempts"),
    ),
    "requeued once": (
        one_scene(Requeued=True),
        *("requeued_mismatch", "Scenes[0].Requeued"),
    ),
    "more than the budget": (
        one_scene(AttemptsRun=3, Requeued=True),
        *("over_budget", "Scenes[0].AttemptsRun"),
    ),
    "an attempt untold": (
        one_scene(AttemptsRun=2, Requeued=True),
        *("attempts_untold", "Scenes[0].AttemptSummaries"),
    ),
    "another policy": (
        with_telemetry(MaxWaitSeconds=30),
        *("policy_mismatch", "Scenes[0].Telemetry.MaxWaitSeconds"),
    ),
    "the same scene": (
        metadata([scene(), scene()]),
        *("same_scene_twice", "Scenes[1].SceneId"),
    ),
    "a scene without id": (one_scene(SceneId=None), "no_scene_id", "Scenes[0].SceneId"),
    "more than there is": (
        with_telemetry(GPU=gpu(VramTotal=2**30)),
        *("vram_over_total", "Scenes[0].Telemetry.GPU.VramTotal"),
    ),
    "a time to come": (
        metadata(Timestamp="2031-01-01T00:00:00Z"),
        *("time_in_future", "Timestamp"),
    ),
    "nothing of the end": (
        one_scene(
            FrameCount=None, Success=None, Telemetry=telemetry(HistoryExitReason="postExecution")
        ),
        *("outcome_unknown", "Scenes[0]"),
    ),
    "nothing of the begin": (
        one_scene(Telemetry=telemetry(QueueStart=None)),
        *("began_assumed", ""),
    ),
    "a list of a text": (one_scene(Warnings=[1]), "wrong_type", "Scenes[0].Warnings"),
    "a fraction of a frame": (one_scene(FrameFloor=24.6), "not_whole", "Scenes[0].FrameFloor"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_it_finds(case):
    value, code, path = BROKEN[case]

    found = [one for one in findings_of(value) if one.code == code]

    assert found
    assert path is None or path in [one.path for one in found]
    assert all(one.level is CODES[code][0] for one in found)
    assert all((one.scene is not None) == one.path.startswith("Scenes[") for one in found)


BESIDE = {
    "a line is missing": (("Story logline", "Logline was"), "V01"),
    "no frames in all": (("Total frames copied: 75", "Total frames copied: 0"), "V02"),
    "another limit": (("historyMaxWait=600s", "historyMaxWait=30s"), "V04"),
    "no policy at all": (("Queue policy:", "Policy"), "V04"),
    "half a policy": ((" | postExecutionTimeout=30s", ""), "V04"),
    "no scene": (("[Scene scene-002]", "[Scene scene-009]"), "V06"),
    "no telemetry line": (("Telemetry:", "Telemetrie:"), "V10"),
    "another poll limit": (("pollLimit=unbounded", "pollLimit=9"), "V15"),
    "another marker wait": (("DoneMarkerWaitSeconds=0.5s", "DoneMarkerWaitSeconds=0.7s"), "V18"),
    "no marker wait": (("DoneMarkerWaitSeconds=0.5s | ", ""), "V18"),
    "another budget": (("SceneRetryBudget=1", "SceneRetryBudget=2"), "V15"),
    "no memory": ((" | VramDeltaMB=-4461MB", ""), "V18"),
    "another forced copy": (("ForcedCopyTriggered=False", "ForcedCopyTriggered=True"), "V18"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_it_finds_what_the_summary_says_otherwise(case):
    (old, new), code = BESIDE[case]
    text = summary()
    assert old in text

    assert {one.code for one in findings_of(metadata(), text.replace(old, new))} == {code}


SAID_OTHERWISE = {
    "V18": with_telemetry(ForcedCopyTriggered=True, ForcedCopyDebugPath="forced-copy-debug-1.txt"),
    "V07": one_scene(MeetsFrameFloor=False),
    "V08": one_scene(HistoryErrors=["connection refused"]),
    "V09": one_scene(Success=False),
    "V17": with_telemetry(System={"FallbackNotes": ["Frames appeared freshly written"]}),
}


@pytest.mark.parametrize("code", SAID_OTHERWISE)
def test_it_finds_what_the_summary_ought_to_say(code):
    found = findings_of(SAID_OTHERWISE[code], summary(("scene-001",)))

    assert code in {one.code for one in found}


def test_it_finds_nothing_where_the_summary_does_say_so():
    value = metadata(
        [
            scene(
                MeetsFrameFloor=False,
                HistoryErrors=["refused"],
                Success=False,
                Telemetry=telemetry(System={"FallbackNotes": ["Frames appeared freshly written"]}),
            )
        ]
    )
    said = "".join(
        f"[10:24:19] [Scene scene-001] {line}\n"
        for line in (
            "WARNING: Frame count below floor (2/25)",
            "HISTORY ERROR refused (attempts=9)",
            "ERROR: it failed",
            "WARNING: Frames appeared freshly written",
        )
    )

    assert findings_of(value, summary(("scene-001",)) + said) == []


def said(old, new):
    """Return the summary of three scenes that says one thing otherwise."""
    text = summary()
    assert old in text
    return text.replace(old, new)


# What comes next to breaking a rule, and keeps it.
KEPT = {
    "V01": [(metadata(), summary())],
    "V02": [(metadata([scene(1, FrameCount=0), scene(2, 130.0)]), None)],
    "V03": [(metadata(Story={"Id": "s"}, QueueConfig={"SceneRetryBudget": 0}), None)],
    "V04": [(metadata(), said("historyMaxAttempts=unbounded", "historyMaxAttempts=0"))],
    "V05": [(metadata(), None)],
    "V06": [(metadata([scene(2)]), summary())],
    "V07": [
        (
            one_scene(MeetsFrameFloor=False),
            f"{summary(('scene-001',))}[Scene scene-001] WARNING: Frame count below floor (2/25)",
        )
    ],
    "V08": [
        (
            one_scene(HistoryRetrieved=False),
            f"{summary(('scene-001',))}[Scene scene-001] History warning none (attempts=9)",
        )
    ],
    "V09": [
        (one_scene(Success=False), f"{summary(('scene-001',))}[Scene scene-001] FAILED: it did")
    ],
    "V10": [(one_scene(SceneRetryBudget=0), summary(("scene-001",)))],
    "V11": [(with_telemetry(HistoryAttempts=0, HistoryAttemptLimit=0), None)],
    "V12": [(with_telemetry(HistoryExitReason=word.value), None) for word in ExitReason],
    "V13": [(with_telemetry(ForcedCopyDebugPath=None, DoneMarkerWaitSeconds=None), None)],
    "V14": [(with_telemetry(ExecutionSuccessDetected=False, ExecutionSuccessAt=None), None)],
    "V15": [
        (metadata(), said("pollLimit=unbounded", "pollLimit=0")),
        (with_telemetry(HistoryAttemptLimit=9, PollLimit="9"), None),
        (
            with_telemetry(SceneRetryBudget=0),
            said("SceneRetryBudget=1", "SceneRetryBudget=unbounded"),
        ),
    ],
    "V16": [(with_telemetry(GPU=gpu(VramDeltaMB=-4460.9)), None)],
    "V17": [
        (
            with_telemetry(System={"FallbackNotes": ["Forced copy"]}),
            f"{summary(('scene-001',))}[Scene scene-001] WARNING: Forced copy",
        ),
        (with_telemetry(System={"FallbackNotes": None}), None),
    ],
    "V18": [(metadata(), said("DoneMarkerWaitSeconds=0.5s", "DoneMarkerWaitSeconds=0.6s"))],
    "V19": [
        (
            with_telemetry(
                FLF2VEnabled=True,
                FLF2VSource="keyframe",
                UpscaleMethod="RIFE",
                InterpolationElapsed=0,
                FinalFPS=23.976,
                FinalResolution="1920x1080",
            ),
            None,
        )
    ],
    "V20": [
        (metadata([second_generation()]), None),
        (
            metadata(
                [
                    second_generation(
                        Video={
                            **second_generation()["Video"],
                            "Path": None,
                            "Status": "missing",
                            "Error": "MP4 missing",
                        }
                    )
                ]
            ),
            None,
        ),
    ],
    "ends_before_begin": [(with_telemetry(QueueEnd=iso(0), DurationSeconds=0.4), None)],
    "duration_mismatch": [(with_telemetry(DurationSeconds=123.8), None)],
    "over_poll_limit": [(with_telemetry(HistoryAttempts=63, HistoryAttemptLimit=63), None)],
    "requeued_mismatch": [(one_scene(AttemptsRun=2, Requeued=True), None)],
    "over_budget": [(one_scene(AttemptsRun=2, Requeued=True), None)],
    "attempts_untold": [
        (
            one_scene(
                AttemptsRun=2,
                Requeued=True,
                AttemptSummaries=[{"Attempt": 1, "FrameCount": 2}, {"Attempt": 2}],
            ),
            None,
        )
    ],
    "policy_mismatch": [(with_telemetry(MaxWaitSeconds=600.0), None)],
    "same_scene_twice": [(metadata([scene(1), scene(2, 130.0)]), None)],
    "no_scene_id": [(one_scene(SceneId="x"), None)],
    "vram_over_total": [
        (with_telemetry(GPU=gpu(24576.0, 24576.0, VramTotal=25_769_803_776)), None)
    ],
    "time_in_future": [(metadata(Timestamp="2026-03-04T12:04:00Z"), None)],
    "outcome_unknown": [(one_scene(FrameCount=None, Success=True), None)],
    "began_assumed": [(metadata(), None)],
    "wrong_type": [(one_scene(Warnings=["1"]), None)],
    "out_of_range": [(with_telemetry(FinalFPS=0.001), None)],
    "not_whole": [(one_scene(FrameFloor=24.0), None)],
}


@pytest.mark.parametrize(
    ("code", "case"), [(code, case) for code, cases in KEPT.items() for case in cases]
)
def test_what_keeps_a_rule_is_not_found_to_break_it(code, case):
    value, text = case

    assert code not in {one.code for one in findings_of(value, text)}


def test_each_rule_is_broken_by_one_fixture_and_kept_by_another():
    broken = {code for _, code, _ in BROKEN.values()} | {code for _, code in BESIDE.values()}

    assert broken | SAID_OTHERWISE.keys() == KEPT.keys()
    assert {code for code in CODES if re.fullmatch(r"V\d\d", code)} <= KEPT.keys()


def test_metadata_and_summary_of_one_run_have_no_findings():
    assert findings_of(metadata(), summary()) == []


def test_the_second_generation_is_told_without_findings():
    assert findings_of(metadata([second_generation()])) == []


def test_of_very_many_findings_some_are_kept_and_the_rest_is_counted():
    found = findings_of(metadata([{} for _ in range(400)]))

    assert len(found) == 1001
    assert re.fullmatch(r".* \d+ are left out\.", found[-1].message)


def test_every_code_is_told_in_the_docs_with_its_level():
    text = (Path(__file__).parents[3] / "docs" / "imports.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (error|warning) \|", text, re.MULTILINE))

    assert rows == {code: str(level) for code, (level, _) in CODES.items()}
    assert set(rows.values()) == set(Level)

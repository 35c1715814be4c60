"""What files told of a scene stands on its page, by attempt; what they did not tell is no 0."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run, Scene
from telemetry.models import Team
from tests import cast
from tests.history.artifacts import (
    NOW,
    as_bytes,
    iso,
    metadata,
    poll_log,
    scene,
    second_generation,
    summary,
    telemetry,
)
from tests.history.scene_page.test_page import page, told

pytestmark = pytest.mark.django_db

# The newest schema: post-processing and a video, in the shape of what its scripts wrote.
POST_PROCESSED = telemetry(
    FLF2VEnabled=True,
    FLF2VSource="last-frame",
    FLF2VFallback=True,
    InterpolationElapsed=1250,
    UpscaleMethod="RIFE",
    FinalFPS=23.976,
    FinalResolution="1920x1080",
)


@pytest.fixture
def people() -> cast.Cast:
    return cast.make_cast()


@pytest.fixture
def bob(people: cast.Cast, client: Client) -> Client:
    client.force_login(people.bob)
    return client


def filed(team: Team, value: Any) -> Scene:
    """Return the first scene of a file's run."""
    data = value if isinstance(value, bytes) else as_bytes(value)
    (run, *_) = read(File("x", data), NOW)
    file_run(run, Into(team, NOW))
    return Scene.objects.select_related("run").get(run__external_id=run.external_id, position=0)


def part(client: Client, of: Scene, name: str = "told") -> str:
    """Return what a section of the scene's page tells as text, without its tags."""
    found = page(client, of).split(f'id="{name}-title"')[1].split("</section>")[0]
    return told(re.sub(r"</(dt|dd|li|p|summary|td|th)>", " ", found)).replace("\xa0", " ")


def test_the_figures_of_the_newest_schema_stand_there_with_their_units(
    bob: Client, people: cast.Cast
) -> None:
    value = metadata([second_generation(Telemetry=POST_PROCESSED)])

    text = part(bob, filed(people.northlight, value))

    assert "video: complete" in text
    assert "Video, length 3.125 s" in text
    assert "Frame rate 23.976 fps" in text
    assert "Resolution 1920 × 1080" in text
    assert "Interpolation 1,250 ms" in text
    assert "Upscaled by RIFE" in text
    assert "enabled, source last-frame, fell back to the keyframe" in text
    assert "Frames expected 81, not counted" in text
    assert "Not reported" not in text


def test_what_is_not_told_is_not_reported_and_no_zero(bob: Client, people: cast.Cast) -> None:
    text = part(bob, filed(people.northlight, metadata([scene()])))

    assert "video: not reported" in text
    assert "Not reported: frame rate, resolution, interpolation, upscaled by." in text
    assert not re.search(r"\b0 (fps|ms)\b|0 × 0", text)


def test_a_video_that_is_missing_says_what_its_script_said(bob: Client, people: cast.Cast) -> None:
    video = {"Path": None, "DurationSeconds": None, "Status": "missing", "UpdatedAt": iso(9)}
    one = second_generation(Video={**video, "Error": "MP4 missing"})

    text = part(bob, filed(people.northlight, metadata([one])))

    assert "video: missing" in text
    assert "Video, error MP4 missing" in text
    assert "Video, length" not in text


def test_notes_warnings_errors_and_findings_stand_at_the_scene(
    bob: Client, people: cast.Cast
) -> None:
    block = telemetry(
        System={"FallbackNotes": ["Done marker not found after 60 seconds"]}, MaxWaitSeconds=None
    )
    words = {
        "Warnings": ["Slow disk"],
        "Errors": ["No frames copied"],
        "HistoryErrors": ["refused"],
    }

    text = part(bob, filed(people.northlight, metadata([scene(Telemetry=block, **words)])))

    assert "warning: Done marker not foundDone marker not found after 60 seconds" in text
    assert "warningSlow disk" in text
    assert "errorNo frames copied" in text
    assert "errorrefused" in text
    assert "MaxWaitSeconds is missing." in text


def test_how_a_script_waited_stands_there_with_its_times_and_host(
    bob: Client, people: cast.Cast
) -> None:
    host = {"os": "nt", "python_version": "3.12.7", "ram_total": 64 << 30, "argv": ["main.py"]}
    system = {
        "Before": {**host, "ram_free": 30 << 30},
        "After": {**host, "ram_free": 21 << 30},
        "FallbackNotes": [],
    }
    block = telemetry(System=system)
    value = metadata([scene(Telemetry=block, HistoryRetrievedAt=iso(95))])

    text = part(bob, filed(people.northlight, value))

    assert "Queued 12 Nov 10:22" in text
    assert "Frames copied at 12 Nov 10:24" in text
    assert "History fetched at 12 Nov 10:23" in text
    assert "Host's free memory 30.0 GiB before, 21.0 GiB after, 64.0 GiB in all" in text
    assert "Host Python 3.12.7, on nt" in text
    assert "main.py" not in text


def test_a_scenes_own_words_stand_beside_what_was_worked_out(
    bob: Client, people: cast.Cast
) -> None:
    one = scene(Success=True, MeetsFrameFloor=False, Requeued=False, StoryExpectedFrames=27)

    text = part(bob, filed(people.northlight, metadata([one])))

    assert "Its script's own word success, too few frames, not tried again" in text
    assert "Frames it should have 27" in text
    assert "27.0" not in text


def test_the_negative_text_stands_beside_the_text_for_operators(
    client: Client, people: cast.Cast
) -> None:
    of = filed(people.northlight, metadata([scene(Prompt="a pier", NegativePrompt="blurry hands")]))
    client.force_login(people.bob)
    as_viewer = page(client, of)
    client.force_login(people.olga)
    as_operator = told(page(client, of))

    assert "blurry hands" not in as_viewer
    assert re.search(r"Text\s*a pier\s*Negative text\s*blurry hands", as_operator)


def test_a_change_of_memory_is_told_where_neither_before_nor_after_was(
    bob: Client, people: cast.Cast
) -> None:
    block = telemetry(GPU={"Name": "NVIDIA GeForce RTX 3090", "VramDeltaMB": -4380})

    text = part(bob, filed(people.northlight, metadata([scene(Telemetry=block)])), "trace")

    assert "Free VRAM 4.3 GiB less" in text


def test_paths_are_for_operators(client: Client, people: cast.Cast) -> None:
    of = filed(people.northlight, metadata([second_generation()]))
    client.force_login(people.bob)
    as_viewer = part(client, of)
    client.force_login(people.olga)

    assert "harbor.mp4" not in as_viewer
    assert "Path, video video/scene-001/harbor.mp4" in part(client, of)


def test_a_poll_log_is_told_in_words_and_collapsed_with_its_table(
    bob: Client, people: cast.Cast
) -> None:
    of = filed(people.northlight, metadata([scene(HistoryPollLog=poll_log(63))]))
    attempt = of.attempts.get()
    address = f"/teams/northlight/runs/{of.run_id}/attempts/{attempt.pk}/polls"

    html = page(bob, of)
    table = bob.get(f"{address}/").content.decode()

    assert "63 polls, in 2m 04s, 46 pending, 17 answered, grace elapsed" in told(html).replace(
        "\xa0", " "
    )
    assert re.search(
        rf'<details class="fold"><summary>[^/]*/></svg>When it was polled.*{address}', html
    )
    assert table.count("<tr") == 64


def test_the_log_of_an_attempt_is_collapsed_on_the_run_s_page_too(
    bob: Client, people: cast.Cast
) -> None:
    of = filed(people.northlight, metadata([scene(HistoryPollLog=poll_log(63))]))

    html = bob.get(f"/teams/northlight/runs/{of.run_id}/").content.decode()

    row = html.split(f'<tr class="detail" id="scene-{of.pk}-detail">')[1]
    assert f'id="polls-{of.attempts.get().pk}"' in row
    opener = re.search(rf'<input class="vh" type="checkbox" id="open-{of.pk}"[^>]*>', html)
    assert opener is not None
    assert "checked" not in opener[0]


def test_a_scene_that_was_only_watched_has_no_such_part(bob: Client, people: cast.Cast) -> None:
    run = cast.make_run(people.northlight)

    assert 'id="told-title"' not in page(bob, cast.make_scene(run))


# --- Attempts -------------------------------------------------------------------------------------

REQUEUED = b"""run_id,scene_id,attempt,frames,frame_floor,success,requeued
20251113-213801,scene-001,2,2,25,,true
20251113-213801,scene-002,1,2,25,,true
20251113-213801,scene-002,2,25,25,,true
20251113-213801,scene-003,2,20,25,,true
"""


def of_the_13th(team: Team, name: str) -> Scene:
    filed(team, REQUEUED)
    return Scene.objects.select_related("run").get(external_id=name)


def test_the_attempts_tell_how_the_frames_came_about(bob: Client, people: cast.Cast) -> None:
    text = part(bob, of_the_13th(people.northlight, "scene-002"), "attempts")

    assert re.search(
        r"Attempt 1 .*Partial.* 2 of at least 25 .*frames below the floor: 2 of 25", text
    )
    assert re.search(r"Attempt 2 .*Completed.* 25 of at least 25 ", text)
    assert "Best attempt: Attempt 2, because it completed with 25 frames." in text
    assert "The rule: The newest that completed; else the one with most frames" in text


def test_why_it_was_tried_again_is_told_in_the_words_of_the_script(
    bob: Client, people: cast.Cast
) -> None:
    tries = [{"Attempt": n, "FrameCount": frames} for n, frames in ((1, 2), (2, 25))]
    value = metadata([scene(AttemptSummaries=tries, AttemptsRun=2, Requeued=True)])
    line = "[Scene scene-001] Requeue requested (next attempt 2/2) reason: frame count below floor"
    said = f"{summary(('scene-001',))}[10:24:19] {line} (2/25)\n"
    (run,) = read(File("artifact-metadata.json", as_bytes(value), said.encode()), NOW)
    file_run(run, Into(people.northlight, NOW))

    text = part(bob, Scene.objects.select_related("run").get(), "attempts")

    assert "frame count below floor (2/25)" in text


def test_attempts_that_are_only_counted_are_said_to_be_untold(
    bob: Client, people: cast.Cast
) -> None:
    text = part(bob, of_the_13th(people.northlight, "scene-003"), "attempts")

    assert "2 attempts were made; of one of them nothing is told." in text
    assert "Best attempt" not in text


def test_the_run_s_page_tells_why_it_was_tried_again(bob: Client, people: cast.Cast) -> None:
    of = of_the_13th(people.northlight, "scene-002")

    html = bob.get(f"/teams/northlight/runs/{of.run_id}/").content.decode()

    assert "2 frames · tried again: frames below the floor: 2 of 25</span>" in html


def test_frames_that_nobody_counted_are_not_reported(bob: Client, people: cast.Cast) -> None:
    text = part(bob, filed(people.northlight, metadata([second_generation()])), "attempts")

    assert " not reported " in text


def test_the_rule_stands_in_the_docs() -> None:
    from history.deciding import RULE

    text = (Path(__file__).parents[3] / "docs" / "history.md").read_text("utf-8")

    assert RULE.rstrip(".") in text


@pytest.mark.parametrize("attempts", [1, 9])
def test_it_asks_as_often_for_many_attempts(bob: Client, people: cast.Cast, attempts: int) -> None:
    summaries = [
        {"Attempt": n, "FrameCount": n, "Success": True, "Timestamp": iso(n)}
        for n in range(1, attempts + 1)
    ]
    notes = {"FallbackNotes": ["Forced copy"] * attempts}
    one = scene(AttemptSummaries=summaries, Telemetry=telemetry(System=notes, MaxWaitSeconds=None))
    of = filed(people.northlight, metadata([one]))
    page(bob, of)

    with CaptureQueriesContext(connection) as asked:
        page(bob, of)

    assert len(asked) == QUERIES, "\n".join(q["sql"][:160] for q in asked.captured_queries)


QUERIES = 19


def test_hostile_words_of_files_stay_words(bob: Client, people: cast.Cast) -> None:
    bad = "<img src=x onerror=alert(1)>"
    block = telemetry(UpscaleMethod=bad, System={"FallbackNotes": [bad]}, FLF2VEnabled=True)
    video = {"Path": bad, "Status": bad, "Error": bad, "Notes": bad, "UpdatedAt": bad}
    one = scene(Telemetry=block, Video=video, Warnings=[bad], Errors=[bad], StorySummary=bad)

    html = page(bob, filed(people.northlight, metadata([one])))

    assert "<img src=x" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 5
    assert Run.objects.count() == 1

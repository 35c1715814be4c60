"""What files told of a run stands on its page."""

import re
from typing import Any

import pytest
from django.test import Client

from history.filing.into import Into
from history.filing.run import file_run
from history.imports.reading import File, read
from history.models import Run, RunReport
from history.run_page.told import told_of
from telemetry.models import Team
from tests import cast
from tests.history.artifacts import NOW, as_bytes, metadata

pytestmark = pytest.mark.django_db


@pytest.fixture
def filed() -> Run:
    people = cast.make_cast()
    [told] = read(File("x", as_bytes(metadata())), NOW)
    file_run(told, Into(people.northlight, NOW))
    return Run.objects.get()


def _lines(run: Run, is_operator: bool = False) -> dict[str, dict[str, str]]:
    return {block.title: dict(block.lines) for block in told_of(run, is_operator)}


def test_the_page_tells_the_story_that_the_file_told(filed: Run, client: Client) -> None:
    client.force_login(filed.team.memberships.filter(role="viewer").get().user)

    text = client.get(f"/teams/{filed.team.slug}/runs/{filed.pk}/").content.decode()

    assert "What its files told" in text
    assert "A harbor wakes." in text
    assert "local-llm" in text


def test_paths_are_for_operators(filed: Run) -> None:
    RunReport.objects.update(paths={"run_dir": r"C:\Dev\logs"})

    assert "Paths" not in _lines(filed)
    assert _lines(filed, is_operator=True)["Paths"] == {"run dir": r"C:\Dev\logs"}


def test_what_is_missing_has_no_line_and_no_block(filed: Run) -> None:
    RunReport.objects.update(story={"logline": None, "file": ""}, llm={"seed": 0})

    told = _lines(filed)

    assert "Story" not in told
    assert told["Text model"] == {"seed": "0"}


def test_what_is_below_stands_behind_its_name_with_its_unit(filed: Run) -> None:
    checks = {"latency_ms": 12.5, "reply": {"took_s": 90, "ok": True, "models": ["a", "b"]}}
    RunReport.objects.update(health_check=checks)

    assert _lines(filed)["Health check"] == {
        "latency": "12.5 ms",
        "reply, took": "1m\u00a030s",
        "reply, ok": "yes",
        "reply, models": "a, b",
    }


def test_a_run_that_was_only_watched_has_no_such_part(filed: Run, client: Client) -> None:
    watched = cast.make_run(filed.team)

    assert told_of(watched, is_operator=True) == []


# --- What lies beside the metadata, and test results ----------------------------------------------

# A helper's summary in the shape of a real one: ComfyUI told its memory under other names.
STATUS = {
    "helper": "ComfyUIStatus",
    "timestamp": "2025-11-12T10:20:12.471Z",
    "comfyUrl": "http://127.0.0.1:8188",
    "probedEndpoints": {
        "system_stats": {"ok": True, "durationMs": 52},
        "queue": {"ok": False, "durationMs": 5003, "error": "timed out"},
    },
    "systemStats": {
        "deviceCount": 1,
        "devices": [
            {
                "name": "cuda:0 NVIDIA GeForce RTX 3090 : cudaMallocAsync",
                **dict.fromkeys(("totalMB", "freeMB", "usedMB")),
            }
        ],
    },
    "queueState": {"running": None, "pending": None},
    "workflows": {"hasWanT2I": True, "hasWanI2V": False},
    "mappings": {"wanT2I": {"clipText": True, "keyframeImageRequired": False}},
    "warnings": [],
}
# A story whose text model was given up on after eight seconds.
STORY = {
    "id": "story-harbor",
    "llm": {
        "enabled": True,
        "status": "error",
        "providerUrl": "http://192.168.50.192:1234/v1/chat/completions",
        "model": "a-model",
        "seed": "harbor",
        "scenesRequested": 3,
        "durationMs": 8018,
        "startedAt": "2025-11-12T10:21:00Z",
        "error": "This operation was aborted",
    },
    "warnings": ["LLM request failed, using deterministic fallback scenes"],
}
TESTS = {
    "comfyExit": 0,
    "e2eExit": 1,
    "suites": [
        {"Suite": "telemetry-shape", "ExitCode": 0, "DurationMs": 2413, "LogPath": "logs/a.log"},
        {"Suite": "e2e", "ExitCode": 1, "DurationMs": 75_000, "StartedAt": "2025-11-12T10:29:00Z"},
        {"Suite": "scripts"},
    ],
}


def _filed(team: Team, value: Any, **beside: Any) -> Run:
    """Return the run of metadata beside which files lie: their names with __ for a dot."""
    files = tuple((name.replace("__", "."), as_bytes(one)) for name, one in beside.items())
    [told] = read(File("artifact-metadata.json", as_bytes(value), None, files), NOW)
    return Run.objects.get(pk=file_run(told, Into(team, NOW)).run_id)


def _page(client: Client, run: Run, name: str) -> str:
    """Return what the page of a run tells a member, as text."""
    client.force_login(run.team.memberships.get(user__username=name).user)
    html = client.get(f"/teams/{run.team.slug}/runs/{run.pk}/").content.decode()
    part = html.split('id="told-title"')[1].split("</section>")[0]
    spaced = re.sub(r"</(dt|dd|td|th|summary)>", " ", part)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", spaced))


def test_a_helper_s_summary_tells_what_it_found_and_what_it_could_not(client: Client) -> None:
    people = cast.make_cast()

    text = _page(
        client, _filed(people.northlight, metadata(), **{"comfyui-status__json": STATUS}), "bob"
    )

    gpu = "cuda:0 NVIDIA GeForce RTX 3090 : cudaMallocAsync: memory not reported"
    assert f"ComfyUI status, GPU 0 {gpu}" in text
    assert "ComfyUI status, probes, system stats, ok yes" in text
    assert "ComfyUI status, probes, system stats, took 52 ms" in text
    assert "ComfyUI status, probes, queue, took 5.0 s" in text
    assert "ComfyUI status, probes, queue, error timed out" in text
    assert "ComfyUI status, workflows, image to video no" in text
    assert "127.0.0.1" not in text
    assert not re.search(r"\b0 MB", text)


def test_a_story_tells_of_its_text_model_where_the_metadata_do_not(client: Client) -> None:
    run = _filed(cast.make_cast().northlight, metadata(), story__json=STORY)

    text = _page(client, run, "bob")

    assert "Status error" in text
    assert "Duration 8.0 s" in text
    assert "Error This operation was aborted" in text
    assert "LLM request failed, using deterministic fallback scenes" in text
    assert "192.168" not in text
    assert "Provider url http://192.168.50.192:1234" in _page(client, run, "olga")


def test_what_the_metadata_tell_of_the_text_model_stands(client: Client) -> None:
    story = {**metadata()["Story"], "LLM": {"status": "success", "durationMs": 76154}}

    run = _filed(cast.make_cast().northlight, metadata(Story=story), story__json=STORY)

    assert _lines(run)["Text model"] == {"status": "success", "duration": "1m\u00a016s"}


def test_a_health_check_tells_how_it_went(client: Client) -> None:
    check = {
        "Url": "http://10.0.0.9/v1/models",
        "Status": "failed",
        "Models": 0,
        "Error": "refused",
    }
    story = {**metadata()["Story"], "HealthCheck": {**check, "Timestamp": "2025-11-12T10:20:00Z"}}

    text = _page(client, _filed(cast.make_cast().northlight, metadata(Story=story)), "bob")

    assert "Status failed" in text
    assert "Models 0" in text
    assert "Error refused" in text
    assert "Checked 12 Nov 10:20" in text
    assert "10.0.0.9" not in text


@pytest.mark.parametrize("beside", [False, True])
def test_test_suites_tell_exit_codes_and_durations(client: Client, beside: bool) -> None:
    team = cast.make_cast().northlight
    run = (
        _filed(team, metadata(), **{"vitest-results__json": TESTS})
        if beside
        else _filed(team, metadata(VitestSummary=TESTS))
    )

    text = _page(client, run, "bob")

    assert "telemetry-shape passed, exit 0 2.4 s –" in text
    assert "e2e failed, exit 1 1m 15s 12 Nov 10:29" in text
    assert "scripts not reported – –" in text
    assert "ComfyUI tests passed, exit 0" in text
    assert "End-to-end tests failed, exit 1" in text
    assert "logs/a.log" not in text
    assert "logs/a.log" in _page(client, run, "olga")


def test_a_file_beside_that_cannot_be_read_is_a_finding() -> None:
    [told] = read(
        File("artifact-metadata.json", as_bytes(metadata()), None, (("story.json", b"{ ..."),)), NOW
    )

    assert [(one.code, one.path) for one in told.findings] == [("wrong_type", "story.json")]


def test_the_same_files_again_change_nothing_and_another_beside_does() -> None:
    team = cast.make_team("Northlight")

    numbers = [
        _filed(team, metadata(), story__json=story).revision
        for story in (STORY, STORY, {**STORY, "llm": {}})
    ]

    assert numbers == [1, 1, 2]

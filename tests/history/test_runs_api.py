"""Runs over the API: lists, one whole, figures; what may be done with one, and by whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from config.api import document
from history.judged.judging import judge_runs
from history.models import Run, RunDecision, Scene
from history.settling import note_servers, settle
from history.words import RunChange
from telemetry.models import Scope, Server
from telemetry.words import Outcome, Status
from tests.api import get, program, refusal, signed_in, token_text
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_claim,
    make_finding,
    make_memory,
    make_run,
    make_run_note,
    make_scene,
    make_server,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cache.clear()
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.northlight, name="kino-01")


@pytest.fixture
def bob(cast: Cast) -> Client:
    return program(token_text(cast.bob, cast.northlight))


@pytest.fixture
def olga(cast: Cast) -> Client:
    return program(token_text(cast.olga, cast.northlight, Scope.WRITE))


@pytest.fixture
def alice(cast: Cast) -> Client:
    return program(token_text(cast.alice, cast.northlight, Scope.WRITE))


def ran(
    server: Server, *lasted_s: float | None, hours: float = 1, run: Run | None = None, **words: Any
) -> Run:
    """Return a run whose scenes took so long, some hours before noon; None: that one failed."""
    began_at = NOON - timedelta(hours=hours)
    run = run or make_run(server.team, began_at=began_at, touched_at=began_at, **words)
    for number, took in enumerate(lasted_s, start=1):
        scene = make_scene(run, external_id=f"scene-{number:03d}", title=f"Take {number}")
        make_attempt(
            server,
            scene,
            status=Status.ENDED,
            outcome=Outcome.FAILED if took is None else Outcome.SUCCESS,
            started_at=began_at,
            ended_at=began_at + timedelta(seconds=took or 1),
            duration_s=took,
            workload="w" * 64,
        )
    ids = list(Scene.objects.filter(run=run).values_list("pk", flat=True))
    settle(ids)
    note_servers(ids)
    run.refresh_from_db()
    return run


def ids(client: Client, **asked: Any) -> list[int]:
    return [item["id"] for item in get(client, "runs", **asked)["items"]]


# --- Lists ----------------------------------------------------------------------------------------


def test_it_lists_runs_newest_first_with_units_in_their_names(bob: Client, server: Server) -> None:
    old = ran(server, 10.0, hours=2)
    new = ran(server, 20.0, None)

    [first, second] = get(bob, "runs")["items"]

    assert [first["id"], second["id"]] == [new.pk, old.pk]
    assert (first["outcome"], first["success_rate"], first["work_s"]) == ("partial", 0.5, 20.0)
    assert first["servers"] == [{"id": server.pk, "name": "kino-01"}]
    assert second["archived_at"] is None


def test_pages_hold_every_run_once(bob: Client, server: Server) -> None:
    made = {ran(server, 1.0, hours=n).pk for n in range(7)}

    found, cursor = [], ""
    while cursor is not None:
        page = get(bob, "runs", limit=3, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert sorted(found) == sorted(made)
    assert len(found) == 7


def test_a_page_takes_the_same_queries_however_many_runs_it_has(
    bob: Client, server: Server, django_assert_num_queries: Any
) -> None:
    for n in range(5):
        ran(server, 1.0, hours=n)
    get(bob, "runs")

    with django_assert_num_queries(3):  # the token, the runs, their servers
        get(bob, "runs")


def test_each_filter_of_the_page_is_one_of_the_api(cast: Cast, bob: Client, server: Server) -> None:
    make_claim(cast.northlight, cast.bob, client_id="bobs-client")
    other = make_server(cast.northlight, name="kino-02")
    mine = ran(server, 1.0, hours=1, submitter="bobs-client", gpu_model="RTX 4090")
    Run.objects.filter(pk=mine.pk).update(gpu_model="RTX 4090")
    failed = ran(other, None, hours=30, workload="v" * 64)
    Run.objects.filter(pk=failed.pk).update(archived_at=NOON, workload="v" * 64)
    three = ran(server, 1.0, 1.0, 1.0, hours=50)

    assert ids(bob, outcome="failed") == [failed.pk]
    assert ids(bob, outcome=["failed", "success"]) == [mine.pk, failed.pk, three.pk]
    assert ids(bob, outcome="open") == []
    assert ids(bob, server=other.pk) == [failed.pk]
    assert ids(bob, workload="v" * 64) == [failed.pk]
    assert ids(bob, mine="true") == [mine.pk]
    assert ids(bob, scene="scene-003") == [three.pk]
    assert ids(bob, scene="Take 3") == [three.pk]
    assert ids(bob, scene="scene-00") == []
    assert ids(bob, gpu="RTX 4090") == [mine.pk]
    assert ids(bob, archived="only") == [failed.pk]
    assert ids(bob, archived="no") == [mine.pk, three.pk]
    Run.objects.filter(pk=three.pk).update(source="kino", revision=1, finding_count=2)
    assert ids(bob, source="kino") == [three.pk]
    assert ids(bob, findings="warnings") == [three.pk]
    assert ids(bob, findings="errors") == ids(bob, findings="none") == []
    since = (NOON - timedelta(hours=40)).isoformat()
    assert ids(bob, since=since, until=NOON.isoformat()) == [mine.pk, failed.pk]
    assert ids(bob, since=since, outcome="success", scene="scene-001") == [mine.pk]


def test_of_another_team_nothing_is_found(cast: Cast, bob: Client) -> None:
    theirs = make_server(cast.southdark, name="dark")
    run = ran(theirs, 1.0)

    assert ids(bob, server=theirs.pk) == []
    assert ids(bob, scene="scene-001") == []
    assert refusal(bob, f"runs/{run.pk}")[0] == 404
    assert get(bob, "runs/statistics", server=theirs.pk)["run_count"] == 0


def test_a_filter_that_is_misspelled_is_refused(bob: Client) -> None:
    status, error = refusal(bob, "runs", outcom="failed")

    assert (status, error["where"]) == (400, "outcom")
    assert "outcome" in error["hint"]


def test_what_the_door_for_files_asks_is_no_filter(bob: Client) -> None:
    status, error = refusal(bob, "runs", name="story")

    assert (status, error["where"]) == (400, "name")


# --- One run --------------------------------------------------------------------------------------


def test_a_run_is_told_whole(cast: Cast, bob: Client, server: Server) -> None:
    for hours in range(2, 8):
        ran(server, 100.0, 100.0, hours=hours)
    run = ran(server, 150.0, 150.0)
    attempt = run.scenes.first().attempts.first()
    make_memory(attempt, free_lowest_bytes=6 << 30)
    make_finding(run, message="Frames are missing.")
    make_run_note(run, who="dana", text="Looks fine.")
    Run.objects.filter(pk=run.pk).update(finding_count=1)

    told = get(bob, f"runs/{run.pk}")

    assert told["work_s"] == 300.0
    assert told["scene_duration_mean_s"] == 150.0
    assert told["vram_free_mean_bytes"] == told["vram_free_lowest_bytes"] == 6 << 30
    assert [scene["external_id"] for scene in told["scenes"]] == ["scene-001", "scene-002"]
    assert [one["id"] for one in told["scenes"][0]["attempts"]] == [attempt.pk]
    assert [one["message"] for one in told["findings"]] == ["Frames are missing."]
    assert [one["text"] for one in told["notes"]] == ["Looks fine."]
    assert told["policy"] is None


def test_it_says_how_it_stands_with_n_and_signs(bob: Client, server: Server) -> None:
    for hours in range(2, 8):
        ran(server, 100.0, 100.0, hours=hours)
    run = ran(server, 150.0, 150.0)

    told = get(bob, f"runs/{run.pk}")["comparison"]

    assert (told["baseline"]["n"], told["baseline"]["median_s"]) == (6, 200.0)
    assert told["delta"]["duration_delta_ms"] == 100_000.0
    assert told["delta"]["duration_delta_percent"] == pytest.approx(50.0)
    assert told["delta"]["standing"] == "worse than usual"
    assert told["success"]["success_rate_delta_points"] == 0.0
    assert told["success"]["run_n"] == 6


def test_a_faster_run_has_a_negative_difference(bob: Client, server: Server) -> None:
    for hours in range(2, 8):
        ran(server, 100.0, hours=hours)
    run = ran(server, 60.0)

    delta = get(bob, f"runs/{run.pk}")["comparison"]["delta"]

    assert delta["duration_delta_ms"] == -40_000.0
    assert delta["duration_delta_percent"] == pytest.approx(-40.0)
    assert delta["standing"] == "better than usual"


def test_without_earlier_runs_nothing_is_asserted(bob: Client, server: Server) -> None:
    run = ran(server, 60.0)

    told = get(bob, f"runs/{run.pk}")["comparison"]

    assert told["baseline"]["n"] == 0
    assert told["baseline"]["median_s"] is told["delta"]["duration_delta_ms"] is None
    assert told["delta"]["standing"] == "cannot be compared"


# --- Figures --------------------------------------------------------------------------------------

# Three complete real runs of three scenes each, as their scripts reported them, oldest first.
KNOWN = ((128.8, 124.8, 128.8), (128.9, 124.8, 124.8), (136.8, 124.8, 124.7))


def test_the_known_answers_are_told_to_a_hundredth(bob: Client, server: Server) -> None:
    for hours, lasted in zip((3, 2, 1), KNOWN, strict=True):
        ran(server, *lasted, hours=hours)

    told = get(bob, "runs/statistics")

    work = told["work"]
    assert (told["run_count"], told["scene_count"], work["n"]) == (3, 9, 3)
    names = ("mean_s", "median_s", "min_s", "max_s", "population_sd_s", "sd_s")
    known = (382.4, 382.4, 378.5, 386.3, 3.184, 3.9)
    assert [work[name] for name in names] == pytest.approx(known, abs=0.01)
    assert told["success"]["success_rate"] == 1.0
    assert told["success"]["low_rate"] < 1.0


def test_the_known_difference_is_told_in_milliseconds_and_percent(
    bob: Client, server: Server
) -> None:
    # The two before, three times: fewer than five are no baseline.
    for hours in (9, 8, 7, 6, 5, 4):
        ran(server, *KNOWN[hours % 2], hours=hours)
    run = ran(server, *KNOWN[2])

    told = get(bob, f"runs/{run.pk}")["comparison"]

    assert told["baseline"]["median_s"] == pytest.approx(380.45, abs=0.01)
    assert told["delta"]["duration_delta_ms"] == pytest.approx(5850, abs=10)
    assert told["delta"]["duration_delta_percent"] == pytest.approx(1.54, abs=0.01)
    assert told["delta"]["standing"] == "as usual"


def test_figures_are_of_the_runs_that_the_filters_leave(bob: Client, server: Server) -> None:
    ran(server, 10.0, hours=1)
    ran(server, None, hours=2)

    told = get(bob, "runs/statistics", outcome="failed")

    assert (told["run_count"], told["by_status"]["failed"]) == (1, 1)
    assert told["success"]["success_rate"] == 0.0
    assert told["oldest_at"] == told["newest_at"] == "2026-03-04T10:00:00Z"


def test_figures_of_nothing_are_null_not_zero(bob: Client) -> None:
    told = get(bob, "runs/statistics")

    assert told["work"]["mean_s"] is told["success"]["success_rate"] is told["oldest_at"] is None


# --- Archive, delete, restore ---------------------------------------------------------------------


def post(client: Client, run: Run, what: str) -> Any:
    return client.post(f"/api/v1/runs/{run.pk}/{what}")


def test_an_admin_deletes_a_run_which_then_is_nowhere(
    cast: Cast, alice: Client, bob: Client, server: Server
) -> None:
    for hours in range(2, 8):
        ran(server, 100.0, hours=hours)
    gone, run = ran(server, 100.0, hours=9), ran(server, 100.0, hours=1)
    attempt = gone.scenes.get().attempts.get()

    answer = alice.delete(f"/api/v1/runs/{gone.pk}")

    assert answer.status_code == 200
    assert answer.json()["deleted_at"] is not None
    assert gone.pk not in ids(bob)
    assert refusal(bob, f"runs/{gone.pk}")[0] == 404
    assert refusal(bob, f"attempts/{attempt.pk}")[0] == 404
    assert get(bob, "runs/statistics")["run_count"] == 7
    told = get(bob, f"runs/{run.pk}")
    assert told["comparison"]["baseline"]["n"] == 6
    assert told["scenes"][0]["comparison"]["baseline"]["n"] == 6
    assert judge_runs([run])[run.pk].baseline.n == 6
    assert attempt.pk not in [one["id"] for one in get(bob, "attempts")["items"]]
    for path in (f"runs/{gone.pk}/", f"runs/{gone.pk}/scenes/{gone.scenes.get().pk}/"):
        assert signed_in(cast.bob).get(f"/teams/northlight/{path}").status_code == 404


def test_it_stays_on_record_who_did_what(alice: Client, cast: Cast, server: Server) -> None:
    run = ran(server, 1.0)

    post(alice, run, "archive")
    post(alice, run, "unarchive")
    alice.delete(f"/api/v1/runs/{run.pk}")
    post(alice, run, "restore")

    told = RunDecision.objects.filter(run=run).order_by("pk").values_list("what", "who", "user")
    steps = [RunChange.ARCHIVED, RunChange.UNARCHIVED, RunChange.DELETED, RunChange.RESTORED]
    assert list(told) == [(what, "alice", cast.alice.pk) for what in steps]


def test_an_operator_deletes_their_own_run_alone(cast: Cast, olga: Client, server: Server) -> None:
    make_claim(cast.northlight, cast.olga, client_id="olgas-client")
    own, other = ran(server, 1.0, submitter="olgas-client"), ran(server, 1.0, submitter="bob")

    answers = [olga.delete(f"/api/v1/runs/{run.pk}").status_code for run in (own, other)]

    assert answers == [200, 403]
    assert Run.objects.kept().filter(pk=other.pk).exists()


def test_a_token_that_reads_changes_nothing(cast: Cast, bob: Client, server: Server) -> None:
    run = ran(server, 1.0, submitter="bob")

    assert bob.delete(f"/api/v1/runs/{run.pk}").status_code == 403
    assert post(bob, run, "archive").status_code == 403
    assert Run.objects.kept().filter(pk=run.pk, archived_at=None).exists()


@pytest.mark.parametrize("what", ["", "/archive", "/restore"])
def test_another_teams_run_is_not_there(
    cast: Cast, alice: Client, server: Server, what: str
) -> None:
    run = ran(make_server(cast.southdark, name="dark"), 1.0)
    Run.objects.filter(pk=run.pk).update(deleted_at=NOON if what == "/restore" else None)
    ask = alice.post if what else alice.delete

    assert ask(f"/api/v1/runs/{run.pk}{what}").status_code == 404


def test_a_run_that_goes_on_is_not_deleted(alice: Client, server: Server) -> None:
    run = ran(server, 1.0)
    make_attempt(server, run.scenes.get(), status=Status.RUNNING)
    settle([run.scenes.get().pk])

    answer = alice.delete(f"/api/v1/runs/{run.pk}")

    assert answer.status_code == 409
    assert "1 open scene" in answer.json()["error"]["message"]
    assert not RunDecision.objects.exists()


def test_what_was_restored_is_whole_again(alice: Client, server: Server) -> None:
    run = ran(server, 1.0, 2.0)
    before = get(alice, f"runs/{run.pk}")
    alice.delete(f"/api/v1/runs/{run.pk}")

    answer = post(alice, run, "restore")

    assert answer.json()["deleted_at"] is None
    assert get(alice, f"runs/{run.pk}") == before


def test_an_archived_run_is_in_lists_and_in_no_baseline(alice: Client, server: Server) -> None:
    earlier = [ran(server, 100.0, hours=hours) for hours in range(2, 8)]
    run = ran(server, 100.0)

    post(alice, earlier[0], "archive")

    assert earlier[0].pk in ids(alice)
    assert get(alice, f"runs/{run.pk}")["comparison"]["baseline"]["n"] == 5


# --- The document ---------------------------------------------------------------------------------

UNITS = (
    *("seconds", "milliseconds", "bytes", "count", "ratio, 0 to 1", "percent"),
    *("percentage points", "none, an id"),
)
SHAPES = (
    *("RunOut", "RunDetail", "SceneOut", "SceneDetail", "AttemptSummary", "PolicyOut"),
    *("BaselineOut", "DeltaMetrics", "TrendOut", "RunComparison", "Comparison", "SuccessDelta"),
    *("MemoryDelta", "RunStatistics", "DurationFigures", "SuccessFigures", "RunChanged"),
)


def numbers() -> list[tuple[str, str, str]]:
    """Return every numeric field of the shapes about runs, with what is said of it."""
    known = document()["components"]["schemas"]
    return [
        (shape, name, field.get("description", ""))
        for shape in SHAPES
        if shape in known
        for name, field in known[shape]["properties"].items()
        if _is_number(field)
    ]


def _is_number(field: dict[str, Any]) -> bool:
    kinds = [field, *field.get("anyOf", [])]
    kinds += [one["additionalProperties"] for one in kinds if "additionalProperties" in one]
    return any(one.get("type") in ("integer", "number") for one in kinds)


def test_every_number_about_runs_says_its_unit() -> None:
    told = numbers()

    without = [
        f"{shape}.{name}"
        for shape, name, about in told
        if not any(f"Unit: {unit}." in about for unit in UNITS)
    ]

    assert len(told) > 80
    assert without == []


def test_the_unit_in_a_name_is_the_one_in_the_document() -> None:
    ends = {"_s": "seconds", "_ms": "milliseconds", "_bytes": "bytes", "_count": "count"}
    ends |= {"_percent": "percent", "_points": "percentage points", "_rate": "ratio, 0 to 1"}

    wrong = [
        f"{shape}.{name}"
        for shape, name, about in numbers()
        for end, unit in ends.items()
        if name.endswith(end) and f"Unit: {unit}." not in about
    ]

    assert wrong == []


def test_every_difference_says_what_its_sign_means() -> None:
    told = [one for one in numbers() if "delta" in one[1] or "change" in one[1]]

    without = [f"{shape}.{name}" for shape, name, about in told if "Sign: " not in about]

    assert len(told) >= 7
    assert without == []
    signs = {name: about for _, name, about in told}
    assert "negative is faster" in signs["duration_delta_ms"]
    assert "positive is better" in signs["success_rate_delta_points"]

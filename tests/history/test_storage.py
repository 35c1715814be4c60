"""history/storage.py: what each team keeps, the quota, its warnings, and what is never refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone

from history import nightly, storage
from history.models import Run, Scene, TeamStorage
from history.rows import Told, write_rows
from history.settling import settle
from telemetry.activity import happenings
from telemetry.leases import claim
from telemetry.models import Scope, Server, Team
from tests.api import program, signed_in, token_text
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_graph,
    make_node,
    make_run,
    make_scene,
    make_server,
)
from tests.history.artifacts import as_bytes, metadata, scene
from tests.telemetry.test_machine import BEGAN, Feed, ms, prompt, success

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cache.clear()
    return make_cast()


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.northlight, name="kino-01")


def ran(server: Server, scenes: int = 1) -> Run:
    run = make_run(server.team)
    for _ in range(scenes):
        attempt = make_attempt(server, make_scene(run), status="ended", outcome="success")
        make_graph(attempt)
        make_node(attempt)
    settle(list(Scene.objects.filter(run=run).values_list("pk", flat=True)))
    return run


def kept(team: Team, mib: float, at: Any = None) -> None:
    """Say that a team keeps so much."""
    size = round(mib * storage.MIB)
    told = {"at": at or timezone.now(), "kinds": {"scenes": [1000, size]}}
    TeamStorage.objects.update_or_create(team=team, defaults=told)


def hand_in(cast: Cast) -> Any:
    client = program(token_text(cast.olga, cast.northlight, Scope.INGEST))
    data = as_bytes(metadata([scene(1)]))
    return client.post("/api/v1/runs", data, content_type="application/json")


def page(user: Any) -> str:
    return signed_in(user).get("/teams/northlight/settings/storage/").content.decode()


# --- What is measured -----------------------------------------------------------------------------


def test_rows_are_counted_for_their_own_team(cast: Cast, server: Server) -> None:
    ran(server, 3)
    ran(make_server(cast.southdark, name="dark"), 1)

    storage.measure(NOON)

    kinds = [storage.usage_of(team).kinds for team in (cast.northlight, cast.southdark)]  # type: ignore[union-attr]
    assert [one["runs"][0] for one in kinds] == [1, 1]
    assert [one["scenes"][0] for one in kinds] == [3, 1]
    assert [one["attempts"][0] for one in kinds] == [3, 1]
    assert [one["node executions"][0] for one in kinds] == [3, 1]


def test_what_was_deleted_for_good_counts_no_more(cast: Cast, server: Server) -> None:
    run = ran(server, 5)
    storage.measure(NOON)
    before = storage.usage_of(cast.northlight)

    Run.objects.filter(pk=run.pk).delete()
    storage.measure(NOON)

    after = storage.usage_of(cast.northlight)
    assert before is not None
    assert after is not None
    assert after.bytes < before.bytes


def test_a_team_of_nothing_keeps_nothing(cast: Cast) -> None:
    storage.measure(NOON)

    usage = storage.usage_of(cast.northlight)
    assert usage is not None
    assert (usage.bytes, usage.at) == (0, NOON)


def test_the_night_measures(cast: Cast, server: Server) -> None:
    ran(server)

    nightly.purge(NOON, lambda: False)

    usage = storage.usage_of(cast.northlight)
    assert usage is not None
    assert usage.at == NOON


def test_it_takes_as_many_statements_for_many_rows_as_for_few(
    cast: Cast, server: Server, django_assert_num_queries: Any
) -> None:
    ran(server, 9)
    storage.measure(NOON)

    with django_assert_num_queries(12):  # teams, 5 by team, 5 shared out, what is written
        storage.measure(NOON)


# --- The quota ------------------------------------------------------------------------------------


def test_without_a_quota_nothing_is_measured_nor_refused(cast: Cast, settings: Any) -> None:
    settings.TEAM_QUOTA_MIB = 0
    kept(cast.northlight, 10**6)

    assert hand_in(cast).status_code == 201


def test_beyond_the_quota_files_are_refused_with_what_to_do(cast: Cast, settings: Any) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, 50)

    answer = hand_in(cast)

    error = answer.json()["error"]
    assert answer.status_code == 409
    assert "Northlight keeps 50.0 MiB of the 50 MiB" in error["message"]
    assert "Delete runs" in error["hint"]
    assert "SCENEWATCH_TEAM_QUOTA_MIB" in error["hint"]
    assert not Run.objects.exists()


def test_the_command_refuses_them_too(cast: Cast, settings: Any, tmp_path: Any) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, 51)
    path = tmp_path / "artifact-metadata.json"
    path.write_bytes(as_bytes(metadata([scene(1)])))

    with pytest.raises(CommandError, match="no more files are taken"):
        call_command("import_runs", str(path), "--team", "northlight")


def test_below_it_they_are_taken(cast: Cast, settings: Any) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, 49.9)

    assert hand_in(cast).status_code == 201


def test_another_teams_use_is_none_of_ours(cast: Cast, settings: Any) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.southdark, 99)
    kept(cast.northlight, 1)

    assert hand_in(cast).status_code == 201


def test_an_old_measure_is_taken_again_before_anything_is_refused(
    cast: Cast, settings: Any
) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, 99, timezone.now() - timedelta(hours=1))

    assert hand_in(cast).status_code == 201


def test_what_a_server_does_is_recorded_beyond_it(
    cast: Cast, server: Server, settings: Any
) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, 99)
    feed = Feed()
    feed.history(13, (prompt("a", 4, create_time=ms(8)), success(10, 12.5)))

    write_rows([Told(claim("me", BEGAN)[0], feed.changes, happenings(feed.state, feed.changes))])

    assert Run.objects.filter(team=cast.northlight).count() == 1


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mib", "words", "tone"),
    [
        (39.9, "39.9 MiB of 50.0 MiB, 80%", "ok"),
        (40, "80%: nearly full", "warn"),
        (49.9, "nearly full", "warn"),
        (50, "100%: files are refused", "bad"),
    ],
)
def test_the_page_says_how_full_it_is_in_words(
    cast: Cast, settings: Any, mib: float, words: str, tone: str
) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, mib, NOON)

    html = page(cast.bob)

    assert words in html
    assert f'class="status" data-tone="{tone}"' in html
    assert 'datetime="2026-03-04T12:00:00+00:00"' in html


def test_without_a_quota_it_tells_what_is_kept(cast: Cast, server: Server) -> None:
    ran(server, 2)
    storage.measure(NOON)

    html = page(cast.bob)

    assert "No limit is set" in html
    assert ">Node executions<" in html


def test_before_the_first_night_an_admin_may_measure(cast: Cast) -> None:
    assert "Not measured yet" in page(cast.bob)
    assert "Measure now" not in page(cast.bob)

    signed_in(cast.alice).post("/teams/northlight/settings/storage/measure/")

    assert "Not measured yet" not in page(cast.bob)


@pytest.mark.parametrize(("mib", "told"), [(39, False), (41, True), (60, True)])
def test_admins_are_warned_on_the_list_of_runs(
    cast: Cast, settings: Any, mib: float, told: bool
) -> None:
    settings.TEAM_QUOTA_MIB = 50
    kept(cast.northlight, mib)

    pages = [
        signed_in(user).get("/teams/northlight/runs/").content.decode()
        for user in (cast.alice, cast.bob)
    ]

    assert ["Storage:" in html for html in pages] == [told, False]

"""history/exports/lists.py: filtered lists as files, whole, guarded, and never all in memory."""

import asyncio
import csv
import json
import zlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from history.exports import lists
from history.models import Run, Scene
from history.runs_api.shapes import RunOut, SceneRow
from history.settling import settle
from telemetry.models import Server
from tests.api import get, program, signed_in, token_text
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_run,
    make_run_server,
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
    return signed_in(cast.bob)


def ran(server: Server, hours: int = 1, scenes: int = 1, **words: Any) -> Run:
    began_at = NOON - timedelta(hours=hours)
    run = make_run(server.team, began_at=began_at, touched_at=began_at, **words)
    for number in range(1, scenes + 1):
        scene = make_scene(run, external_id=f"scene-{number}")
        make_attempt(server, scene, status="ended", outcome="success", duration_s=1.5)
    settle(list(Scene.objects.filter(run=run).values_list("pk", flat=True)))
    make_run_server(run, server)
    return run


def body(response: Any) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode("utf-8-sig")


def table(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(response), newline="")))


def export(client: Client, name: str, query: str = "") -> Any:
    return client.get(f"/teams/northlight/runs/export/{name}{query}")


def test_the_table_has_a_row_for_each_run_newest_first(bob: Client, server: Server) -> None:
    old, new = ran(server, hours=3), ran(server, hours=2, scenes=2)

    rows = table(export(bob, "runs.csv"))

    assert [row["id"] for row in rows] == [str(new.pk), str(old.pk)]
    assert (rows[0]["servers"], rows[0]["work_s"], rows[0]["scene_count"]) == (
        "kino-01",
        "3.0",
        "2",
    )
    assert rows[0]["began_at"] == "2026-03-04T10:00:00Z"


def test_what_nobody_knows_is_empty_and_no_zero(bob: Client, cast: Cast) -> None:
    make_run(cast.northlight)

    [row] = table(export(bob, "runs.csv"))

    assert (row["work_s"], row["ended_at"], row["success_rate"]) == ("", "", "")
    assert row["scene_count"] == "0"


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("x")'])
def test_no_text_is_a_formula(bob: Client, cast: Cast, title: str) -> None:
    make_run(cast.northlight, title=title, submitter=title)

    [row] = table(export(bob, "runs.csv"))

    assert row["title"] == row["submitter"] == f"'{title}"


def test_a_negative_number_stays_a_number() -> None:
    assert lists._cell(-1.5) == -1.5


def test_texts_of_several_lines_and_other_scripts_come_through(bob: Client, cast: Cast) -> None:
    title = 'Hafen, "Nacht"\nzwei 夜 ✓'
    make_run(cast.northlight, title=title)

    [row] = table(export(bob, "runs.csv"))

    assert row["title"] == title


def test_the_address_filters_the_file_as_it_does_the_page(bob: Client, server: Server) -> None:
    ran(server, title="Harbor")
    other = ran(server, title="Lighthouse", scenes=3)

    assert [row["title"] for row in table(export(bob, "runs.csv", "?scene=scene-3"))] == [
        "Lighthouse"
    ]
    told = json.loads(body(export(bob, "scenes.json", "?scene=scene-3")))
    assert [item["run_id"] for item in told["items"]] == [other.pk] * 3


def test_the_page_leads_to_the_files_with_its_filters(bob: Client, server: Server) -> None:
    ran(server)

    html = bob.get("/teams/northlight/runs/?scene=scene-1&cursor=zzz").content.decode()

    for name in lists.EXPORTS:
        assert f'href="/teams/northlight/runs/export/{name}?scene=scene-1"' in html


def test_json_holds_what_the_api_tells(cast: Cast, server: Server) -> None:
    run = ran(server, scenes=2)
    token = program(token_text(cast.bob, cast.northlight))

    told = json.loads(body(token.get("/api/v1/runs/export.json")))

    assert told["items"] == get(token, "runs")["items"]
    assert told["items"][0]["id"] == run.pk


def test_scenes_name_their_run_and_stand_in_their_order(bob: Client, server: Server) -> None:
    run = ran(server, scenes=11, external_id="run-7")

    rows = table(export(bob, "scenes.csv"))

    assert [row["external_id"] for row in rows] == [f"scene-{n}" for n in range(1, 12)]
    assert {row["run_external_id"] for row in rows} == {"run-7"}
    assert {row["run_id"] for row in rows} == {str(run.pk)}
    assert rows[0]["duration_s"] == "1.5"


def test_many_parts_hold_every_row_once(
    bob: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PART", 3)
    monkeypatch.setattr(lists, "SCENES", 4)
    made = [ran(server, hours=n % 4, scenes=n % 3 + 1) for n in range(10)]

    runs = table(export(bob, "runs.csv"))
    scenes = json.loads(body(export(bob, "scenes.json")))["items"]

    assert sorted(int(row["id"]) for row in runs) == sorted(run.pk for run in made)
    assert len({item["id"] for item in scenes}) == len(scenes) == Scene.objects.count()


def test_nothing_is_a_file_too(bob: Client) -> None:
    assert table(export(bob, "runs.csv")) == []
    assert json.loads(body(export(bob, "scenes.json"))) == {"items": []}


def test_a_file_of_another_name_is_not_there(bob: Client) -> None:
    assert export(bob, "runs.xlsx").status_code == 404


def test_deleted_runs_are_in_no_file(bob: Client, server: Server) -> None:
    Run.objects.filter(pk=ran(server).pk).update(deleted_at=NOON)

    assert table(export(bob, "runs.csv")) == table(export(bob, "scenes.csv")) == []


def test_the_first_byte_waits_for_no_query(bob: Client, server: Server) -> None:
    ran(server)
    response = export(bob, "runs.csv")

    with CaptureQueriesContext(connection) as queries:
        first = next(iter(response.streaming_content))

    assert len(queries) == 0
    assert b"duration_s" in first


def test_a_part_is_read_when_the_one_before_was_sent(
    bob: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PART", 2)
    for n in range(8):
        ran(server, hours=n)
    sent = iter(export(bob, "runs.csv").streaming_content)
    next(sent)

    with CaptureQueriesContext(connection) as queries:
        next(sent)

    assert len(queries) == 2  # two runs, their servers


@pytest.mark.django_db(transaction=True)
def test_under_daphne_it_is_not_gathered_first(cast: Cast, server: Server) -> None:
    for n in range(3):
        ran(server, hours=n)
    header = {"Authorization": f"Bearer {token_text(cast.bob, cast.northlight)}"}

    async def asked() -> tuple[bool, bytes]:
        response: Any = await AsyncClient().get("/api/v1/runs/export.csv", headers=header)
        return response.is_async, b"".join([part async for part in response.streaming_content])

    streams, told = asyncio.run(asked())

    assert streams
    assert told.count(b"\n") == 4


@pytest.mark.django_db(transaction=True)
def test_runs_without_scenes_do_not_end_the_file(
    cast: Cast, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts that they are in hold nothing; the one behind them does."""
    monkeypatch.setattr(lists, "PART", 2)
    for n in range(3):
        ran(server, hours=n, scenes=0)
    ran(server, hours=9)
    client = AsyncClient()
    client.force_login(cast.bob)

    async def asked() -> bytes:
        response: Any = await client.get("/teams/northlight/runs/export/scenes.csv")
        return b"".join([part async for part in response.streaming_content])

    assert asyncio.run(asked()).count(b"\n") == 2


@pytest.mark.parametrize(
    "path", ["/api/v1/runs/export.json", "/teams/northlight/runs/export/runs.json"]
)
@pytest.mark.django_db(transaction=True)
def test_a_zipped_file_is_one_member_whatever_its_parts(
    cast: Cast, server: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(lists, "PART", 2)
    for n in range(5):
        ran(server, hours=n)
    client = AsyncClient()
    client.force_login(cast.bob)

    async def asked() -> Any:
        response: Any = await client.get(path, headers={"Accept-Encoding": "gzip"})
        return response, b"".join([part async for part in response.streaming_content])

    response, told = asyncio.run(asked())

    reader = zlib.decompressobj(wbits=31)
    assert len(json.loads(reader.decompress(told))["items"]) == 5
    assert (reader.eof, reader.unused_data) == (True, b"")
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]


def test_every_column_with_a_unit_says_it() -> None:
    """Seconds, bytes and counts end in their unit; shares are called rates."""
    bare = {"id", "server_id", "run_id", "position", "frames", "frame_floor", "history_polls"}
    bare |= {"revision"}
    for shape in (RunOut, SceneRow):
        known = shape.model_json_schema()["properties"]
        numbers = {
            name
            for name, field in known.items()
            if any(
                one.get("type") in ("number", "integer") for one in [field, *field.get("anyOf", [])]
            )
        }
        ends = ("_s", "_bytes", "_count", "_rate")
        assert {name for name in numbers - bare if not name.endswith(ends)} == set()


@pytest.mark.django_db(transaction=True)
def test_who_reads_slowly_holds_no_connection(cast: Cast) -> None:
    """Between two parts may lie minutes, and a pool has few connections."""
    make_run(cast.northlight)
    parts = lists._json([], lists._runs(Run.objects.all()))
    lists._next(parts)

    assert lists._next(parts)
    assert connection.connection is None

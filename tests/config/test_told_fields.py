"""That each field by which render scripts used to tell of themselves is told, and missing is null.

docs/api.md has the same table for people.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from config.api import document
from telemetry.envelope import team_topic
from telemetry.facts import NAME, DeviceFacts, RunningFacts, ServerFacts, element_of
from telemetry.stores import Change, Fragment, Part, live_store
from telemetry.words import Grade
from tests.api import get, program, token_text
from tests.cast import (
    NOON,
    Cast,
    make_attempt,
    make_cast,
    make_memory,
    make_run,
    make_scene,
    make_server,
)

pytestmark = pytest.mark.django_db

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
TABLE = TEXT.partition("### Where the fields of older scripts are")[2].partition("\n#")[0]
GIB = 2**30
# Their name: where an attempt has it, in which shape of the document, may it be missing, a value.
RECORD: dict[str, tuple[str, str, bool, Any]] = {
    "runId": ("run.external_id", "RunRef", False, "r7"),
    "sceneId": ("scene.external_id", "SceneRef", False, "scene-003"),
    "timestamp": ("seen_at", "AttemptDetail", False, "2026-03-04T12:00:00Z"),
    "duration": ("duration_s", "AttemptDetail", True, 42.5),
    "attempts": ("attempt_number", "AttemptDetail", True, 2),
    "status": ("status", "AttemptDetail", False, "ended"),
    "gpuName": ("memory.0.name", "MemoryOut", False, "NVIDIA H100"),
    "gpuVramFreeBefore": ("memory.0.free_before_bytes", "MemoryOut", True, 60 * GIB),
    "gpuVramFreeAfter": ("memory.0.free_after_bytes", "MemoryOut", True, 48 * GIB),
}
# The same of a server in /live.
LIVE: dict[str, tuple[str, str, bool, Any]] = {
    "runId": ("running.run_id", "RunningFacts", True, "r7"),
    "sceneId": ("running.scene_id", "RunningFacts", True, "scene-003"),
    "timestamp": ("told_at", "LiveServer", True, "2026-03-04T12:00:00Z"),
    "attempts": ("running.repeat", "RunningFacts", False, 1),
    "status": ("condition", "LiveServer", False, "executing"),
    "gpuName": ("devices.0.name", "DeviceFacts", False, "NVIDIA H100"),
    "gpuVramFree": ("devices.0.vram_free_bytes", "DeviceFacts", True, 48 * GIB),
    "gpuUtilization": ("devices.0.utilisation_percent", "DeviceFacts", True, 97),
}


def at(answer: Any, path: str) -> Any:
    """Return what an answer has at a path of names and places."""
    for name in path.split("."):
        answer = answer[int(name)] if name.isdecimal() else answer[name]
    return answer


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def bob(cast: Cast) -> Client:
    return program(token_text(cast.bob, cast.northlight))


def record(cast: Cast, without: str | None = None) -> int:
    """Return an attempt of which all is known, but for one field."""
    scene = make_scene(make_run(cast.northlight, external_id="r7"), external_id="scene-003")
    known = {"duration_s": 42.5, "attempt_number": 2, "status": "ended", "outcome": "success"}
    memory = {"free_before_bytes": 60 * GIB, "free_after_bytes": 48 * GIB}
    for fields in (known, memory):
        if without in fields:
            fields[without] = None
    attempt = make_attempt(make_server(cast.northlight), scene, seen_at=NOON, **known)
    make_memory(attempt, name="NVIDIA H100", **memory)
    return attempt.pk


def tell(cast: Cast, without: str | None = None) -> None:
    """Retain what a server does now as its collector would, but for one field."""
    server = make_server(cast.northlight)
    running = dict.fromkeys(RunningFacts.model_fields)
    running |= {"prompt_id": "p", "repeat": 1, "title": "Scene 3 of r7"}
    running |= {"run_id": "r7", "scene_id": "scene-003"}
    device = {"index": 0, "name": "NVIDIA H100", "kind": "cuda", "grade": Grade.MEASURED}
    device |= {"vram_total_bytes": 80 * GIB, "vram_free_bytes": 48 * GIB, "utilisation_percent": 97}
    told = {"condition": "executing", "told_at": NOON}
    for fields in (running, device, told):
        if without in fields:
            fields[without] = None
    facts = ServerFacts(**told, running=RunningFacts(**running), devices=[DeviceFacts(**device)])
    element = f"server-{server.pk}"
    change = Change(
        [Fragment(element, "<article></article>", "servers")],
        [],
        facts=[(element_of(server.pk), NAME, facts.model_dump_json())],
    )
    async_to_sync(live_store().stamp)(team_topic(server.team_id), [Part((server.pk, 1), change)])


@pytest.mark.parametrize("name", RECORD)
def test_an_attempt_on_record_tells(name: str, cast: Cast, bob: Client) -> None:
    path, _, _, value = RECORD[name]

    assert at(get(bob, f"attempts/{record(cast)}"), path) == value


@pytest.mark.parametrize("name", [name for name, (_, _, optional, _) in RECORD.items() if optional])
def test_an_attempt_without_it_tells_null(name: str, cast: Cast, bob: Client) -> None:
    path = RECORD[name][0]
    column = path.rpartition(".")[2]

    answer = get(bob, f"attempts/{record(cast, without=column)}")

    assert at(answer, path) is None
    others = [other for other in RECORD if other != name]
    assert all(at(answer, RECORD[other][0]) == RECORD[other][3] for other in others)


@pytest.mark.parametrize("name", LIVE)
def test_a_server_at_work_tells(name: str, cast: Cast, bob: Client) -> None:
    path, _, _, value = LIVE[name]
    tell(cast)

    assert at(get(bob, "live")["servers"][0], path) == value


@pytest.mark.parametrize("name", [name for name, (_, _, optional, _) in LIVE.items() if optional])
def test_a_server_without_it_tells_null(name: str, cast: Cast, bob: Client) -> None:
    path = LIVE[name][0]
    tell(cast, without=path.rpartition(".")[2])

    [server] = get(bob, "live")["servers"]

    assert at(server, path) is None
    others = [other for other in LIVE if other != name]
    assert all(at(server, LIVE[other][0]) == LIVE[other][3] for other in others)


@pytest.mark.parametrize(
    ("path", "shape", "optional"), [f[:3] for f in [*RECORD.values(), *LIVE.values()]]
)
def test_the_document_says_whether_it_may_be_missing(path: str, shape: str, optional: bool) -> None:
    field = document()["components"]["schemas"][shape]["properties"][path.rpartition(".")[2]]

    assert ({"type": "null"} in field.get("anyOf", [])) is optional


@pytest.mark.parametrize("name", sorted({*RECORD, *LIVE}))
def test_the_docs_say_where_it_is(name: str) -> None:
    [row] = [line for line in TABLE.splitlines() if line.startswith(f"| `{name}` |")]

    for table in (RECORD, LIVE):
        if name in table:
            assert f"`{re.sub(r'[.]0[.]', '[].', table[name][0])}`" in row

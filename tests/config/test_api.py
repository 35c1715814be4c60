"""config/api.py and api_door.py: the document, one shape of errors, other sites' scripts."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator
from redis.exceptions import RedisError

from config.api import document
from config.api_page import WHEN
from history import api as history_api
from telemetry import api as telemetry_api
from telemetry.api_errors import CODES
from tests.api import get, program, refusal, signed_in, token_text
from tests.cast import NOON, Cast, furnish, make_attempt, make_cast, make_server

pytestmark = pytest.mark.django_db

TOOLS = "https://tools.example.org"
DOCS = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
PATHS: dict[str, Any] = document()["paths"]
READ = {path: methods["get"] for path, methods in PATHS.items() if "get" in methods}
TAKE = {path: methods["post"] for path, methods in PATHS.items() if "post" in methods}


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def bob(cast: Cast) -> Client:
    """Return a program with a token of bob's."""
    return program(token_text(cast.bob, cast.northlight))


def address(cast: Cast, path: str) -> str:
    """Return a path of the document with the ids of rows that are there."""
    rows = furnish(cast.northlight, cast.bob, "q")
    ids = {model.__name__.lower(): row.pk for model, row in rows.items()}
    return re.sub(r"{(\w+)_id}", lambda found: str(ids[found[1]]), path)


# --- The document -------------------------------------------------------------------------------


def test_the_document_is_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(json.dumps(document()))).iter_errors()) == []


def test_a_program_reads_the_document_with_its_token(bob: Client) -> None:
    assert get(bob, "openapi.json")["info"]["title"] == "Scenewatch"


def test_the_document_tells_of_every_route_the_errors_too() -> None:
    errors = {400, 401, 403, 404, 422, 429, 500, 503}
    told = {path: {int(status) for status in m["responses"]} for path, m in READ.items()}
    assert told == {path: {200, *errors} for path in READ}
    told = {path: {int(status) for status in m["responses"]} for path, m in TAKE.items()}
    bodies = {"/api/v1/runs": {201, 413}}
    assert told == {path: {200, 409, *errors, *bodies.get(path, ())} for path in TAKE}


def test_the_document_tells_nothing_of_anybody(cast: Cast, bob: Client) -> None:
    furnish(cast.northlight, cast.bob, "qcanaryq")

    assert b"qcanaryq" not in bob.get("/api/v1/openapi.json").content


def test_the_docs_tell_of_every_route() -> None:
    assert set(re.findall(r"`GET (/api/v1/[^`?]+)`", DOCS)) == {*READ, "/api/v1/openapi.json"}
    assert set(re.findall(r"`POST (/api/v1/[^`?]+)`", DOCS)) == set(TAKE)


def test_the_docs_tell_of_every_error() -> None:
    told = {int(status): code for status, code in re.findall(r"^\| (\d+) \| (\w+) \|", DOCS, re.M)}

    assert told == CODES


@pytest.mark.django_db(transaction=True)
def test_the_example_in_the_docs_runs(cast: Cast, live_server: Any) -> None:
    [example] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    server = make_server(cast.northlight, name="kino-01")
    ended = {"status": "ended", "outcome": "failed", "ended_at": NOON}
    for n in range(201):
        make_attempt(server, prompt_id=f"p-{n}", error_message="out of memory", **ended)
    environment = {"SITE": live_server.url, "TOKEN": token_text(cast.bob, cast.northlight)}

    ran = subprocess.run(
        [sys.executable, "-c", example],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 201
    assert ran.stdout.startswith("2026-03-04T12:00:00Z kino-01 p-200 out of memory\n")


def test_the_docs_tell_of_every_parameter() -> None:
    names = {p["name"] for m in (*READ.values(), *TAKE.values()) for p in m["parameters"]}

    assert not [name for name in names if f"`{name}`" not in DOCS]


@pytest.mark.parametrize("path", [path for path in READ if not path.endswith(".csv")])
def test_an_answer_is_what_the_document_says(cast: Cast, bob: Client, path: str) -> None:

    told = get(bob, address(cast, path).removeprefix("/api/v1/"))

    schema = READ[path]["responses"][200]["content"]["application/json"]["schema"]
    assert not list(validator(schema).iter_errors(told))


def validator(schema: dict[str, Any]) -> Any:
    """Return what holds an answer against a schema of the document; unknown keys are wrong too."""
    from openapi_schema_validator import OAS31Validator

    components = {
        name: {**shape, "additionalProperties": False} if "properties" in shape else shape
        for name, shape in document()["components"]["schemas"].items()
    }
    return OAS31Validator({**schema, "components": {"schemas": components}})


# --- The page -----------------------------------------------------------------------------------


def test_the_page_shows_itself_to_who_is_signed_in(cast: Cast) -> None:
    response = signed_in(cast.bob).get("/api/v1/docs")

    assert response.status_code == 200
    assert "/api/v1/openapi.json" in response.content.decode()


def test_the_page_leads_others_to_sign_in(client: Client) -> None:
    assert client.get("/api/v1/docs").headers["Location"] == "/login/?next=/api/v1/docs"


def test_the_page_takes_nothing_from_elsewhere(cast: Cast) -> None:
    html = signed_in(cast.bob).get("/api/v1/docs").content.decode()

    addresses = re.findall(r'(?:src|href|action)="([^"]+)"', html)
    assert addresses
    assert all(re.match(r"/(?!/)|#", address) for address in addresses)


def test_the_page_shows_every_route_with_its_parameters_and_every_shape(cast: Cast) -> None:
    html = signed_in(cast.bob).get("/api/v1/docs").content.decode()

    assert set(re.findall(r"<code>(/api/v1/[^<]*)</code>", html)) >= set(PATHS)
    for path, told in READ.items():
        [form] = re.findall(rf'<form[^>]* action="{re.escape(path)}".*?</form>', html, re.DOTALL)
        names = [p["name"] for p in told.get("parameters", [])]
        assert re.findall(r'<(?:input|select) id="[^"]+" name="(\w+)"', form) == names
    shapes = set(re.findall(r'id="shape-(\w+)"', html))
    assert set(re.findall(r'href="#shape-(\w+)"', html)) <= shapes
    asked = {name for name in document()["components"]["schemas"] if name.endswith("Query")}
    assert shapes == set(document()["components"]["schemas"]) - asked


def test_the_page_tells_of_every_refusal() -> None:
    assert set(WHEN) == set(CODES)


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*READ, "/api/v1/openapi.json"])
def test_it_refuses_a_parameter_that_it_does_not_know(cast: Cast, bob: Client, path: str) -> None:

    status, error = refusal(bob, address(cast, path).removeprefix("/api/v1/"), nonsense=1)

    assert (status, error["where"]) == (400, "nonsense")
    known = [p["name"] for p in READ.get(path, {}).get("parameters", [])]
    assert all(name in error["hint"] for name in known if not name.endswith("_id"))


@pytest.mark.parametrize("path", READ)
def test_it_answers_head_without_a_body(cast: Cast, bob: Client, path: str) -> None:

    response = bob.head(address(cast, path))

    assert (response.status_code, response.getvalue()) == (200, b"")


def test_it_refuses_other_methods(bob: Client) -> None:
    response = bob.post("/api/v1/servers")

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["", "nothing", "servers/one", "servers/", "attempts/1/x"])
def test_an_unknown_address_is_told_in_the_same_shape(bob: Client, path: str) -> None:
    status, error = refusal(bob, path)

    assert (status, error["code"]) == (404, "not_found")


def test_an_id_that_no_row_can_have_is_not_found(bob: Client) -> None:
    assert refusal(bob, f"servers/{2**64}")[0] in (404, 422)


def test_a_page_that_is_not_there_is_still_a_page(client: Client) -> None:
    response = client.get("/nothing")

    assert response.status_code == 404
    assert b"There is no such page" in response.content


def broken(error: Exception) -> Any:
    """Return what fails in place of a query."""

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("gone"), 503, "unavailable"),
        (RedisError("gone"), 503, "unavailable"),
        (TimeoutError(), 503, "unavailable"),
        (KeyError("secret"), 500, "internal"),
    ],
)
def test_a_failure_is_told_in_the_same_shape_and_without_its_words(
    bob: Client,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr(telemetry_api, "live_now", broken(error))

    told = bob.get("/api/v1/live")

    assert (told.status_code, told.json()["error"]["code"]) == (status, code)
    assert b"secret" not in told.content
    assert b"gone" not in told.content


def test_a_failure_is_in_the_log(
    bob: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(history_api, "page_of", broken(KeyError("secret")))

    bob.get("/api/v1/attempts")

    assert "api: /api/v1/attempts failed" in caplog.text
    assert "secret" in caplog.text


# --- Other sites' scripts (CORS) ----------------------------------------------------------------


def from_site(origin: str = TOOLS) -> dict[str, str]:
    return {"Origin": origin}


def test_no_other_sites_script_reads_anything_unless_allowed(bob: Client) -> None:
    response = bob.get("/api/v1/servers", headers=from_site())

    assert "Access-Control-Allow-Origin" not in response.headers
    assert bob.options("/api/v1/servers", headers=from_site()).status_code == 405


def test_an_allowed_sites_script_reads_answers_and_refusals(bob: Client, settings: Any) -> None:
    settings.API_ORIGINS = (TOOLS,)

    for client, status in ((bob, 200), (Client(), 401)):
        response = client.get("/api/v1/servers", headers=from_site())

        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == TOOLS
        assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://tools.example.org", f"{TOOLS}.evil.example", "null"]
)
def test_another_sites_script_reads_nothing(bob: Client, settings: Any, origin: str) -> None:
    settings.API_ORIGINS = (TOOLS,)

    response = bob.get("/api/v1/servers", headers=from_site(origin))

    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Origin" in response.headers["Vary"]


def test_no_script_borrows_a_session(cast: Cast, settings: Any) -> None:
    settings.API_ORIGINS = (TOOLS,)

    response = signed_in(cast.bob).get("/api/v1/servers", headers=from_site())

    assert "Access-Control-Allow-Credentials" not in response.headers


def test_an_allowed_sites_browser_may_ask_before(client: Client, settings: Any) -> None:
    settings.API_ORIGINS = (TOOLS,)

    response = client.options("/api/v1/servers", headers=from_site())

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == TOOLS
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers

"""telemetry/api.py and callers.py: who may ask, servers, and what they do now."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from telemetry.api_errors import CODES
from telemetry.envelope import team_topic
from telemetry.facts import NAME, ServerFacts, element_of
from telemetry.models import ApiToken, Membership, Role, Scope, Server
from telemetry.stores import Change, Fragment, Part, live_store
from telemetry.tokens import revoke
from tests.api import get, member, program, refusal, signed_in, token_text
from tests.cast import (
    NOON,
    Cast,
    join,
    make_cast,
    make_device,
    make_environment,
    make_server,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db


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


# --- Who may ask --------------------------------------------------------------------------------


def test_it_says_who_asks_with_a_token(cast: Cast) -> None:
    text = token_text(cast.olga, cast.northlight, expires_at=NOON + timedelta(days=3650))

    told = get(program(text), "me")

    assert told == {
        "user": "olga",
        "team": "northlight",
        "role": "operator",
        "token": f"{text[:11]}…",
        "scope": "read",
        "expires_at": "2036-03-01T12:00:00Z",
    }


def test_it_says_who_asks_with_a_session(cast: Cast) -> None:
    told = get(signed_in(cast.bob), "me")

    assert told["user"] == "bob"
    assert told["token"] is None


def test_it_refuses_who_brings_nothing(client: Client) -> None:
    status, error = refusal(client, "servers")

    assert (status, error["code"]) == (401, "unauthorized")
    assert "Authorization: Bearer" in error["hint"]


def test_it_names_the_way_in_in_the_header_too(client: Client) -> None:
    assert client.get("/api/v1/servers").headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer sw_unknown", "Bearer", "Basic Ym9iOmJvYg==", "x"])
def test_it_refuses_a_header_that_holds_nothing_good(cast: Cast, header: str) -> None:
    client = Client(headers={"Authorization": header})

    assert refusal(client, "servers")[0] == 401


def test_a_header_decides_also_where_there_is_a_session(cast: Cast) -> None:
    browser = signed_in(cast.bob)

    response = browser.get("/api/v1/servers", headers={"Authorization": "Bearer sw_unknown"})

    assert response.status_code == 401


def test_it_refuses_a_token_that_was_revoked(cast: Cast, bob: Client) -> None:
    revoke(ApiToken.objects.get(), timezone.now())

    assert refusal(bob, "servers")[0] == 401


def test_it_refuses_a_token_whose_owner_left_the_team(cast: Cast, bob: Client) -> None:
    member(cast.bob, cast.northlight).delete()

    assert refusal(bob, "servers")[0] == 401


def test_it_refuses_a_token_that_only_ingests(cast: Cast) -> None:
    client = program(token_text(cast.olga, cast.northlight, Scope.INGEST))

    status, error = refusal(client, "servers")

    assert (status, error["code"]) == (403, "forbidden")
    assert "scope read" in error["hint"]


def test_a_token_to_write_stops_at_reading_with_the_role_of_its_owner(cast: Cast) -> None:
    client = program(token_text(cast.olga, cast.northlight, Scope.WRITE))
    Membership.objects.filter(user=cast.olga).update(role=Role.VIEWER)

    assert get(client, "me")["role"] == "viewer"


def test_a_token_reaches_its_own_team_alone(cast: Cast, bob: Client) -> None:
    other = make_team("Aurora")
    join(other, cast.bob)
    server = make_server(other)

    assert get(bob, "servers") == {"items": []}
    assert refusal(bob, "servers", team="aurora")[0] == 404
    assert refusal(bob, f"servers/{server.pk}")[0] == 404


def test_a_token_may_name_its_own_team(cast: Cast, bob: Client) -> None:
    assert get(bob, "servers", team="northlight") == {"items": []}


def test_a_session_in_one_team_need_not_name_it(cast: Cast) -> None:
    make_server(cast.northlight, name="kino-01")

    assert get(signed_in(cast.bob), "servers")["items"][0]["name"] == "kino-01"


def test_a_session_in_several_teams_must_name_one(cast: Cast) -> None:
    join(make_team("Aurora"), cast.bob)

    status, error = refusal(signed_in(cast.bob), "servers")

    assert (status, error["where"]) == (400, "team")
    assert "one of: aurora, northlight" in error["hint"]


@pytest.mark.parametrize("team", ["", "north light", "a\0b", "a" * 41])
def test_it_says_that_a_name_can_be_no_teams(cast: Cast, team: str) -> None:
    status, error = refusal(signed_in(cast.bob), "servers", team=team)

    assert (status, error["where"]) == (422, "team")


def test_a_session_in_no_team_finds_nothing(cast: Cast) -> None:
    assert refusal(signed_in(make_user("newcomer")), "servers")[0] == 404


def test_an_answer_is_kept_by_no_shared_cache(bob: Client) -> None:
    headers = bob.get("/api/v1/servers").headers

    assert headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(headers["Vary"].split(", "))


# --- How often ----------------------------------------------------------------------------------


def test_who_asks_too_often_is_told_to_wait(bob: Client, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    for _ in range(2):
        get(bob, "me")

    response = bob.get("/api/v1/me")

    assert response.status_code == 429
    assert response.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(response.headers["Retry-After"]) <= 60


def test_each_token_and_each_person_is_counted_alone(
    cast: Cast, bob: Client, settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    get(bob, "me")

    get(program(token_text(cast.bob, cast.northlight)), "me")
    get(signed_in(cast.bob), "me")
    get(signed_in(cast.olga), "me")


def test_an_address_that_guesses_is_told_to_wait(client: Client, settings: Any) -> None:
    settings.API_REFUSALS_PER_HOUR = 2
    for _ in range(2):
        assert refusal(client, "me")[0] == 401

    response = client.get("/api/v1/me")

    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 3600


def test_a_good_token_is_heard_also_from_an_address_that_guesses(
    client: Client, bob: Client, settings: Any
) -> None:
    settings.API_REFUSALS_PER_HOUR = 1
    for _ in range(3):
        client.get("/api/v1/me")

    assert get(bob, "me")["user"] == "bob"


# --- Servers ------------------------------------------------------------------------------------


def test_it_lists_the_teams_servers_in_the_order_of_the_wall(cast: Cast, bob: Client) -> None:
    make_server(cast.northlight, name="second", position=2)
    make_server(cast.northlight, name="first", position=1, enabled=False)
    make_server(cast.northlight, name="gone").retire(NOON)
    make_server(cast.southdark, name="foreign")

    assert [s["name"] for s in get(bob, "servers")["items"]] == ["first", "second"]


def test_it_tells_what_a_server_last_said_of_itself(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight, created_at=NOON)
    make_environment(server, since=NOON, comfyui_version="0.3.64")
    make_environment(server, since=NOON + timedelta(days=1), comfyui_version="0.33.0")
    make_device(server, index=0, uuid="", vram_total_bytes=24 << 30)

    told = get(bob, f"servers/{server.pk}")

    assert told["comfyui_version"] == "0.33.0"
    assert told["created_at"] == "2026-03-04T12:00:00Z"
    assert told["devices"] == [
        {
            "index": 0,
            "uuid": None,
            "name": "RTX 5090",
            "kind": "cuda",
            "vram_total_bytes": 24 << 30,
            "seen_at": "2026-03-04T12:00:00Z",
        }
    ]


def test_it_tells_no_secret_of_a_server(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight, bearer_encrypted="cipher", authorities="-----BEGIN")

    told = json.dumps(get(bob, f"servers/{server.pk}"))

    assert "cipher" not in told
    assert "BEGIN" not in told


def test_a_deleted_server_is_not_there(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    server.retire(NOON)

    assert refusal(bob, f"servers/{server.pk}")[0] == 404


def test_many_servers_take_as_many_queries_as_one(
    cast: Cast, bob: Client, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        make_device(make_server(cast.northlight))
    get(bob, "me")  # notes the token's use

    with django_assert_num_queries(3):
        get(bob, "servers")


# --- Live ---------------------------------------------------------------------------------------


def tell(server: Server, **fields: Any) -> None:
    """Retain facts of a server, as its collector would."""
    facts = ServerFacts(**{"condition": "idle", "heard_at": timezone.now(), **fields})
    element = f"server-{server.pk}"
    change = Change(
        [Fragment(element, "<article></article>", "servers")],
        [(element, "data-state", "idle")],
        facts=[(element_of(server.pk), NAME, facts.model_dump_json())],
    )
    async_to_sync(live_store().stamp)(team_topic(server.team_id), [Part((server.pk, 1), change)])


def test_it_tells_what_a_server_does_now(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight, name="kino-01")
    tell(server, condition="executing", queued_count=3, comfyui_version="0.33.0")

    told = get(bob, "live")

    [now] = told["servers"]
    assert (now["id"], now["name"], now["stale"]) == (server.pk, "kino-01", False)
    assert (now["condition"], now["queued_count"]) == ("executing", 3)
    assert told["seq"] == 1
    assert told["epoch"]


def test_it_tells_of_a_server_nobody_told_of_that_nothing_is_known(cast: Cast, bob: Client) -> None:
    make_server(cast.northlight)

    [now] = get(bob, "live")["servers"]

    assert (now["condition"], now["stale"]) == ("connecting", True)
    assert now["queued_count"] is None
    assert now["running"] is None


def test_it_says_that_a_server_was_not_heard_of_for_a_minute(cast: Cast, bob: Client) -> None:
    tell(make_server(cast.northlight), heard_at=timezone.now() - timedelta(seconds=61))

    assert get(bob, "live")["servers"][0]["stale"] is True


def test_it_tells_of_the_servers_that_are_watched(cast: Cast, bob: Client) -> None:
    make_server(cast.northlight, enabled=False)
    tell(make_server(cast.southdark))

    assert get(bob, "live")["servers"] == []


def test_it_zips_an_answer_for_who_can_unzip_it(cast: Cast, bob: Client) -> None:
    for _ in range(5):  # a short answer may be longer with the noise that Django zips into it
        tell(make_server(cast.northlight))
    plain = bob.get("/api/v1/live")
    zipped = bob.get("/api/v1/live", headers={"Accept-Encoding": "gzip"})

    told = json.loads(gzip.decompress(zipped.content))
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert told["servers"] == plain.json()["servers"]
    tag = {"Accept-Encoding": "gzip", "If-None-Match": zipped.headers["ETag"]}
    assert bob.get("/api/v1/live", headers=tag).status_code == 304


def test_it_answers_not_modified_while_nothing_changed(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    tell(server)
    tag = bob.get("/api/v1/live").headers["ETag"]

    same = bob.get("/api/v1/live", headers={"If-None-Match": tag})
    tell(server, condition="executing")
    other = bob.get("/api/v1/live", headers={"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert (other.status_code, other.json()["servers"][0]["condition"]) == (200, "executing")


def test_every_error_has_a_code() -> None:
    assert sorted(CODES) == [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503]

"""history/api.py and keyset.py: attempts and activity, filtered, a page at a time."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from history.models import Attempt
from tests.api import get, program, refusal, token_text
from tests.cast import (
    NOON,
    Cast,
    join,
    make_activity,
    make_attempt,
    make_cast,
    make_graph,
    make_memory,
    make_node,
    make_run,
    make_scene,
    make_server,
    make_team,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
LAST_OF_ALL = "9999-12-31T23:59:59-23:59"


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


def ids(answer: dict[str, Any]) -> list[int]:
    return [item["id"] for item in answer["items"]]


def walk(client: Client, path: str, **asked: Any) -> list[list[int]]:
    """Return the ids on each page of a list."""
    pages, cursor = [], None
    while cursor is not None or not pages:
        answer = get(client, path, **asked, **({"cursor": cursor} if cursor else {}))
        pages.append(ids(answer))
        cursor = answer["next_cursor"]
    return pages


def test_it_tells_an_attempt(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight, name="kino-01")
    run = make_run(cast.northlight, external_id="run-7", story_id="harbor")
    scene = make_scene(run, external_id="scene-003", outcome="failed")
    attempt = make_attempt(
        server,
        scene,
        prompt_id="9f6b",
        status="ended",
        outcome="failed",
        outcome_grade="measured",
        error_type="OutOfMemoryError",
        error_message="CUDA out of memory <b>",
        ended_at=NOON + MINUTE,
        duration_s=59.5,
    )

    [told] = get(bob, "attempts")["items"]

    assert told["id"] == attempt.pk
    assert told["server"] == {"id": server.pk, "name": "kino-01"}
    assert told["run"] == {
        "id": run.pk,
        "source": "default",
        "external_id": "run-7",
        "story_id": "harbor",
    }
    assert told["scene"] == {"id": scene.pk, "external_id": "scene-003", "outcome": "failed"}
    assert (told["status"], told["outcome"]) == ("ended", "failed")
    assert told["error"] == {
        "type": "OutOfMemoryError",
        "message": "CUDA out of memory <b>",
        "node": None,
        "node_type": None,
    }
    assert (told["ended_at"], told["duration_s"]) == ("2026-03-04T12:01:00Z", 59.5)


def test_what_is_missing_is_null_and_never_zero_or_empty(cast: Cast, bob: Client) -> None:
    make_attempt(make_server(cast.northlight))

    [told] = get(bob, "attempts")["items"]

    for name in ("duration_s", "waited_s", "ended_at", "node_count", "reason", "error", "outcome"):
        assert told[name] is None, name


def test_it_tells_one_attempt_with_its_nodes_and_memory(cast: Cast, bob: Client) -> None:
    attempt = make_attempt(make_server(cast.northlight))
    make_node(attempt, node="3", duration_s=1.5)
    make_memory(attempt, free_lowest_bytes=1 << 30)

    told = get(bob, f"attempts/{attempt.pk}")

    assert [(n["node"], n["class_type"], n["duration_s"]) for n in told["nodes"]] == [
        ("3", "KSampler", 1.5)
    ]
    assert [(m["index"], m["free_lowest_bytes"]) for m in told["memory"]] == [(0, 1 << 30)]


def test_it_tells_no_traceback_and_no_graph(cast: Cast, bob: Client) -> None:
    attempt = make_attempt(make_server(cast.northlight), traceback="File /home/secret")
    make_graph(attempt, {"3": {"inputs": {"text": "secret"}}})

    for path in ("attempts", f"attempts/{attempt.pk}"):
        assert "secret" not in bob.get(f"/api/v1/{path}").content.decode()


def test_a_token_sees_no_attempt_of_another_team_of_its_owner(cast: Cast, bob: Client) -> None:
    other = make_team("Aurora")
    join(other, cast.bob)
    attempt = make_attempt(make_server(other))
    make_activity(attempt.server, attempt=attempt)

    assert ids(get(bob, "attempts")) == []
    assert ids(get(bob, "attempts", server=attempt.server_id)) == []
    assert ids(get(bob, "activity")) == []
    assert refusal(bob, f"attempts/{attempt.pk}")[0] == 404


def rich(cast: Cast) -> Attempt:
    """Return an attempt that every filter can find."""
    run = make_run(cast.northlight, source="farm", external_id="run-7")
    scene = make_scene(run, external_id="shot-003")
    return make_attempt(
        make_server(cast.northlight),
        scene,
        prompt_id="9f6b",
        status="ended",
        outcome="failed",
        seen_at=NOON + MINUTE,
        ended_at=NOON + 2 * MINUTE,
    )


@pytest.mark.parametrize(
    "asked",
    [
        lambda a: {"server": a.server_id},
        lambda a: {"prompt_id": "9f6b"},
        lambda a: {"status": "ended"},
        lambda a: {"status": ["ended", "running"]},
        lambda a: {"outcome": ["failed", "lost"]},
        lambda a: {"run": a.scene.run_id},
        lambda a: {"run_external_id": "run-7", "source": "farm"},
        lambda a: {"scene": a.scene_id},
        lambda a: {"scene_external_id": "shot-003"},
        lambda a: {"since": "2026-03-04T12:01:00Z"},
        lambda a: {"by": "ended"},
        lambda a: {"by": "ended", "until": "2026-03-04T13:02:01+01:00"},
    ],
)
def test_it_finds_attempts_by(cast: Cast, bob: Client, asked: Any) -> None:
    make_attempt(make_server(cast.northlight))
    wanted = rich(cast)

    assert ids(get(bob, "attempts", **asked(wanted))) == [wanted.pk]


@pytest.mark.parametrize(
    "asked",
    [
        {"server": 2**62},
        {"prompt_id": "9f6"},
        {"status": "queued"},
        {"outcome": "success"},
        {"run_external_id": "run-7"},
        {"until": "2026-03-04T12:01:00Z"},
        {"by": "ended", "until": "2026-03-04T12:02:00Z"},
        {"by": "ended", "since": "2026-03-04T12:02:01Z"},
    ],
)
def test_it_does_not_find_attempts_by(cast: Cast, bob: Client, asked: Any) -> None:
    rich(cast)

    assert ids(get(bob, "attempts", **asked)) == []


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"server": "kino-01"}, "server"),
        ({"server": 2**63}, "server"),
        ({"status": "done"}, "status"),
        ({"by": "pk"}, "by"),
        ({"since": "2026-03-04T12:00:00"}, "since"),
        ({"prompt_id": "a\0b"}, "prompt_id"),
        ({"prompt_id": "a" * 201}, "prompt_id"),
    ],
)
def test_it_says_which_value_is_wrong(
    cast: Cast, bob: Client, asked: dict[str, Any], where: str
) -> None:
    status, error = refusal(bob, "attempts", **asked)

    assert (status, error["code"]) == (422, "invalid")
    assert error["where"].startswith(where)
    assert error["message"].startswith(where)


def test_it_says_how_to_write_a_time(bob: Client) -> None:
    _, error = refusal(bob, "attempts", since="2026-03-04T12:00:00")

    assert "2026-03-04T12:00:00Z" in error["hint"]


@pytest.mark.parametrize("path", ["attempts", "activity"])
@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        "WyJwayIsMSwxXQ",
        "WyJzZWVuX2F0IiwxZTk5OSwxXQ",
        "WyJzZWVuX2F0Iiw5OTk5OTk5OTk5OTk5OTk5OTk5LDFd",
        "WyJzZWVuX2F0IiwxLC0xXQ",
    ],
)
def test_it_refuses_a_cursor_that_it_never_told(bob: Client, path: str, cursor: str) -> None:
    status, error = refusal(bob, path, cursor=cursor)

    assert (status, error["where"]) == (400, "cursor")


def test_it_refuses_the_cursor_of_another_order(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    for _ in range(2):
        make_attempt(server, ended_at=NOON)
    cursor = get(bob, "attempts", limit=1)["next_cursor"]

    assert refusal(bob, "attempts", by="ended", cursor=cursor)[0] == 400


def test_it_pages_newest_first_also_where_times_are_the_same(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    at = [NOON, NOON, NOON + MINUTE, NOON, NOON - MINUTE]
    made = [make_attempt(server, seen_at=seen_at).pk for seen_at in at]

    pages = walk(bob, "attempts", limit=2)

    assert pages == [[made[2], made[3]], [made[1], made[0]], [made[4]]]


def test_the_last_page_may_be_full(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    for _ in range(4):
        make_attempt(server)

    assert [len(page) for page in walk(bob, "attempts", limit=2)] == [2, 2]


def test_what_comes_meanwhile_moves_no_page(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    made = [make_attempt(server, seen_at=NOON + n * MINUTE).pk for n in range(4)]
    first = get(bob, "attempts", limit=2)

    make_attempt(server, seen_at=NOON + 9 * MINUTE)
    Attempt.objects.filter(pk=made[3]).delete()
    second = get(bob, "attempts", limit=2, cursor=first["next_cursor"])

    assert ids(second) == [made[1], made[0]]


def test_a_page_takes_as_many_queries_however_long_it_is(
    cast: Cast, bob: Client, django_assert_num_queries: Any
) -> None:
    server = make_server(cast.northlight)
    for _ in range(5):
        make_attempt(server)
    get(bob, "me")  # notes the token's use

    # The token, where the team's attempts are, and the page.
    with django_assert_num_queries(3):
        get(bob, "attempts")


def test_it_tells_attempts_of_servers_that_were_deleted(cast: Cast, bob: Client) -> None:
    attempt = make_attempt(make_server(cast.northlight))
    attempt.server.retire(NOON)

    assert ids(get(bob, "attempts")) == [attempt.pk]


def test_it_tells_none_of_another_teams_attempts_between_its_own(cast: Cast, bob: Client) -> None:
    ours, theirs = make_server(cast.northlight), make_server(cast.southdark)
    at = [NOON + n * MINUTE for n in range(4)]
    made = [make_attempt([ours, theirs][n % 2], seen_at=t).pk for n, t in enumerate(at)]

    assert walk(bob, "attempts", limit=1) == [[made[2]], [made[0]]]


def test_it_tells_activity(cast: Cast, bob: Client) -> None:
    attempt = make_attempt(make_server(cast.northlight))
    line = make_activity(attempt.server, attempt=attempt, text="Scene 3 failed", kind="ended")

    assert get(bob, "activity") == {
        "items": [
            {
                "id": line.pk,
                "at": "2026-03-04T12:00:00Z",
                "server_id": attempt.server_id,
                "attempt_id": attempt.pk,
                "kind": "ended",
                "tone": "bad",
                "text": "Scene 3 failed",
                "detail": None,
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "ended"}, True),
        ({"kind": "offline"}, False),
        ({"tone": "warn"}, True),
        ({"tone": "ok"}, False),
        ({"since": "2026-03-04T12:00:00Z"}, True),
        ({"until": "2026-03-04T12:00:00Z"}, False),
        ({"server": 2**62}, False),
        ({"attempt": 2**62}, False),
    ],
)
def test_it_filters_activity_by(cast: Cast, bob: Client, asked: Any, found: bool) -> None:
    make_activity(make_server(cast.northlight), kind="ended", tone="warn")

    assert bool(ids(get(bob, "activity", **asked))) is found


def test_it_pages_activity(cast: Cast, bob: Client) -> None:
    server = make_server(cast.northlight)
    made = [make_activity(server, at=NOON + n * MINUTE).pk for n in range(3)]

    assert walk(bob, "activity", limit=2) == [[made[2], made[1]], [made[0]]]


@pytest.mark.parametrize("path", ["attempts", "activity", "failures", "runs", "runs/statistics"])
@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_time_of_all_leave_nothing_out(
    cast: Cast, bob: Client, path: str, since: str, until: str
) -> None:
    make_run(cast.northlight)
    everything = get(bob, path)

    assert get(bob, path, since=since, until=until) == everything


@pytest.mark.parametrize("asked", [{"until": "0001-01-01T00:00:00+23:59"}, {"since": LAST_OF_ALL}])
def test_nothing_lies_beyond_the_first_and_the_last_time_of_all(
    cast: Cast, bob: Client, asked: dict[str, str]
) -> None:
    make_run(cast.northlight)

    assert ids(get(bob, "runs", **asked)) == []

"""Who may listen to which topic, over each of the three ways: socket, event stream, poll.

The matrix of test_isolation.py for the live addresses: every kind of topic, every persona, both
teams. A kind of topic without a line in TOPICS fails by name.
"""

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import ApplicationCommunicator
from django.conf import settings as site
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from history.models import Run
from telemetry import rounds
from telemetry.clock import now
from telemetry.models import ApiToken, Membership, Role, Scope, Server
from telemetry.routing import http_urlpatterns, websocket_urlpatterns
from telemetry.tokens import make_token
from tests.config.test_isolation import PERSONAS, Policy, Side, World, expected
from tests.config.wires import Socket, headers, http

TOPICS: dict[str, Callable[[Side], str]] = {
    "team": lambda side: f"team-{side.team.pk}",
    "server": lambda side: f"server-{side.rows[Server].pk}",
    "run": lambda side: f"run-{side.rows[Run].pk}",
}
LISTEN = Policy(Role.VIEWER, frozenset({"LISTEN"}))
WORDS = {4401: "sign in", 4403: "403", 4404: "404"}
SIGNED_OUT, NO_ACCESS = 4401, 4403

each_topic = pytest.mark.parametrize("kind", TOPICS)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_was_refused() -> None:
    """Forget the refusals of other tests: they are counted by address, which all have in common."""
    cache.clear()


async def over_socket(browser: Client, topic: str) -> tuple[str, str]:
    """Return the verdict over a topic, and all that was heard."""
    socket = Socket(browser, topic)
    assert await socket.open()
    found = await socket.hear("snapshot", "error")
    if found["type"] == "error":
        assert await socket.closed() == found["code"]
    else:
        await socket.leave()
    return WORDS[found["code"]] if found["type"] == "error" else "ok", json.dumps(socket.heard)


async def over_subscription(browser: Client, topic: str) -> tuple[str, str]:
    """Return the verdict over a topic that is asked for on a socket that is open already."""
    user_id = await sync_to_async(lambda: browser.session.get(SESSION_KEY))()
    own = await Membership.objects.filter(user_id=user_id).afirst()
    if own is None:  # no socket without a topic of one's own
        return await over_socket(browser, topic)
    socket = Socket(browser, f"team-{own.team_id}")
    assert await socket.open()
    await socket.hear("snapshot")
    socket.heard.clear()
    await socket.say(type="unsubscribe", topic=f"team-{own.team_id}")
    await socket.say(type="subscribe", topic=topic)
    found = await socket.hear("snapshot", "error")
    assert found["topic"] == topic
    await socket.leave()
    return WORDS[found["code"]] if found["type"] == "error" else "ok", json.dumps(socket.heard)


async def over_events(browser: Client, topic: str) -> tuple[str, str]:
    """Return the verdict over a topic of an event stream, and all that was heard."""
    status, _, body = await http(f"/live/events/?topic={topic}", browser)
    return {200: "ok", 401: "sign in"}.get(status, str(status)), body


async def over_poll(browser: Client, topic: str) -> tuple[str, str]:
    """Return the verdict over a topic that is polled, and all that was heard."""
    status, _, body = await http(f"/live/snapshot/?topic={topic}", browser)
    return {200: "ok", 401: "sign in"}.get(status, str(status)), body


Way = Callable[[Client, str], Awaitable[tuple[str, str]]]
WAYS: list[Way] = [over_socket, over_subscription, over_events, over_poll]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def test_each_kind_of_topic_and_each_way_is_tested() -> None:
    paths = {str(each.pattern) for each in [*websocket_urlpatterns, *http_urlpatterns]}

    assert set(TOPICS) == set(site.LIVE_DOORS)
    ways = {"socket/", "events/", "snapshot/"}
    # What a link shows, and to whom: test_tv_isolation.py.
    assert paths == {f"live/{way}" for way in ways} | {f"live/tv/<str:token>/{w}" for w in ways}


@each_way
@pytest.mark.parametrize("persona", PERSONAS)
def test_a_topic_is_for_its_team(way: Way, persona: str) -> None:
    world = World()
    words = [word.decode() for word in world.forbidden_words(persona)]
    world.enter(persona)

    for kind, side in itertools.product(TOPICS, world.sides):
        wanted = expected(LISTEN, "LISTEN", persona, world.role(persona, side))
        found, heard = async_to_sync(way)(world.browser, TOPICS[kind](side))

        assert found == wanted, f"{persona} at {kind} of {side.team}: {found}, not {wanted}"
        assert not [word for word in words if word in heard]
        assert (f"{side.word} live" in heard) is (wanted == "ok")


@each_way
def test_a_topic_that_is_not_there_is_not_found(way: Way) -> None:
    world = World()
    world.enter("bob")

    for topic in ("nobody-1", "run-999999", "team-999999", "server-999999"):
        assert async_to_sync(way)(world.browser, topic)[0] == "404", topic


def test_a_socket_is_refused_to_the_pages_of_other_sites() -> None:
    world = World()
    world.enter("bob")

    socket = Socket(world.browser, TOPICS["team"](world.sides[0]), origin="http://evil.example")

    assert not async_to_sync(socket.open)()


def sign_out(world: World) -> None:
    """Have bob sign out."""
    world.browser.post("/logout/")


def change_password(world: World) -> None:
    """Have bob change his password."""
    new = {"new_password1": "staple of another kind", "new_password2": "staple of another kind"}
    response = world.browser.post("/password/", {"old_password": "correct horse", **new})
    assert response.status_code == 302


def leave_team(world: World) -> None:
    """Take bob out of the team."""
    Membership.objects.filter(user=world.cast.bob).delete()


def deactivate(world: World) -> None:
    """Deactivate bob."""
    User.objects.filter(pk=world.cast.bob.pk).update(is_active=False)


ENDINGS = [
    (sign_out, SIGNED_OUT),
    (change_password, SIGNED_OUT),
    (leave_team, NO_ACCESS),
    (deactivate, SIGNED_OUT),
]


@pytest.fixture
def quick(settings: Any) -> None:
    """Have access asked for again twenty times a second."""
    settings.ACCESS_RECHECK_S = 0.05


def signed_in() -> World:
    """Return a world in which bob is signed in with a password."""
    world = World()
    world.cast.bob.set_password("correct horse")
    world.cast.bob.save()
    world.enter("bob")
    return world


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("happening", "code"), ENDINGS)
def test_an_open_socket_is_closed_by(happening: Callable[[World], None], code: int) -> None:
    world = signed_in()
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> int:
        assert await socket.open()
        await socket.hear("snapshot")
        await sync_to_async(happening)(world)
        return await socket.closed()

    assert async_to_sync(scenario)() == code


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("happening", "code"), ENDINGS)
def test_an_open_stream_is_ended_by(happening: Callable[[World], None], code: int) -> None:
    world = signed_in()

    async def scenario() -> str:
        from config.asgi import application

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/live/events/",
            "query_string": f"topic={TOPICS['team'](world.sides[0])}".encode(),
            "headers": headers(world.browser),
        }
        stream = ApplicationCommunicator(application, scope)
        await stream.send_input({"type": "http.request", "body": b"", "more_body": False})
        heard = ""
        while "snapshot" not in heard:
            heard += (await stream.receive_output(5)).get("body", b"").decode()
        await sync_to_async(happening)(world)
        more = True
        while more:
            part = await stream.receive_output(5)
            heard += part["body"].decode()
            more = part.get("more_body", False)
        await stream.wait(5)
        return heard

    assert f'"code":{code}' in async_to_sync(scenario)()


@pytest.mark.usefixtures("quick")
def test_who_leaves_one_of_two_teams_keeps_the_other() -> None:
    world = World()
    Membership.objects.create(user=world.cast.bob, team=world.cast.southdark)
    world.enter("bob")
    north, south = (TOPICS["team"](side) for side in world.sides)
    socket = Socket(world.browser, f"{north}&topic={south}")

    async def scenario() -> tuple[dict[str, Any], bool]:
        assert await socket.open()
        await socket.hear("snapshot")
        await socket.hear("snapshot")
        await Membership.objects.filter(user=world.cast.bob, team=world.cast.southdark).adelete()
        told = await socket.hear("error")
        quiet = await socket.communicator.receive_nothing(timeout=0.3)
        await socket.leave()
        return told, quiet

    told, quiet = async_to_sync(scenario)()
    assert (told["topic"], told["code"]) == (south, NO_ACCESS)
    assert quiet


@pytest.mark.usefixtures("quick")
def test_an_open_socket_outlives_the_checks_that_it_passes() -> None:
    world = World()
    world.enter("bob")
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]))

    async def scenario() -> bool:
        assert await socket.open()
        await socket.hear("snapshot")
        quiet = await socket.communicator.receive_nothing(timeout=0.4)
        await socket.leave()
        return bool(quiet)

    assert async_to_sync(scenario)()


def token(user: User, side: Side, scope: Scope = Scope.READ, **fields: Any) -> dict[str, str]:
    """Return the header of a program with a token of the user in the side's team."""
    membership = Membership.objects.get(user=user, team=side.team)
    made, text = make_token(membership, "script", scope, None)
    ApiToken.objects.filter(pk=made.pk).update(**fields)
    return {"authorization": f"Bearer {text}"}


async def verdict(world: World, topic: str, program: dict[str, str]) -> tuple[str, int]:
    """Return what a program is told by the socket, and the status of a poll."""
    socket = Socket(world.browser, topic, **program)
    assert await socket.open()
    found = await socket.hear("snapshot", "error")
    await socket.leave()
    status, _, _ = await http(f"/live/snapshot/?topic={topic}", world.browser, **program)
    return WORDS[found["code"]] if found["type"] == "error" else "ok", status


@each_topic
def test_a_program_with_a_token_listens_in_its_team_alone(kind: str) -> None:
    world = World()
    Membership.objects.create(user=world.cast.bob, team=world.cast.southdark)
    program = token(world.cast.bob, world.sides[0])
    ours, theirs = (TOPICS[kind](side) for side in world.sides)

    assert async_to_sync(verdict)(world, ours, program) == ("ok", 200)
    assert async_to_sync(verdict)(world, theirs, program) == ("404", 404)


@pytest.mark.parametrize(
    ("scope", "fields", "found"),
    [
        (Scope.INGEST, {}, ("403", 403)),
        (Scope.READ, {"revoked_at": now()}, ("sign in", 401)),
        (Scope.READ, {"expires_at": now()}, ("sign in", 401)),
    ],
)
def test_a_token_that_opens_nothing_opens_no_topic(
    scope: Scope, fields: dict[str, Any], found: tuple[str, int]
) -> None:
    world = World()
    program = token(world.cast.olga, world.sides[0], scope, **fields)

    assert async_to_sync(verdict)(world, TOPICS["team"](world.sides[0]), program) == found


def test_a_wrong_token_is_not_made_good_by_a_session() -> None:
    world = World()
    world.enter("bob")
    program = {"authorization": f"Bearer sw_{'x' * 40}"}

    found = async_to_sync(verdict)(world, TOPICS["team"](world.sides[0]), program)

    assert found == ("sign in", 401)


@pytest.mark.usefixtures("quick")
def test_a_revoked_token_closes_its_open_socket() -> None:
    world = World()
    program = token(world.cast.bob, world.sides[0])
    socket = Socket(world.browser, TOPICS["team"](world.sides[0]), **program)

    async def scenario() -> int:
        assert await socket.open()
        await socket.hear("snapshot")
        await ApiToken.objects.aupdate(revoked_at=now())
        return await socket.closed()

    assert async_to_sync(scenario)() == SIGNED_OUT


def test_nobody_hears_more_than_a_minute_after_access_was_lost() -> None:
    usual = site.ACCESS_RECHECK_S + rounds.LOOK_S
    database_away = site.ACCESS_RECHECK_S + rounds.UNASKED_LIMIT_S

    assert max(usual, database_away) <= 60

"""What a TV link shows to whoever holds it, over each way, and what it does not."""

import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.testing import ApplicationCommunicator, WebsocketCommunicator
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from telemetry.envelope import team_topic
from telemetry.models import Membership, Team, TvLink
from telemetry.stores import Change, Fragment, Part, live_store
from telemetry.tv import make_link
from tests.cast import Cast, make_cast, make_server

pytestmark = pytest.mark.django_db(transaction=True)

NAMED = '<p id="server-1-exec" data-by="mira">Scene 9<!--by--> of mira<!--/by--></p>'


@pytest.fixture(autouse=True)
def nobody_was_refused() -> None:
    """Forget the refusals of other tests: they are counted by address, which all have in common."""
    cache.clear()


@pytest.fixture
def cast() -> Cast:
    """Return the cast, with something on the wall that names a submitter."""
    cast = make_cast()
    put(cast.northlight, NAMED)
    return cast


def put(team: Team, html: str) -> None:
    """Have the wall of a team show a fragment."""
    change = Change([Fragment("server-1-exec", html)])
    async_to_sync(live_store().stamp)(team_topic(team.pk), [Part((1, 1), change)])


def token_of(cast: Cast, **fields: Any) -> str:
    """Return the token of a link of Northlight."""
    usual = {"name": "studio 2", "show_names": False, "expires_at": None}
    return make_link(cast.northlight, cast.alice, **{**usual, **fields})[1]


class Screen:
    """A screen's socket."""

    def __init__(self, token: str, team: Team) -> None:
        from config.asgi import application

        path = f"/live/tv/{token}/socket/?topic={team_topic(team.pk)}"
        self.socket = WebsocketCommunicator(application, path, [(b"host", b"localhost")])

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """Return the next message of one of the kinds."""
        while True:
            message: dict[str, Any] = json.loads(await self.socket.receive_from(timeout=5))
            if message["type"] in kinds:
                return message

    async def first(self) -> dict[str, Any]:
        """Open the socket and return its first snapshot, or why there is none."""
        assert (await self.socket.connect(timeout=5))[0]
        return await self.hear("snapshot", "error")

    async def closed(self) -> int:
        """Listen until the socket is closed, and return the code."""
        while True:
            message = await self.socket.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return int(message["code"])


def over_socket(token: str, team: Team) -> dict[str, Any]:
    """Return the first snapshot that a screen is sent, or why it is sent none."""

    async def scenario() -> dict[str, Any]:
        screen = Screen(token, team)
        first = await screen.first()
        await screen.socket.disconnect()
        return first

    return async_to_sync(scenario)()


async def over_http(token: str, team: Team, way: str) -> tuple[int, str]:
    """Return status and body of a poll, or of a stream up to its first snapshot."""
    from config.asgi import application

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/live/tv/{token}/{way}/",
        "query_string": f"topic={team_topic(team.pk)}".encode(),
        "headers": [(b"host", b"localhost")],
        "client": ["127.0.0.1", 1],
    }
    asked = ApplicationCommunicator(application, scope)
    await asked.send_input({"type": "http.request", "body": b"", "more_body": False})
    start, body, whole = await asked.receive_output(5), "", False
    while not whole and '"type":"snapshot"' not in body:
        part = await asked.receive_output(5)
        body += part.get("body", b"").decode()
        whole = not part.get("more_body", False)
    if not whole:
        await asked.send_input({"type": "http.disconnect"})
    await asked.wait(5)
    return start["status"], body


def test_it_shows_the_wall_to_who_is_not_signed_in(cast: Cast, client: Client) -> None:
    make_server(cast.northlight, name="kino-01")

    response = client.get(f"/tv/{token_of(cast)}/")

    assert response.status_code == 200
    assert b"kino-01" in response.content
    assert "no-store" in response.headers["Cache-Control"]


def test_it_has_no_way_into_the_site(cast: Cast, client: Client) -> None:
    make_server(cast.northlight, name="kino-01")

    html = client.get(f"/tv/{token_of(cast)}/").content.decode()

    assert 'href="/' not in html.replace('href="/static/', "")
    assert "<form" not in html


@pytest.mark.parametrize("way", ["events", "snapshot"])
def test_it_names_nobody_unless_its_maker_said_so(cast: Cast, way: str) -> None:
    unnamed = over_socket(token_of(cast), cast.northlight)
    named = over_socket(token_of(cast, show_names=True), cast.northlight)
    _, told = async_to_sync(over_http)(token_of(cast), cast.northlight, way)

    assert "Scene 9" in json.dumps(unnamed)
    assert "mira" not in json.dumps(unnamed)
    assert "mira" in json.dumps(named)
    assert "Scene 9" in told
    assert "mira" not in told


def test_it_names_nobody_in_what_changes(cast: Cast, settings: Any) -> None:
    async def scenario() -> dict[str, Any]:
        screen = Screen(await sync_to_async(token_of)(cast), cast.northlight)
        await screen.first()
        from telemetry.publishing import publish

        change = Change([Fragment("server-1-exec", NAMED.replace("Scene 9", "Scene 10"))])
        await publish(team_topic(cast.northlight.pk), [Part((1, 1), change)])
        heard = await screen.hear("change")
        await screen.socket.disconnect()
        return heard

    heard = json.dumps(async_to_sync(scenario)())
    assert "Scene 10" in heard
    assert "mira" not in heard


def test_it_shows_its_own_team_and_no_other(cast: Cast) -> None:
    told = over_socket(token_of(cast), cast.southdark)

    assert (told["type"], told.get("code")) == ("error", 4404)


@pytest.mark.parametrize("way", ["events", "snapshot"])
@pytest.mark.parametrize(
    "change",
    [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}],
    ids=["revoked", "run out"],
)
def test_a_link_that_is_not_good_any_more_shows_nothing(
    cast: Cast, client: Client, change: Any, way: str
) -> None:
    token = token_of(cast)
    TvLink.objects.update(**change)

    assert client.get(f"/tv/{token}/").status_code == 404
    assert over_socket(token, cast.northlight)["code"] == 4404
    assert async_to_sync(over_http)(token, cast.northlight, way)[0] == 404


def test_an_open_screen_goes_dark_when_its_link_is_revoked(cast: Cast, settings: Any) -> None:
    settings.ACCESS_RECHECK_S = 0.05

    async def scenario() -> int:
        screen = Screen(await sync_to_async(token_of)(cast), cast.northlight)
        await screen.first()
        await TvLink.objects.aupdate(revoked_at=timezone.now())
        return await screen.closed()

    assert async_to_sync(scenario)() == 4403


def test_it_outlives_the_membership_of_who_made_it(cast: Cast) -> None:
    token = token_of(cast)
    Membership.objects.filter(user=cast.alice).delete()

    assert over_socket(token, cast.northlight)["type"] == "snapshot"

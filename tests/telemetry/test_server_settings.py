"""Settings > servers: what a team's admins do with its servers, without the site admin."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from telemetry.models import Server
from telemetry.secrets import decrypt, encrypt
from tests.cast import Cast, make_attempt, make_cast, make_device, make_environment, make_server
from tests.telemetry.standing import standing

pytestmark = pytest.mark.django_db

LIST = "/teams/northlight/settings/servers/"
ADD = f"{LIST}add/"


def signed_in(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Return the browser of the team's admin."""
    return signed_in(cast.alice)


def filled(**fields: Any) -> dict[str, Any]:
    """Return the form as a browser sends it."""
    usual = {"name": "kino-01", "url": "http://127.0.0.1:8188", "position": "0", "enabled": "on"}
    return {**usual, **fields}


def said(response: Any) -> list[str]:
    """Return the messages that the next page will show."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_it_lists_servers_with_what_they_run_on(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, name="kino-01")
    make_environment(server, comfyui_version="0.33.0")
    make_device(server, name="RTX 5090")

    page = alice.get(LIST).content.decode()

    assert all(word in page for word in ("kino-01", "0.33.0", "RTX 5090", "Not heard of yet"))


def test_it_lists_nothing_of_another_team(cast: Cast, alice: Client) -> None:
    make_server(cast.southdark, name="secret-01")

    assert "secret-01" not in alice.get(LIST).content.decode()


def test_the_list_takes_as_many_queries_for_many_servers(
    cast: Cast, alice: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_device(make_server(cast.northlight))

    with django_assert_max_num_queries(11):
        alice.get(LIST)


def test_it_adds_a_server_at_the_end_of_the_wall(cast: Cast, alice: Client) -> None:
    make_server(cast.northlight, position=4)
    place = alice.get(ADD).context["form"].initial["position"]

    response = alice.post(ADD, filled(position=str(place), bearer="t0ken"))

    assert response.headers["Location"] == LIST
    server = Server.objects.get(name="kino-01")
    assert (server.team, server.position) == (cast.northlight, 5)
    assert decrypt(server.bearer_encrypted) == "t0ken"


def test_it_adds_to_no_team_that_a_form_names(cast: Cast, alice: Client) -> None:
    alice.post(ADD, filled(team=str(cast.southdark.pk)))

    assert Server.objects.get(name="kino-01").team == cast.northlight


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://169.254.169.254"}, "never connected to"),
        ({"url": "ftp://gpu"}, "is not a ComfyUI address"),
        ({"bearer": "a", "basic_user": "b", "basic_password": "c"}, "one of them"),
        ({"basic_user": "b"}, "Enter the password too"),
        ({"authorities": "nonsense"}, "no PEM certificate"),
        ({"name": "taken"}, "a server with this name already"),
        ({"url": "taken:8188"}, "a server with this address already"),
    ],
)
def test_it_says_what_is_wrong_and_saves_nothing(
    fields: dict[str, str], words: str, cast: Cast, alice: Client
) -> None:
    make_server(cast.northlight, name="taken", url="http://taken:8188")

    response = alice.post(ADD, filled(**fields))

    assert response.status_code == 200
    assert words in response.content.decode()
    assert Server.objects.count() == 1


def test_it_never_shows_a_secret(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, bearer_encrypted=encrypt("t0ken"))

    page = alice.get(f"{LIST}{server.pk}/").content.decode()

    assert "Bearer token: set." in page
    assert "t0ken" not in page
    assert server.bearer_encrypted not in page


def test_it_renames_a_server_and_keeps_its_secret(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, bearer_encrypted=encrypt("t0ken"))

    alice.post(f"{LIST}{server.pk}/", filled(name="new name", url=server.url))

    server.refresh_from_db()
    assert (server.name, decrypt(server.bearer_encrypted)) == ("new name", "t0ken")


def test_it_titles_a_page_of_errors_with_the_name_that_is_saved(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, name="kino-07")

    page = alice.post(f"{LIST}{server.pk}/", filled(name="", url="")).content.decode()

    assert "Edit kino-07" in page


def test_it_switches_a_server_off_and_on(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight)

    for enabled in (False, True):
        alice.post(f"{LIST}{server.pk}/switch/", {"enabled": str(int(enabled))})
        server.refresh_from_db()
        assert server.enabled is enabled


def test_it_says_what_stays_before_it_deletes(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight)

    page = alice.get(f"{LIST}{server.pk}/delete/").content.decode()

    assert "The history stays" in page
    server.refresh_from_db()
    assert server.deleted_at is None


def test_it_deletes_only_what_is_named(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, name="kino-01")

    response = alice.post(f"{LIST}{server.pk}/delete/", {"name": "kino-02"})

    assert "Nothing was deleted" in response.content.decode()
    server.refresh_from_db()
    assert server.deleted_at is None


def test_it_deletes_a_server_and_keeps_its_history(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight, name="kino-01", bearer_encrypted=encrypt("t0ken"))
    attempt = make_attempt(server)

    response = alice.post(f"{LIST}{server.pk}/delete/", {"name": "kino-01"})

    assert said(response) == ["kino-01 is deleted. Its history stays."]
    server.refresh_from_db()
    attempt.refresh_from_db()
    assert server.deleted_at is not None
    assert (server.bearer_encrypted, attempt.server) == ("", server)


def test_a_deleted_server_has_no_page(cast: Cast, alice: Client) -> None:
    server = make_server(cast.northlight)
    alice.post(f"{LIST}{server.pk}/delete/", {"name": server.name})

    assert alice.get(f"{LIST}{server.pk}/").status_code == 404


def test_a_server_of_another_team_has_no_page_below_ours(cast: Cast, alice: Client) -> None:
    server = make_server(cast.southdark)

    assert alice.get(f"{LIST}{server.pk}/").status_code == 404


def test_it_tries_what_stands_in_the_form_and_saves_nothing(alice: Client) -> None:
    with standing(token="t0ken") as (simulator, _):
        form = filled(url=simulator.url, bearer="t0ken", simulated="on", test="1")
        page = alice.post(ADD, form).content.decode()

    assert "It can be watched." in page
    assert 'value="kino-01"' in page
    assert "t0ken" not in page
    assert not Server.objects.exists()


def test_it_tries_with_the_stored_secret_where_none_is_typed(cast: Cast, alice: Client) -> None:
    with standing(token="t0ken") as (simulator, _):
        server = make_server(cast.northlight, bearer_encrypted=encrypt("t0ken"))
        form = filled(url=simulator.url, simulated="on", test="1")
        page = alice.post(f"{LIST}{server.pk}/", form).content.decode()

    assert "The credentials are accepted." in page
    before = server.url
    server.refresh_from_db()
    assert server.url == before


def test_it_answers_htmx_with_the_list_alone(alice: Client) -> None:
    form = filled(url="http://127.0.0.1:9", test="1")

    page = alice.post(ADD, form, headers={"hx-request": "true"}).content.decode()

    assert "Connection refused" in page
    assert "<html" not in page


def test_it_asks_nobody_while_the_form_is_wrong(alice: Client) -> None:
    page = alice.post(ADD, filled(url="nonsense://", test="1")).content.decode()

    assert "Nothing was asked." in page

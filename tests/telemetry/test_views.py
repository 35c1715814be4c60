"""telemetry/views.py: signing in, the way home, and claiming a client_id."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from telemetry.models import ClientClaim, Membership
from telemetry.sign_in import make_link_token
from tests.cast import join, make_cast, make_claim, make_team, make_user

pytestmark = pytest.mark.django_db

CLAIM = "/teams/northlight/client-ids/"


def signed_in(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def said(response: Any) -> list[str]:
    """Return the messages that the next page will show."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_home_leads_to_the_first_team() -> None:
    cast = make_cast()
    join(make_team("Aurora"), cast.bob)

    response = signed_in(cast.bob).get("/")

    assert response.headers["Location"] == "/teams/aurora/live/"


def test_home_tells_who_is_in_no_team_so() -> None:
    response = signed_in(make_user("newcomer")).get("/")

    assert response.status_code == 200
    assert "telemetry/no_team.html" in [template.name for template in response.templates]


def test_home_asks_the_anonymous_to_sign_in(client: Client) -> None:
    response = client.get("/")

    assert response.headers["Location"] == "/login/?next=/"


def test_live_shows_a_member_the_wall() -> None:
    cast = make_cast()

    response = signed_in(cast.bob).get("/teams/northlight/live/")

    assert response.status_code == 200
    assert response.context["team"] == cast.northlight


def test_live_tells_the_page_the_role_of_who_looks() -> None:
    cast = make_cast()

    response = signed_in(cast.olga).get("/teams/northlight/live/")

    assert response.context["membership"].role == "operator"


def test_the_link_shows_whom_it_signs_in(client: Client) -> None:
    bob = make_user("bob")

    response = client.get(f"/sign-in/{make_link_token(bob, timedelta(hours=1))}/")

    assert response.context["user_to_sign_in"] == bob
    assert not response.context["expired"]


def test_the_link_signs_nobody_in_by_being_looked_at(client: Client) -> None:
    client.get(f"/sign-in/{make_link_token(make_user('bob'), timedelta(hours=1))}/")

    assert "_auth_user_id" not in client.session


def test_the_link_signs_in_at_the_press_of_the_button(client: Client) -> None:
    bob = make_user("bob")

    response = client.post(f"/sign-in/{make_link_token(bob, timedelta(hours=1))}/")

    assert response.headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(bob.pk)


def test_the_link_begins_a_new_session(client: Client) -> None:
    client.force_login(make_user("olga"))
    before = client.session.session_key

    client.post(f"/sign-in/{make_link_token(make_user('bob'), timedelta(hours=1))}/")

    assert client.session.session_key != before


def test_the_link_says_when_it_was_used_before(client: Client) -> None:
    path = f"/sign-in/{make_link_token(make_user('bob'), timedelta(hours=1))}/"
    Client().post(path)

    response = client.post(path)

    assert response.status_code == 410
    assert response.context["expired"]
    assert "_auth_user_id" not in client.session


def test_the_link_is_kept_by_no_cache(client: Client) -> None:
    response = client.get("/sign-in/whatever/")

    assert "no-store" in response.headers["Cache-Control"]


def test_a_member_claims_a_client_id() -> None:
    cast = make_cast()

    response = signed_in(cast.bob).post(CLAIM, {"client_id": "bobs-laptop"})

    claim = ClientClaim.objects.get()
    assert (claim.team, claim.user, claim.client_id) == (cast.northlight, cast.bob, "bobs-laptop")
    assert said(response) == ["bobs-laptop is yours now."]


def test_a_member_may_claim_what_is_already_claimed_by_the_same() -> None:
    cast = make_cast()
    make_claim(cast.northlight, cast.bob, client_id="bobs-laptop")

    response = signed_in(cast.bob).post(CLAIM, {"client_id": "bobs-laptop"})

    assert said(response) == ["bobs-laptop is yours now."]


def test_a_claim_says_whose_the_client_id_is_already() -> None:
    cast = make_cast()
    make_claim(cast.northlight, cast.olga, client_id="farm")

    response = signed_in(cast.bob).post(CLAIM, {"client_id": "farm"})

    assert said(response) == ["farm is already claimed by olga."]
    assert ClientClaim.objects.get().user == cast.olga


def test_a_claim_ends_with_the_membership_of_who_made_it() -> None:
    cast = make_cast()
    make_claim(cast.northlight, cast.olga, client_id="farm")
    Membership.objects.filter(user=cast.olga).delete()

    signed_in(cast.bob).post(CLAIM, {"client_id": "farm"})

    assert ClientClaim.objects.get().user == cast.bob


def test_a_claim_of_another_team_stands_in_nobodys_way() -> None:
    cast = make_cast()
    make_claim(cast.southdark, cast.mallory, client_id="farm")

    response = signed_in(cast.bob).post(CLAIM, {"client_id": "farm"})

    assert said(response) == ["farm is yours now."]
    assert ClientClaim.objects.count() == 2


@pytest.mark.parametrize("client_id", ["", "   ", "x" * 201])
def test_a_claim_needs_a_client_id_of_usable_length(client_id: str) -> None:
    cast = make_cast()

    response = signed_in(cast.bob).post(CLAIM, {"client_id": client_id})

    assert said(response) == ["Name the client_id: 1 to 200 characters."]
    assert not ClientClaim.objects.exists()


def test_a_member_releases_a_client_id() -> None:
    cast = make_cast()
    make_claim(cast.northlight, cast.bob, client_id="bobs-laptop")

    response = signed_in(cast.bob).post(CLAIM, {"client_id": "bobs-laptop", "release": "on"})

    assert said(response) == ["bobs-laptop is no longer yours."]
    assert not ClientClaim.objects.exists()


def test_nobody_releases_what_somebody_else_claimed() -> None:
    cast = make_cast()
    make_claim(cast.northlight, cast.olga, client_id="farm")

    response = signed_in(cast.alice).post(CLAIM, {"client_id": "farm", "release": "on"})

    assert said(response) == ["farm is not claimed by you."]
    assert ClientClaim.objects.exists()


def test_signing_in_leads_home(client: Client) -> None:
    bob = make_cast().bob
    bob.set_password("correct horse battery")
    bob.save()

    response = client.post("/login/", {"username": "bob", "password": "correct horse battery"})

    assert response.headers["Location"] == "/"


def test_signing_in_with_a_wrong_password_stays_on_the_page(client: Client) -> None:
    make_cast()

    response = client.post("/login/", {"username": "bob", "password": "wrong"})

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_signing_out_ends_the_session() -> None:
    bob = signed_in(make_cast().bob)

    bob.post("/logout/")

    assert "_auth_user_id" not in bob.session


def test_a_new_password_ends_the_sessions_of_other_browsers() -> None:
    cast = make_cast()
    cast.bob.set_password("correct horse battery")
    cast.bob.save()
    here, there = signed_in(cast.bob), signed_in(cast.bob)

    here.post(
        "/password/",
        {
            "old_password": "correct horse battery",
            "new_password1": "staple of a different kind",
            "new_password2": "staple of a different kind",
        },
    )

    assert here.get("/").headers["Location"] == "/teams/northlight/live/"
    assert there.get("/").headers["Location"] == "/login/?next=/"


def test_who_has_a_password_must_know_it_to_change_it() -> None:
    cast = make_cast()
    cast.bob.set_password("correct horse battery")
    cast.bob.save()
    new = {"new_password1": "staple of a different kind"}

    response = signed_in(cast.bob).post(
        "/password/", {**new, "new_password2": new["new_password1"]}
    )

    cast.bob.refresh_from_db()
    assert "old_password" in response.context["form"].errors
    assert cast.bob.check_password("correct horse battery")


def test_who_came_by_a_link_sets_a_first_password() -> None:
    cast = make_cast()
    new = {"new_password1": "staple of a different kind"}

    signed_in(cast.bob).post("/password/", {**new, "new_password2": new["new_password1"]})

    cast.bob.refresh_from_db()
    assert cast.bob.check_password("staple of a different kind")


def test_numbers_of_the_connection_are_for_staff(client: Client) -> None:
    cast = make_cast()
    cast.bob.is_staff = True
    cast.bob.save()
    found = {}
    for user in (cast.bob, cast.olga):
        client.force_login(user)
        response = client.get("/teams/northlight/live/")
        found[user.username] = 'id="live-debug"' in response.content.decode()

    assert found == {"bob": True, "olga": False}

"""telemetry/token_views.py: Settings > API tokens."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from telemetry.models import ApiToken, Scope
from telemetry.tokens import revoke, token_of
from tests.api import member, signed_in, token_text
from tests.cast import NOON, Cast, make_api_token, make_cast

pytestmark = pytest.mark.django_db

PAGE = "/teams/northlight/settings/tokens/"
ASKED = {"name": "nightly-report", "scope": "read", "days": "30"}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def names(response: Any) -> list[str]:
    return [row["token"].name for row in response.context["rows"]]


def test_it_makes_a_token_and_shows_it(cast: Cast) -> None:
    response = signed_in(cast.bob).post(PAGE, ASKED)

    token = token_of(response.context["text"])
    assert token is not None
    assert token.membership == member(cast.bob, cast.northlight)
    assert response.context["text"] in response.content.decode()


def test_it_shows_it_once(cast: Cast) -> None:
    bob = signed_in(cast.bob)
    text = bob.post(PAGE, ASKED).context["text"]

    assert text not in bob.get(PAGE).content.decode()


def test_the_answer_is_kept_by_no_cache(cast: Cast) -> None:
    assert "no-store" in signed_in(cast.bob).post(PAGE, ASKED).headers["Cache-Control"]


def test_it_offers_ninety_days(cast: Cast) -> None:
    assert signed_in(cast.bob).get(PAGE).context["form"]["days"].value() == "90"


@pytest.mark.parametrize(("days", "until"), [("30", timedelta(days=30)), ("", None)])
def test_a_token_expires_as_it_was_asked_to(cast: Cast, days: str, until: timedelta | None) -> None:
    signed_in(cast.bob).post(PAGE, {**ASKED, "days": days})

    expires_at = ApiToken.objects.get().expires_at
    if until is None:
        assert expires_at is None
    else:
        assert abs(expires_at - timezone.now() - until) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "Give the token a name."),
        ({"name": "n" * 61}, "at most 60 characters"),
        ({"scope": "all"}, "not one of the available choices"),
        ({"scope": "write"}, "needs the role operator"),
        ({"days": "-1"}, "not one of the available choices"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_what_was_written(
    cast: Cast, wrong: dict[str, str], says: str
) -> None:
    response = signed_in(cast.bob).post(PAGE, {**ASKED, **wrong})

    assert says in response.content.decode()
    assert response.context["form"]["name"].value() == {**ASKED, **wrong}["name"]
    assert not ApiToken.objects.exists()


def test_a_member_sees_their_own_tokens(cast: Cast) -> None:
    make_api_token(member(cast.bob, cast.northlight), name="bob's")
    make_api_token(member(cast.olga, cast.northlight), name="olga's")

    assert names(signed_in(cast.bob).get(PAGE)) == ["bob's"]


def test_a_team_admin_sees_all_of_the_teams(cast: Cast) -> None:
    make_api_token(member(cast.bob, cast.northlight), name="bob's")
    make_api_token(member(cast.mallory, cast.southdark), name="mallory's")

    assert names(signed_in(cast.alice).get(PAGE)) == ["bob's"]


def test_many_tokens_take_as_many_queries_as_one(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make_api_token(member(cast.bob, cast.northlight))
    alice = signed_in(cast.alice)

    with django_assert_max_num_queries(8):
        alice.get(PAGE)


def test_it_lists_what_ended_lately_as_such(cast: Cast) -> None:
    bob, lately = member(cast.bob, cast.northlight), timezone.now() - timedelta(days=1)
    make_api_token(bob, expires_at=lately)
    make_api_token(bob, revoked_at=lately)
    make_api_token(bob, name="long gone", expires_at=NOON)

    response = signed_in(cast.bob).get(PAGE)

    assert "Expired" in response.content.decode()
    assert "Revoked" in response.content.decode()
    assert "long gone" not in names(response)


def test_a_member_revokes_their_own_token(cast: Cast) -> None:
    text = token_text(cast.bob, cast.northlight)

    signed_in(cast.bob).post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/")

    assert token_of(text) is None


def test_a_team_admin_revokes_anybodys_token(cast: Cast) -> None:
    text = token_text(cast.olga, cast.northlight, Scope.WRITE)

    signed_in(cast.alice).post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/")

    assert token_of(text) is None


def test_nobody_revokes_a_token_through_another_team(cast: Cast) -> None:
    token = make_api_token(member(cast.bob, cast.northlight))

    response = signed_in(cast.mallory).post(f"/teams/southdark/settings/tokens/{token.pk}/revoke/")

    assert response.status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_revoking_twice_changes_nothing(cast: Cast) -> None:
    token = make_api_token(member(cast.bob, cast.northlight))
    revoke(token, NOON)

    signed_in(cast.bob).post(f"{PAGE}{token.pk}/revoke/")

    assert ApiToken.objects.get().revoked_at == NOON

"""telemetry/tokens.py: API tokens, from being made to opening nothing any more."""

from datetime import timedelta
from typing import Any

import pytest

from telemetry import tokens
from telemetry.models import ApiToken, Membership, Role, Scope
from tests.cast import NOON, Cast, join, make_api_token, make_cast, make_team

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def of(cast: Cast, name: str) -> Membership:
    return Membership.objects.get(team=cast.northlight, user=getattr(cast, name))


def made(membership: Membership, **fields: Any) -> tuple[ApiToken, str]:
    usual = {"name": "report", "scope": Scope.READ, "expires_at": None}
    return tokens.make_token(membership, **{**usual, **fields})


def may_listen(token_id, team_id):
    """Say whether what was opened with a token may go on listening to a team."""
    return team_id in tokens.tokens_allowed([token_id]).get(token_id, ())


def test_it_gives_the_token_for_its_text(cast: Cast) -> None:
    token, text = made(of(cast, "bob"))

    found = tokens.token_of(text)

    assert found == token
    assert found.membership.user == cast.bob


def test_it_asks_once_for_a_token_and_its_team_and_owner(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    _, text = made(of(cast, "bob"))
    tokens.token_of(text)

    with django_assert_num_queries(1):
        found = tokens.token_of(text)
        assert found is not None
        assert (found.membership.team, found.membership.user) == (cast.northlight, cast.bob)


def test_it_keeps_of_the_text_only_a_digest_and_its_beginning(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))

    [kept] = ApiToken.objects.values()

    assert text not in str(kept)
    assert kept["prefix"] == text[:11]
    assert text[11:] not in str(kept)


def test_it_shows_of_a_token_its_beginning(cast: Cast) -> None:
    token, text = made(of(cast, "bob"))

    assert str(token) == f"{text[:11]}…"


def test_it_makes_a_token_that_nobody_guesses(cast: Cast) -> None:
    texts = {made(of(cast, "bob"))[1] for _ in range(3)}

    assert len({text[11:] for text in texts}) == 3
    assert all(len(text) == 43 for text in texts)


@pytest.mark.parametrize(
    "text", ["", "sw_", "sw_" + "a" * 40, "Bearer x", "sw_" + "a" * 39 + "\0", "ü" * 43, "a" * 9999]
)
def test_it_knows_no_other_text(cast: Cast, text: str) -> None:
    made(of(cast, "bob"))

    assert tokens.token_of(text) is None


def test_it_refuses_a_right_beginning_with_a_wrong_end(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))
    last = "a" if text[-1] != "a" else "b"

    assert tokens.token_of(text[:-1] + last) is None


def test_it_accepts_a_token_until_it_expires(cast: Cast) -> None:
    _, text = made(of(cast, "bob"), expires_at=NOON)

    assert tokens.token_of(text, NOON - timedelta(seconds=1))
    assert tokens.token_of(text, NOON) is None


def test_it_refuses_a_token_that_was_revoked(cast: Cast) -> None:
    token, text = made(of(cast, "bob"))

    tokens.revoke(token, NOON)

    assert tokens.token_of(text) is None


def test_it_keeps_when_a_token_was_first_revoked(cast: Cast) -> None:
    token, _ = made(of(cast, "bob"))
    tokens.revoke(token, NOON)

    tokens.revoke(token, NOON + DAY)

    assert ApiToken.objects.get().revoked_at == NOON


def test_it_refuses_the_token_of_a_user_who_was_deactivated(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))
    cast.bob.is_active = False
    cast.bob.save()

    assert tokens.token_of(text) is None


def test_a_token_ends_with_the_membership_also_when_its_owner_comes_back(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))
    of(cast, "bob").delete()
    join(cast.northlight, cast.bob)

    assert tokens.token_of(text) is None


def test_it_notes_when_a_token_was_used(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))

    tokens.token_of(text, NOON)

    assert ApiToken.objects.get().last_used_at == NOON


def test_it_notes_a_use_once_a_minute_at_most(cast: Cast, django_assert_num_queries: Any) -> None:
    _, text = made(of(cast, "bob"))
    tokens.token_of(text, NOON)

    with django_assert_num_queries(1):
        tokens.token_of(text, NOON + timedelta(seconds=59))

    tokens.token_of(text, NOON + timedelta(seconds=60))
    assert ApiToken.objects.get().last_used_at == NOON + timedelta(seconds=60)


def test_it_notes_no_use_of_a_token_that_was_refused(cast: Cast) -> None:
    _, text = made(of(cast, "bob"))

    tokens.token_of(text[:-4] + "0000")

    assert ApiToken.objects.get().last_used_at is None


@pytest.mark.parametrize(
    ("scope", "includes"),
    [("read", {"read"}), ("write", {"read", "write"}), ("ingest", {"ingest"})],
)
def test_a_token_may_what_its_scope_includes(cast: Cast, scope: str, includes: set[str]) -> None:
    token, _ = made(of(cast, "olga"), scope=Scope(scope))

    assert {s.value for s in Scope if token.may(s)} == includes


@pytest.mark.parametrize("scope", [Scope.WRITE, Scope.INGEST])
def test_a_viewer_makes_no_token_that_does_more_than_read(cast: Cast, scope: Scope) -> None:
    with pytest.raises(tokens.RoleTooLow, match="needs the role operator; bob is viewer"):
        made(of(cast, "bob"), scope=scope)

    assert not ApiToken.objects.exists()


def test_a_token_does_no_more_than_its_owner_may_now(cast: Cast) -> None:
    token, _ = made(of(cast, "olga"), scope=Scope.WRITE)
    token.membership.role = Role.VIEWER

    assert token.may(Scope.READ)
    assert not token.may(Scope.WRITE)


def test_a_socket_may_stay_open_while_its_token_is_good(cast: Cast) -> None:
    token, _ = made(of(cast, "bob"))

    assert may_listen(token.pk, cast.northlight.pk)


def test_a_socket_is_asked_about_with_one_query(cast: Cast, django_assert_num_queries: Any) -> None:
    token, _ = made(of(cast, "bob"))

    with django_assert_num_queries(1):
        may_listen(token.pk, cast.northlight.pk)


def test_many_sockets_are_asked_about_at_once(cast: Cast, django_assert_num_queries: Any) -> None:
    good, _ = made(of(cast, "bob"))
    ended, _ = made(of(cast, "olga"))
    tokens.revoke(ended, NOON)
    foreign, _ = made(Membership.objects.get(team=cast.southdark))

    with django_assert_num_queries(1):
        allowed = tokens.tokens_allowed([good.pk, ended.pk, foreign.pk, 2**40])

    assert allowed == {
        good.pk: frozenset([cast.northlight.pk]),
        foreign.pk: frozenset([cast.southdark.pk]),
    }


def test_a_socket_may_not_listen_to_another_team_of_the_owner(cast: Cast) -> None:
    token, _ = made(of(cast, "bob"))
    other = make_team("Aurora")
    join(other, cast.bob)

    assert not may_listen(token.pk, other.pk)


def _revoke(token: ApiToken) -> None:
    tokens.revoke(token, NOON)


def _leave(token: ApiToken) -> None:
    token.membership.delete()


def _deactivate(token: ApiToken) -> None:
    token.membership.user.is_active = False
    token.membership.user.save()


def _expire(token: ApiToken) -> None:
    ApiToken.objects.update(expires_at=NOON)


@pytest.mark.parametrize("happening", [_revoke, _leave, _deactivate, _expire])
def test_a_socket_may_not_outlive_its_token(cast: Cast, happening: Any) -> None:
    token, _ = made(of(cast, "bob"))

    happening(token)

    assert not may_listen(token.pk, cast.northlight.pk)


def test_a_token_that_only_ingests_keeps_no_socket_open(cast: Cast) -> None:
    token, _ = made(of(cast, "olga"), scope=Scope.INGEST)

    assert not may_listen(token.pk, cast.northlight.pk)


def test_it_says_since_when_a_token_opens_nothing(cast: Cast) -> None:
    ended = make_api_token(of(cast, "bob"), expires_at=NOON, revoked_at=NOON - DAY)

    assert ended.ended_at(NOON - 2 * DAY) is None
    assert ended.ended_at(NOON) == NOON - DAY


def test_it_deletes_tokens_that_ended_a_month_ago(cast: Cast) -> None:
    bob, month = of(cast, "bob"), timedelta(days=30)
    make_api_token(bob, name="expired", expires_at=NOON)
    make_api_token(bob, name="revoked", revoked_at=NOON)
    make_api_token(bob, name="endless")
    make_api_token(bob, name="lately", expires_at=NOON + DAY)

    assert tokens.delete_ended(NOON + month + timedelta(seconds=1)) == 2

    assert {token.name for token in ApiToken.objects.all()} == {"endless", "lately"}

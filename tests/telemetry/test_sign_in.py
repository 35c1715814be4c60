"""telemetry/sign_in.py: links that sign in once."""

from datetime import timedelta

import pytest

from telemetry import sign_in
from telemetry.models import SignInLink
from tests.cast import make_user

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_it_gives_the_user_for_the_token() -> None:
    bob = make_user("bob")

    token = sign_in.make_link_token(bob, HOUR)

    assert sign_in.use(token) == bob


def test_it_keeps_only_a_digest_of_the_token() -> None:
    token = sign_in.make_link_token(make_user("bob"), HOUR)

    [kept] = SignInLink.objects.values()

    assert token not in str(kept)


def test_it_makes_a_token_that_nobody_guesses() -> None:
    bob = make_user("bob")

    tokens = {sign_in.make_link_token(bob, HOUR) for _ in range(3)}

    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)


def test_it_accepts_a_token_once() -> None:
    token = sign_in.make_link_token(make_user("bob"), HOUR)
    sign_in.use(token)

    assert sign_in.use(token) is None


def test_it_refuses_a_token_that_has_run_out() -> None:
    token = sign_in.make_link_token(make_user("bob"), timedelta(seconds=-1))

    assert sign_in.use(token) is None


def test_it_refuses_a_token_that_was_never_made() -> None:
    sign_in.make_link_token(make_user("bob"), HOUR)

    assert sign_in.use("invented") is None


def test_it_refuses_the_token_of_a_user_who_was_deactivated() -> None:
    token = sign_in.make_link_token(make_user("bob", is_active=False), HOUR)

    assert sign_in.use(token) is None


def test_it_does_not_use_a_token_up_by_looking() -> None:
    bob = make_user("bob")
    token = sign_in.make_link_token(bob, HOUR)

    assert sign_in.peek(token) == bob
    assert sign_in.peek(token) == bob
    assert sign_in.use(token) == bob


def test_it_sees_nobody_behind_a_token_that_was_used() -> None:
    token = sign_in.make_link_token(make_user("bob"), HOUR)
    sign_in.use(token)

    assert sign_in.peek(token) is None


def test_it_lets_one_of_two_uses_win() -> None:
    bob = make_user("bob")
    token = sign_in.make_link_token(bob, HOUR)

    # Both have looked and found the token good before either uses it.
    looked = [sign_in.peek(token), sign_in.peek(token)]
    used = [sign_in.use(token), sign_in.use(token)]

    assert looked == [bob, bob]
    assert used == [bob, None]

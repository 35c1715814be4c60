"""telemetry/access.py: who reaches what, and which sockets may stay open."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.utils import timezone

from telemetry.access import OpenSession, server_for, sessions_allowed, team_for, teams_for
from telemetry.models import Membership, Role
from tests.cast import make_cast, make_server

pytestmark = pytest.mark.django_db


def test_it_lists_the_teams_of_a_member() -> None:
    cast = make_cast()

    assert list(teams_for(cast.bob)) == [cast.northlight]


def test_it_lists_no_teams_of_the_anonymous() -> None:
    make_cast()

    assert not teams_for(AnonymousUser())


def test_it_lists_no_teams_of_a_member_who_was_deactivated() -> None:
    cast = make_cast()
    cast.bob.is_active = False

    assert not teams_for(cast.bob)


def test_it_gives_a_member_the_team_and_the_role() -> None:
    cast = make_cast()

    membership = team_for(cast.olga, "northlight")

    assert membership.team == cast.northlight
    assert membership.role == Role.OPERATOR


@pytest.mark.parametrize("name", ["mallory", "root"])
def test_it_hides_a_team_from_outsiders(name: str) -> None:
    cast = make_cast()

    with pytest.raises(Http404):
        team_for(getattr(cast, name), "northlight")


def test_it_hides_a_team_from_the_anonymous() -> None:
    make_cast()

    with pytest.raises(Http404):
        team_for(AnonymousUser(), "northlight")


def test_it_hides_a_team_from_a_member_who_was_deactivated() -> None:
    cast = make_cast()
    cast.bob.is_active = False

    with pytest.raises(Http404):
        team_for(cast.bob, "northlight")


def test_it_answers_a_missing_team_as_it_answers_a_hidden_one() -> None:
    cast = make_cast()

    with pytest.raises(Http404) as missing:
        team_for(cast.mallory, "nowhere")
    with pytest.raises(Http404) as hidden:
        team_for(cast.mallory, "northlight")

    assert missing.value.args == hidden.value.args


@pytest.mark.parametrize(
    ("name", "role", "enough"),
    [
        ("bob", Role.VIEWER, True),
        ("bob", Role.OPERATOR, False),
        ("bob", Role.ADMIN, False),
        ("olga", Role.VIEWER, True),
        ("olga", Role.OPERATOR, True),
        ("olga", Role.ADMIN, False),
        ("alice", Role.VIEWER, True),
        ("alice", Role.OPERATOR, True),
        ("alice", Role.ADMIN, True),
    ],
)
def test_it_refuses_a_member_whose_role_is_too_low(name: str, role: Role, enough: bool) -> None:
    cast = make_cast()
    server = make_server(cast.northlight)

    if enough:
        assert server_for(getattr(cast, name), server.pk, role) == server
    else:
        with pytest.raises(PermissionDenied):
            server_for(getattr(cast, name), server.pk, role)


def test_it_hides_a_server_from_outsiders() -> None:
    cast = make_cast()
    server = make_server(cast.northlight)

    with pytest.raises(Http404):
        server_for(cast.mallory, server.pk)


def test_it_hides_a_server_from_an_outsider_whatever_role_is_asked_for() -> None:
    cast = make_cast()
    server = make_server(cast.northlight)

    with pytest.raises(Http404):
        server_for(cast.mallory, server.pk, Role.ADMIN)


def test_it_answers_404_for_a_server_that_is_not_there() -> None:
    cast = make_cast()

    with pytest.raises(Http404):
        server_for(cast.alice, 12345)


def open_session(user: User) -> OpenSession:
    """Return what a connection of the user knows of itself from when it was opened."""
    client = Client()
    client.force_login(user)
    return OpenSession(client.session.session_key, user.pk, client.session[HASH_SESSION_KEY])


def teams_left(session: OpenSession) -> frozenset[int] | None:
    """Return the teams that a connection may still listen to; None where to nothing at all."""
    return sessions_allowed([session]).get(session)


def test_it_lets_the_connections_of_members_go_on(django_assert_num_queries: Any) -> None:
    cast = make_cast()
    sessions = [open_session(user) for user in (cast.bob, cast.bob, cast.olga, cast.mallory)]

    with django_assert_num_queries(3):
        allowed = sessions_allowed(sessions)

    assert [cast.northlight.pk in allowed[each] for each in sessions] == [True, True, True, False]


def test_it_leaves_who_left_the_team_nothing_of_it() -> None:
    cast = make_cast()
    session = open_session(cast.bob)

    Membership.objects.filter(user=cast.bob).delete()

    assert teams_left(session) == frozenset()


def test_it_ends_the_connection_of_a_session_that_is_gone() -> None:
    session = open_session(make_cast().bob)

    Session.objects.all().delete()

    assert teams_left(session) is None


def test_it_ends_the_connection_of_a_session_that_has_run_out() -> None:
    session = open_session(make_cast().bob)

    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert teams_left(session) is None


def test_it_ends_the_connection_of_a_session_that_is_somebody_elses() -> None:
    cast = make_cast()
    session = open_session(cast.bob)

    assert teams_left(replace(session, user_id=cast.olga.pk)) is None


def test_it_ends_the_connection_of_who_changed_the_password() -> None:
    cast = make_cast()
    session = open_session(cast.bob)

    cast.bob.set_unusable_password()
    cast.bob.save()

    assert teams_left(session) is None


def test_it_ends_the_connection_of_who_was_deactivated() -> None:
    cast = make_cast()
    session = open_session(cast.bob)

    cast.bob.is_active = False
    cast.bob.save()

    assert teams_left(session) is None

"""The only way from a person to an object: one function per type, from pages, sockets and tasks.

An outsider gets Http404, whether or not the object exists; a member whose role is too low gets
PermissionDenied. Being a superuser makes nobody a member: the site admin has the Django admin, and
sees a team's pages only where a team has put them on its list, like everybody else.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from telemetry.models import ApiToken, Membership, Role, Server, Team, TvLink

Person = AbstractBaseUser | AnonymousUser

# A screen that hangs for years need not write a row every twenty seconds.
TV_SEEN = timedelta(minutes=1)


def teams_for(user: Person) -> QuerySet[Team]:
    """Return the teams that the user is a member of."""
    if not user.is_active:
        return Team.objects.none()
    return Team.objects.filter(memberships__user_id=user.pk)


def memberships_of(user: Person) -> QuerySet[Membership]:
    """Return the user's memberships by the teams' names; their teams are loaded."""
    own = Membership.objects.select_related("team", "user").order_by("team__name")
    if user.pk is None or not user.is_active:
        return own.none()
    return own.filter(user_id=user.pk)


def team_for(user: Person, slug: str, role: Role = Role.VIEWER) -> Membership:
    """Return the user's membership of the team with this slug; its `team` is loaded."""
    return _membership(user, Q(team__slug=slug), role)


def team_of(user: Person, team_id: int, role: Role = Role.VIEWER) -> Membership:
    """Return the user's membership of the team that owns an object; its `team` is loaded."""
    return _membership(user, Q(team_id=team_id), role)


def server_for(user: Person, pk: int, role: Role = Role.VIEWER) -> Server:
    """Return the server; its `team` is loaded. A deleted one is not there."""
    server = Server.objects.kept().select_related("team").filter(pk=pk).first()
    if server is None:
        raise Http404
    team_of(user, server.team_id, role)
    return server


def tv_link_in(user: Person, slug: str, pk: int) -> TvLink:
    """Return a TV link of the team with this slug, for its admins."""
    team = team_for(user, slug, Role.ADMIN).team
    link = TvLink.objects.filter(team=team, pk=pk).first()
    if link is None:
        raise Http404
    return link


def tv_link_for(token: str) -> TvLink:
    """Return the TV link with this token; its `team` is loaded. Raises Http404 where none is good.

    Who holds it may look at the team's wall, and at nothing else.
    """
    at = timezone.now()
    digest = hashlib.sha256(token.encode()).hexdigest()
    link = TvLink.objects.good(at).select_related("team").filter(token_sha256=digest).first()
    if link is None:
        raise Http404
    tv_allowed([link.pk])
    return link


def tv_allowed(link_ids: Collection[int]) -> dict[int, int]:
    """Return the team of each TV link among these that may go on showing it: two queries.

    That they were seen is noted on the way, once a minute at most.
    """
    at = timezone.now()
    good = TvLink.objects.good(at).filter(pk__in=link_ids)
    unseen = Q(last_seen_at=None) | Q(last_seen_at__lt=at - TV_SEEN)
    good.filter(unseen).update(last_seen_at=at)
    return dict(good.values_list("pk", "team_id"))


def tokens_for(membership: Membership) -> QuerySet[ApiToken]:
    """Return the API tokens that a member sees: their own, as team admin all of the team's."""
    tokens = ApiToken.objects.filter(membership__team=membership.team)
    if not membership.may(Role.ADMIN):
        tokens = tokens.filter(membership=membership)
    return tokens.select_related("membership__user", "membership__team")


def token_for(user: Person, slug: str, pk: int) -> ApiToken:
    """Return a token of the team that the user may revoke: their own, as team admin anybody's."""
    membership = team_for(user, slug)
    token = ApiToken.objects.filter(pk=pk, membership__team=membership.team).first()
    if token is None:
        raise Http404
    if token.membership_id != membership.pk and not membership.may(Role.ADMIN):
        raise PermissionDenied
    return token


def server_in(user: Person, slug: str, pk: int, role: Role = Role.VIEWER) -> Server:
    """Return the server of the team with this slug, as `server_for` does."""
    team = team_for(user, slug, role).team
    server = Server.objects.kept().select_related("team").filter(team=team, pk=pk).first()
    if server is None:
        raise Http404
    return server


def _membership(user: Person, team: Q, role: Role) -> Membership:
    """Return what every function here and in history/access.py rests on."""
    if not user.is_active:
        raise Http404
    membership = (
        Membership.objects.select_related("team", "user").filter(team, user_id=user.pk).first()
    )
    if membership is None:
        raise Http404
    if not membership.may(role):
        raise PermissionDenied
    return membership


def team_door(user: Person, pk: int) -> int:
    """Return the team whose topic team-<pk> the user may listen to."""
    return team_of(user, pk).team_id


def server_door(user: Person, pk: int) -> int:
    """Return the team of the server whose topic server-<pk> the user may listen to."""
    return server_for(user, pk).team_id


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What a connection knows of its user from when it was opened."""

    session_key: str
    user_id: int
    auth_hash: str


def sessions_allowed(sessions: Collection[OpenSession]) -> dict[OpenSession, frozenset[int]]:
    """Return the teams that open connections may still listen to: three queries in all.

    A user must still be signed in with the session that the connection was opened with (the row
    exists, has not run out and is this user's, who is active and whose password is what it was);
    who is not, is not in the answer. A changed password gives the user's own browser a new session
    as well, so that its connections close too, and open again under that.
    """
    rows = Session.objects.filter(
        session_key__in={each.session_key for each in sessions}, expire_date__gt=timezone.now()
    )
    signed_in = {row.session_key: row.get_decoded().get(SESSION_KEY) for row in rows}
    people = {user.pk: user for user in _people({each.user_id for each in sessions})}
    return {
        each: frozenset(row.team_id for row in people[each.user_id].memberships.all())
        for each in sessions
        if signed_in.get(each.session_key) == str(each.user_id)
        and each.user_id in people
        and constant_time_compare(people[each.user_id].get_session_auth_hash(), each.auth_hash)
    }


def _people(user_ids: set[int]) -> QuerySet[User]:
    people = User.objects.filter(pk__in=user_ids, is_active=True)
    return people.prefetch_related("memberships")

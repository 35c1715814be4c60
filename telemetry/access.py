"""The only way from a person to an object: one function per type, from pages, sockets and tasks.

An outsider gets Http404, whether or not the object exists; a member whose role is too low gets
PermissionDenied. Being a superuser makes nobody a member: the site admin has the Django admin, and
sees a team's pages only where a team has put them on its list, like everybody else.
"""

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from telemetry.models import Membership, Role, Server, Team

Person = AbstractBaseUser | AnonymousUser


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


def socket_allowed(session_key: str, user_id: int, auth_hash: str, slug: str) -> bool:
    """Say whether an open socket may go on listening to the team: two queries.

    Its user must still be signed in with the session that it was opened with (the row exists, has
    not run out and is this user's, who is active and whose password is what it was), and still be
    a member. A changed password gives the user's own browser a new session as well, so that its
    sockets close too, and open again under that.
    """
    session = Session.objects.filter(
        session_key=session_key, expire_date__gt=timezone.now()
    ).first()
    if session is None:
        return False
    if session.get_decoded().get(SESSION_KEY) != str(user_id):
        return False
    membership = (
        Membership.objects.select_related("user")
        .filter(team__slug=slug, user_id=user_id, user__is_active=True)
        .first()
    )
    if membership is None:
        return False
    return constant_time_compare(membership.user.get_session_auth_hash(), auth_hash)

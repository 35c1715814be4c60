"""The only way from a person to an object: one function per type, from pages, sockets and tasks.

An outsider gets Http404, whether or not the object exists; a member whose role is too low gets
PermissionDenied. Being a superuser makes nobody a member: the site admin has the Django admin, and
sees a team's pages only where a team has put them on its list, like everybody else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, Subquery
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from telemetry.models import Membership, Role, Server

Person = AbstractBaseUser | AnonymousUser


def team_for(user: Person, slug: str, role: Role = Role.VIEWER) -> Membership:
    """Return the user's membership of the team with this slug; its `team` is loaded."""
    return _membership(user, Q(team__slug=slug), role)


def team_of(user: Person, team_id: int, role: Role = Role.VIEWER) -> Membership:
    """Return the user's membership of the team that owns an object; its `team` is loaded."""
    return _membership(user, Q(team_id=team_id), role)


def server_for(user: Person, pk: int, role: Role = Role.VIEWER) -> Server:
    """Return the server; its `team` is loaded."""
    server = Server.objects.select_related("team").filter(pk=pk).first()
    if server is None:
        raise Http404
    team_of(user, server.team_id, role)
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


class Refusal(IntEnum):
    """Why a socket may not listen: the code that it is closed with."""

    SIGNED_OUT = 4401
    NOT_A_MEMBER = 4404


class SocketRefused(Exception):
    """The socket may not listen, or no longer; close it with `code`."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens to a team, and the session that it was opened with.

    The team is kept by its key: a slug may be given to another team while the socket is open.
    """

    session_key: str
    user_id: int
    auth_hash: str
    team_id: int


def listener_for(session: SessionBase, slug: str) -> Listener:
    """Return who asks, with this session, to listen to the team; raises SocketRefused."""
    key = session.session_key
    if key is None:
        raise SocketRefused(Refusal.SIGNED_OUT)
    user_id = session.get(SESSION_KEY)
    if user_id is None:
        raise SocketRefused(Refusal.SIGNED_OUT)
    auth_hash = session.get(HASH_SESSION_KEY, "")
    team_id = _listened_team(key, int(user_id), auth_hash, Q(team__slug=slug))
    return Listener(key, int(user_id), auth_hash, team_id)


def recheck(listener: Listener) -> None:
    """Raise SocketRefused unless the listener is still signed in and still a member: two queries.

    Signed in means: the session that the socket was opened with still exists, has not run out and
    is still this user's, who is active and whose password is what it was. A changed password also
    gives the user's own browser a new session, so its sockets close and open again under that.
    """
    _listened_team(
        listener.session_key, listener.user_id, listener.auth_hash, Q(team_id=listener.team_id)
    )


def _listened_team(session_key: str, user_id: int, auth_hash: str, team: Q) -> int:
    if not _session_is_of(session_key, user_id, timezone.now()):
        raise SocketRefused(Refusal.SIGNED_OUT)
    membership = Membership.objects.filter(team, user_id=OuterRef("pk"))
    user = (
        get_user_model()
        .objects.filter(pk=user_id, is_active=True)
        .annotate(listened_team=Subquery(membership.values("team_id")[:1]))
        .first()
    )
    if user is None:
        raise SocketRefused(Refusal.SIGNED_OUT)
    if not constant_time_compare(user.get_session_auth_hash(), auth_hash):
        raise SocketRefused(Refusal.SIGNED_OUT)
    if user.listened_team is None:
        raise SocketRefused(Refusal.NOT_A_MEMBER)
    return int(user.listened_team)


def _session_is_of(session_key: str, user_id: int, now: datetime) -> bool:
    row = Session.objects.filter(session_key=session_key, expire_date__gt=now).first()
    return row is not None and row.get_decoded().get(SESSION_KEY) == str(user_id)

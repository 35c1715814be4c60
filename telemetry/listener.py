"""Who listens on a connection, which topics they may enter, and whether they still may.

A topic is the permission boundary: access is checked when it is entered, and again for all
connections of the process together every ACCESS_RECHECK_S (rounds.py), not per message.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.module_loading import import_string

from telemetry.access import OpenSession, Person, sessions_allowed
from telemetry.models import Scope
from telemetry.tokens import token_of, tokens_allowed

SIGNED_OUT = 4401
NO_ACCESS = 4403
NOT_FOUND = 4404
# Not 1013, which means this: Daphne's sockets refuse to send it, and would stay open, dead.
TRY_AGAIN = 4013
TOO_MANY = 4429
BAD_REQUEST = 4400

# Asks who may enter a topic of its kind, by the object's key: returns the team that owns it, raises
# Http404 or PermissionDenied.
Door = Callable[[Person, int], int]


class Refused(Exception):
    """A connection, or a topic on it, is refused with a code that a socket is closed with."""

    def __init__(self, code: int, reason: str, wait_s: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.wait_s = wait_s


class Listener(Protocol):
    """Somebody who may listen; hashable."""

    @property
    def name(self) -> str:
        """Return whose connections are counted together."""

    async def enter(self, topic: str) -> int:
        """Return the team of a topic; raises Refused where it may not be listened to."""

    def worded(self, text: str) -> str:
        """Return a finished text as this listener may read it."""

    @classmethod
    def allowed(cls, listeners: Collection[Any]) -> "Allowed":
        """Return the teams that each may still listen to; who may no longer at all, is left out."""


# The teams that listeners may still listen to.
Allowed = dict[Any, frozenset[int]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who is signed in to the site."""

    user: Person = field(compare=False)
    session: OpenSession

    @property
    def name(self) -> str:
        """Return whose connections are counted together."""
        return f"user-{self.session.user_id}"

    @classmethod
    def of(cls, scope: dict[str, Any]) -> "SignedIn":
        """Return who opened a connection; raises Refused where nobody is signed in."""
        session, user = scope["session"], scope["user"]
        if not user.is_authenticated:
            raise Refused(SIGNED_OUT, "nobody is signed in")
        told = OpenSession(session.session_key, user.pk, session.get(HASH_SESSION_KEY, ""))
        return cls(user, told)

    async def enter(self, topic: str) -> int:
        """Return the team of a topic; raises Refused where it may not be listened to."""
        team_id: int = await database_sync_to_async(entered)(self.user, topic)
        return team_id

    def worded(self, text: str) -> str:
        """Return a finished text: members of the team read all of it."""
        return text

    @classmethod
    def allowed(cls, listeners: Collection["SignedIn"]) -> "Allowed":
        """Return the teams that each may still listen to; who is signed out, is left out."""
        teams = sessions_allowed([each.session for each in listeners])
        return {each: teams[each.session] for each in listeners if each.session in teams}


@dataclass(frozen=True, slots=True)
class Bearer:
    """A program with an API token: it listens as the member who made it, in that team alone."""

    user: Person = field(compare=False)
    token_id: int
    team_id: int

    @property
    def name(self) -> str:
        """Return whose connections are counted together."""
        return f"token-{self.token_id}"

    @classmethod
    def of(cls, text: str) -> "Bearer":
        """Return who holds a token; raises Refused where it does not open this."""
        token = token_of(text)
        if token is None:
            raise Refused(SIGNED_OUT, "this token opens nothing: unknown, expired or revoked")
        if not token.may(Scope.READ):
            raise Refused(NO_ACCESS, f"this token may {token.scope}, but not read")
        return cls(token.membership.user, token.pk, token.membership.team_id)

    async def enter(self, topic: str) -> int:
        """Return the team of a topic; raises Refused where it may not be listened to."""
        team_id: int = await database_sync_to_async(entered)(self.user, topic)
        if team_id != self.team_id:
            raise Refused(NOT_FOUND, f"{topic} is not there, or not yours")
        return team_id

    def worded(self, text: str) -> str:
        """Return a finished text: a token reads what its owner does."""
        return text

    @classmethod
    def allowed(cls, listeners: Collection["Bearer"]) -> "Allowed":
        """Return the teams that each may still listen to; who may no longer at all, is left out."""
        teams = tokens_allowed([each.token_id for each in listeners])
        return {each: teams[each.token_id] for each in listeners if each.token_id in teams}


def entered(user: Person, topic: str) -> int:
    """Return the team of a topic that the user may listen to; raises Refused."""
    kind, _, key = topic.partition("-")
    doors: dict[str, str] = settings.LIVE_DOORS
    if kind not in doors:
        raise Refused(NOT_FOUND, f"no topic begins with {kind}, only {', '.join(doors)}")
    door: Door = import_string(doors[kind])
    try:
        return door(user, int(key))
    except Http404:
        raise Refused(NOT_FOUND, f"{topic} is not there, or not yours") from None
    except PermissionDenied:
        raise Refused(NO_ACCESS, f"your role in the team does not include {topic}") from None

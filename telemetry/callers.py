"""Who asks the API: a token, or a member whose browser is signed in.

An Authorization header alone decides where there is one. The session's cookie opens what only
reads: another site could have a browser send it along with a form.
"""

from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from telemetry.access import Person, team_for, teams_for
from telemetry.api_errors import Refusal, too_many
from telemetry.clock import now
from telemetry.limits import Limit
from telemetry.models import SCOPE_ROLE, ApiToken, Membership, Scope, Team
from telemetry.tokens import token_of

NO_TOKEN = (
    "This address needs an API token.",
    "Send the header Authorization: Bearer sw_…; members make tokens under Settings > API tokens.",
)
BAD_TOKEN = (
    "The token is unknown, expired or revoked, or its owner has left the team.",
    "Make a new one under Settings > API tokens.",
)
LOW_TOKEN = (
    "The token may not do this.",
    "It needs the scope {scope}, and its owner the role {role} or a higher one.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, and the token where one was sent: it narrows what is reached to its own team."""

    user: Person
    token: ApiToken | None = None

    @property
    def key(self) -> str:
        """Return under which name requests are counted."""
        return f"token-{self.token.pk}" if self.token else f"user-{self.user.pk}"

    def team(self, slug: str | None) -> Team:
        """Return the team asked about; a token's, or the only one, need not be named.

        Raises Http404 for an outsider's or a token's other team, Refusal where one must be named.
        """
        if self.token is not None:
            team = self.token.membership.team
            if slug not in (None, team.slug):
                raise Http404
            return team
        if slug is not None:
            return team_for(self.user, slug).team
        return self._only_team()

    def member(self, slug: str | None) -> Membership:
        """Return the caller as a member of the team asked about; raises as `team` does."""
        if self.token is not None:
            self.team(slug)
            return self.token.membership
        return team_for(self.user, self.team(slug).slug if slug is None else slug)

    def _only_team(self) -> Team:
        teams = list(teams_for(self.user))
        if not teams:
            raise Http404
        if len(teams) > 1:
            known = ", ".join(team.slug for team in teams)
            raise Refusal(
                400, "You are in several teams.", hint=f"Add team=, one of: {known}.", where="team"
            )
        return teams[0]

    def see(self, team_id: int) -> None:
        """Raise Http404 where an object's team is not the token's: its owner may be in others."""
        if self.token is not None and self.token.membership.team_id != team_id:
            raise Http404


def caller_of(request: HttpRequest) -> Caller:
    """Return who asks, in a view of the API."""
    return cast(Caller, cast(Any, request).auth)


class Token(HttpBearer):
    """Let a token in whose scope and member's role include what the route needs."""

    def __init__(self, scope: Scope = Scope.READ) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller | None:
        """Return the caller, None without the header; raises Refusal where it holds nothing good.

        Ninja's own passes over a header that is no bearer's, to the session.
        """
        if "Authorization" not in request.headers:
            return None
        caller: Caller | None = super().__call__(request)
        if caller is None:
            raise _refusal(request, BAD_TOKEN)
        return caller

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """Return the caller whose token this is."""
        found = token_of(token.strip())
        if found is None:
            return None
        if not found.may(self.scope):
            message, hint = LOW_TOKEN
            role = SCOPE_ROLE[self.scope].value
            raise Refusal(403, message, hint=hint.format(scope=self.scope.value, role=role))
        return _counted(Caller(found.membership.user, found))


class Session(APIKeyCookie):
    """Let a signed-in person in, to read; raises Refusal for everybody else."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        # There is nothing to forge: this way in is for GET alone.
        super().__init__(csrf=False)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        """Return the caller who is signed in."""
        if request.method != "GET" or not request.user.is_authenticated:
            raise _refusal(request, NO_TOKEN)
        return _counted(Caller(request.user))


def _counted(caller: Caller) -> Caller:
    """Return the caller, unless it asks more often than a minute allows."""
    limit = Limit("requests", settings.API_REQUESTS_PER_MINUTE, 60)
    wait_s = limit.spend(caller.key, now())
    if wait_s is not None:
        raise too_many(f"More than {limit.most} requests in a minute.", wait_s)
    return caller


def _refusal(request: HttpRequest, why: tuple[str, str]) -> Refusal:
    """Return why nobody was let in; beyond the limit of an address, that it asks too often.

    Only what is refused is counted by address: colleagues share one.
    """
    limit = Limit("refusals", settings.API_REFUSALS_PER_HOUR, 3600)
    wait_s = limit.spend(request.META.get("REMOTE_ADDR", ""), now())
    if wait_s is None:
        message, hint = why
        return Refusal(401, message, hint=hint)
    return too_many(f"More than {limit.most} requests without a good token in an hour.", wait_s)

"""Ways into the site: links that sign in or show a wall, and tokens of programs.

Of each secret only its SHA-256 is kept.
"""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from telemetry.models.people import Membership, Role, Team


class SignInLink(models.Model):
    """A link that signs one user in once; only the SHA-256 of its token is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sign_in_links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"for {self.user}, until {self.expires_at:%d %b %H:%M}"


class TvLinkQuerySet(models.QuerySet["TvLink"]):
    """Links, narrowed by whether they are good."""

    def good(self, at: dt.datetime) -> "TvLinkQuerySet":
        """Return the links that were neither revoked nor have run out at a time."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        return self.filter(unexpired, revoked_at=None)


class TvLink(models.Model):
    """A link that shows a team's wall to whoever holds it, read-only and without signing in.

    Only the SHA-256 of its token is kept. `last_seen_at` is written once a minute at most.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="tv_links")
    name = models.CharField(max_length=60, help_text="Where it hangs: studio 2, reception.")
    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    show_names = models.BooleanField(
        "show who submitted what",
        default=False,
        help_text="Off: the names of submitters are not sent to the screen at all.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="tv_links"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)

    objects: ClassVar = TvLinkQuerySet.as_manager()

    class Meta:
        ordering = ["team", "-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.team}"

    @property
    def is_good(self) -> bool:
        """Say whether it shows anything now."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired


class Scope(models.TextChoices):
    """What an API token is for; `SCOPE_GRANTS` says what each includes."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    INGEST = "ingest", "Ingest only"


SCOPE_GRANTS = {
    Scope.READ: {Scope.READ},
    Scope.WRITE: {Scope.READ, Scope.WRITE},
    Scope.INGEST: {Scope.INGEST},
}
# A token can never do more than its member's role can.
SCOPE_ROLE = {
    Scope.READ: Role.VIEWER,
    Scope.WRITE: Role.OPERATOR,
    Scope.INGEST: Role.OPERATOR,
}


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """API tokens, narrowed by whether they still open anything."""

    def alive(self, at: dt.datetime) -> "ApiTokenQuerySet":
        """Return the tokens that are neither revoked nor expired, of users who are active."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=at)
        return self.filter(unexpired, revoked_at=None, membership__user__is_active=True)


class ApiToken(models.Model):
    """A program's way in, as one member of one team; it ends with the membership.

    Only the SHA-256 of the text is kept. `prefix` is its beginning: shown, and what it is found by.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16, unique=True)
    token_sha256 = models.CharField(max_length=64)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="Noted once a minute at most.")

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def may(self, scope: Scope) -> bool:
        """Say whether the token includes a scope, and its member's role still does too."""
        granted = scope in SCOPE_GRANTS[Scope(self.scope)]
        return granted and self.membership.may(SCOPE_ROLE[scope])

    def ended_at(self, at: dt.datetime) -> dt.datetime | None:
        """Return since when the token opens nothing, None while it does."""
        ends = [end for end in (self.revoked_at, self.expires_at) if end is not None and end <= at]
        return min(ends, default=None)

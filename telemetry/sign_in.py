"""One-time sign-in links: who holds one is signed in as its user, once and before it runs out."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from telemetry.models import SignInLink


def make_link_token(user: User, valid_for: timedelta) -> str:
    """Return the token of a new link for the user; only its SHA-256 is kept."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(
        user=user, token_sha256=_digest(token), expires_at=timezone.now() + valid_for
    )
    return token


def peek(token: str) -> User | None:
    """Return whom the token would sign in, without using it up; None if it is no longer good."""
    link = SignInLink.objects.select_related("user").filter(_good(token, timezone.now())).first()
    return link.user if link else None


def use(token: str) -> User | None:
    """Use the token up and return whom it signs in, or None if it is no longer good.

    The update is what decides: of two requests at the same moment one changes the row.
    """
    now = timezone.now()
    if not SignInLink.objects.filter(_good(token, now)).update(used_at=now):
        return None
    return SignInLink.objects.select_related("user").get(token_sha256=_digest(token)).user


def _good(token: str, now: datetime) -> Q:
    return Q(token_sha256=_digest(token), used_at=None, expires_at__gt=now, user__is_active=True)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

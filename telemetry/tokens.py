"""API tokens: made, recognised, asked again while they hold a socket open, revoked.

A token is `sw_` and 40 letters and digits. Its first eleven characters are its prefix, by which its
row is found; the whole is compared with the row's SHA-256 in constant time. A fast hash is enough:
the 32 characters that nobody is shown are 190 random bits, which no table and no guessing reaches.
"""

import hashlib
import re
import secrets
import string
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.crypto import constant_time_compare

from telemetry.clock import now
from telemetry.models import SCOPE_ROLE, ApiToken, ApiTokenQuerySet, Membership, Scope

MARK = "sw_"
ALPHABET = string.ascii_letters + string.digits
LETTERS = 40
PREFIX_LENGTH = len(MARK) + 8
SHAPE = re.compile(rf"{MARK}[A-Za-z0-9]{{{LETTERS}}}")
# What the digest of a text is compared with where no token has its prefix: that takes as long.
NO_DIGEST = "-" * 64
VALID_DAYS = 90
LONGEST_DAYS = 3650
NOTE_EVERY = timedelta(minutes=1)
# How long one that opens nothing any more is still listed.
LISTED_FOR = timedelta(days=30)


class RoleTooLow(Exception):
    """The member may not do what the token would be for; the text is for people."""


def expiry(at: datetime, days: int) -> datetime | None:
    """Return when a token made at `at` runs out, None for one of 0 days: it does not."""
    return at + timedelta(days=days) if days else None


def make_token(
    membership: Membership, name: str, scope: Scope, expires_at: datetime | None
) -> tuple[ApiToken, str]:
    """Return a new token and its text, which is not kept and cannot be told again.

    Raises RoleTooLow where the member's own role does not include the scope.
    """
    if not membership.may(SCOPE_ROLE[scope]):
        raise RoleTooLow(
            f"A token to {scope.label.lower()} needs the role {SCOPE_ROLE[scope].label.lower()}; "
            f"{membership.user} is {membership.get_role_display().lower()} in {membership.team}."
        )
    text = MARK + "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    token = ApiToken.objects.create(
        membership=membership,
        name=name,
        prefix=text[:PREFIX_LENGTH],
        token_sha256=_digest(text),
        scope=scope,
        expires_at=expires_at,
    )
    return token, text


def token_of(text: str, at: datetime | None = None) -> ApiToken | None:
    """Return the token with this text, None where it opens nothing (any more); notes its use.

    Its `membership`, `team` and `user` are loaded. It has not expired, was not revoked, and its
    owner is active and still a member. What it may do is another question: `ApiToken.may`.
    """
    at = at or now()
    if not SHAPE.fullmatch(text):
        return None
    found = _loaded().alive(at).filter(prefix=text[:PREFIX_LENGTH]).first()
    same = constant_time_compare(_digest(text), found.token_sha256 if found else NO_DIGEST)
    if found is None or not same:
        return None
    _note_use(found, at)
    return found


def tokens_allowed(
    token_ids: Collection[int], at: datetime | None = None
) -> dict[int, frozenset[int]]:
    """Return the teams that tokens may still listen to, each its own: one query for all.

    A token that opens nothing any more, or does not include reading, is not in the answer.
    """
    tokens = _loaded().alive(at or now()).filter(pk__in=token_ids)
    return {t.pk: frozenset([t.membership.team_id]) for t in tokens if t.may(Scope.READ)}


def revoke(token: ApiToken, at: datetime) -> None:
    """End a token for good; one that was revoked before keeps its time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)


def delete_ended(at: datetime) -> int:
    """Delete the tokens that have opened nothing for LISTED_FOR; return how many."""
    before = at - LISTED_FOR
    ended = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    return int(ApiToken.objects.filter(ended).delete()[0])


def _loaded() -> ApiTokenQuerySet:
    return ApiToken.objects.select_related("membership__team", "membership__user")


def _note_use(token: ApiToken, at: datetime) -> None:
    """Write down when the token was used; of many at once one writes."""
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=at - NOTE_EVERY)
    if token.last_used_at is None or token.last_used_at <= at - NOTE_EVERY:
        ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

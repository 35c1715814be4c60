"""Who is at the door of the live connections: by session or link; addresses refused often."""

import contextlib
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from telemetry.listener import (
    NO_ACCESS,
    NOT_FOUND,
    SIGNED_OUT,
    TOO_MANY,
    Listener,
    Refused,
    SignedIn,
)
from telemetry.tv import Screen

# What a stranger who tries doors is told. Who may listen is never counted nor turned away: people
# of one office share an address.
COUNTED = (SIGNED_OUT, NO_ACCESS, NOT_FOUND)
HOUR_S = 3600


def listener_of(scope: dict[str, Any]) -> Listener:
    """Return who opens a connection; raises Refused."""
    token = scope.get("url_route", {}).get("kwargs", {}).get("token")
    return SignedIn.of(scope) if token is None else Screen(token)


async def counted(scope: dict[str, Any], refused: Refused) -> Refused:
    """Count a refusal against its address; return it, or that there were too many this hour."""
    if refused.code not in COUNTED:
        return refused
    # A key that the cache dropped in between, or no cache: one refusal less is counted.
    with contextlib.suppress(ValueError, RedisError, OSError):
        await cache.aadd(_key(scope), 0, HOUR_S)
        if await cache.aincr(_key(scope)) > settings.LIVE_REFUSALS_PER_HOUR:
            return Refused(TOO_MANY, "refused too often from this address; come back later")
    return refused


def retry_after_s(at: float | None = None) -> int:
    """Return after how many seconds an address is listened to again."""
    return HOUR_S - int((time.time() if at is None else at) % HOUR_S)


def _key(scope: dict[str, Any]) -> str:
    """Return where refusals of an address in this clock hour are counted."""
    address = (scope.get("client") or ["unknown"])[0]
    return f"live-refused:{address}:{int(time.time()) // HOUR_S}"

"""Who is at the door of the live connections; and addresses that are refused again and again."""

from typing import Any

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings

from telemetry.clock import now
from telemetry.limits import Limit
from telemetry.listener import (
    NO_ACCESS,
    NOT_FOUND,
    SIGNED_OUT,
    TOO_MANY,
    Bearer,
    Listener,
    Refused,
    SignedIn,
)
from telemetry.tv import Screen

# What a stranger who tries doors is told. Who may listen is never counted nor turned away: people
# of one office share an address.
COUNTED = (SIGNED_OUT, NO_ACCESS, NOT_FOUND)
HOUR_S = 3600


async def listener_of(scope: dict[str, Any]) -> Listener:
    """Return who opens a connection: by a link, by a token, else who is signed in.

    Raises Refused where that is nobody.
    """
    link = scope.get("url_route", {}).get("kwargs", {}).get("token")
    if link is not None:
        return Screen(link)
    told = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    kind, _, text = told.partition(" ")
    if kind.lower() == "bearer":
        bearer: Bearer = await database_sync_to_async(Bearer.of)(text.strip())
        return bearer
    return SignedIn.of(scope)


async def counted(scope: dict[str, Any], refused: Refused) -> Refused:
    """Count a refusal against its address; return it, or that there were too many this hour."""
    if refused.code not in COUNTED:
        return refused
    address = (scope.get("client") or ["unknown"])[0]
    limit = Limit("live-refused", settings.LIVE_REFUSALS_PER_HOUR, HOUR_S)
    wait_s = await sync_to_async(limit.spend)(address, now())
    if wait_s is None:
        return refused
    return Refused(TOO_MANY, "refused too often from this address; come back later", wait_s)

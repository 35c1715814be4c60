"""What is looked at regularly for all connections of a web process, by one task.

A task per connection and purpose would wake up some hundred times a second for two hundred viewers
and ask the database twenty times as often.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from redis.exceptions import RedisError

from telemetry.listener import (
    NO_ACCESS,
    SIGNED_OUT,
    TOO_MANY,
    TRY_AGAIN,
    Allowed,
    Listener,
    Refused,
)
from telemetry.loops import one_per_loop
from telemetry.stores import live_store

if TYPE_CHECKING:
    from telemetry.connection import LiveConnection

log = logging.getLogger(__name__)

LOOK_S = 1.0
# The promise is that who lost access hears no more after 60 s, also while the database is away.
UNASKED_LIMIT_S = 40.0
# How often it is asked whether what is published still gets here: the channel layer does not tell.
STORE_LOOK_S = 3.0
# A viewer that says nothing for this many beats is gone, whatever TCP believes.
BEATS_MISSED = 2


class Rounds:
    """The open connections of this process; lives on one event loop."""

    def __init__(self) -> None:
        self._open: set[LiveConnection] = set()
        self._count: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._answered_at = 0.0
        self._asked_at = 0.0
        self._store_asked_at = 0.0

    def join(self, connection: "LiveConnection") -> None:
        """Look after a connection; raises Refused where its listener has too many open."""
        name = connection.listener.name
        if self._count[name] >= settings.LIVE_CONNECTIONS:
            raise Refused(TOO_MANY, f"{self._count[name]} connections are open already", 60)
        self._count[name] += 1
        self._open.add(connection)
        if self._task is None or self._task.done():
            self._asked_at = self._answered_at = time.monotonic()
            self._task = asyncio.create_task(self._run(), name="rounds")

    def leave(self, connection: "LiveConnection") -> None:
        """Look after a connection no longer."""
        if connection in self._open:
            self._open.discard(connection)
            self._count[connection.listener.name] -= 1
            self._count += Counter()  # forgets those at zero

    async def _run(self) -> None:
        """Make rounds while anybody is there; what goes wrong must not end them."""
        while self._open:
            await asyncio.sleep(min(LOOK_S, settings.ACCESS_RECHECK_S, settings.LIVE_BEAT_S))
            try:
                await self._look()
            except Exception:
                log.exception("live: a round over the open connections failed")

    async def _look(self) -> None:
        at = time.monotonic()
        for connection in list(self._open):
            await self._look_at(connection, at)
        if at - self._asked_at >= settings.ACCESS_RECHECK_S:
            self._asked_at = at
            await self._ask()
        if at - self._store_asked_at >= STORE_LOOK_S:
            self._store_asked_at = at
            await self._ask_store()

    async def _ask_store(self) -> None:
        """Close everybody where nothing can be published: a page that says live must be."""
        try:
            await live_store().answer()
        except (RedisError, OSError) as error:
            log.warning("live: all viewers are sent away until Redis answers: %s", error)
            await self._end_all()

    async def _look_at(self, connection: "LiveConnection", at: float) -> None:
        gone = at - connection.heard_at > BEATS_MISSED * settings.LIVE_BEAT_S + LOOK_S
        if gone or connection.following.behind:
            await connection.end(TRY_AGAIN)
        elif at - connection.said_at >= settings.LIVE_BEAT_S:
            await connection.say_beat()

    async def _ask(self) -> None:
        """Close who may no longer listen, or everybody once nobody could tell for a minute."""
        asked = set(self._open)
        try:
            allowed = await database_sync_to_async(_allowed)([each.listener for each in asked])
        except DatabaseError as error:
            log.warning("live: cannot ask who may still listen: %s", error)
            if time.monotonic() - self._answered_at > UNASKED_LIMIT_S:
                await self._end_all()
            return
        self._answered_at = time.monotonic()
        for connection in asked & self._open:
            await _hold(connection, allowed.get(connection.listener))

    async def _end_all(self) -> None:
        for connection in list(self._open):
            await connection.end(TRY_AGAIN)


def _allowed(listeners: list[Listener]) -> Allowed:
    """Ask each kind of listeners at once."""
    kinds: defaultdict[type[Listener], list[Listener]] = defaultdict(list)
    for listener in listeners:
        kinds[type(listener)].append(listener)
    return {one: teams for kind, them in kinds.items() for one, teams in kind.allowed(them).items()}


async def _hold(connection: "LiveConnection", teams: frozenset[int] | None) -> None:
    """Leave a connection what it may still listen to; end it where that is nothing."""
    if teams is None:
        await connection.end(SIGNED_OUT)
        return
    lost = [topic for topic, team_id in connection.teams.items() if team_id not in teams]
    if lost and len(lost) == len(connection.teams):
        await connection.end(NO_ACCESS)
        return
    for topic in lost:
        await connection.drop(topic)


@one_per_loop
def rounds() -> Rounds:
    """Return the rounds of the running event loop."""
    return Rounds()

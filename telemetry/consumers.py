"""The live socket of one browser: check access, send a snapshot, forward finished texts."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.db import DatabaseError
from django.http import Http404
from redis.exceptions import RedisError

from telemetry import access
from telemetry.clock import now
from telemetry.envelope import snapshot_text, team_topic
from telemetry.hub import Viewer, hub
from telemetry.models import Team
from telemetry.stores import Stamp, live_store

log = logging.getLogger(__name__)

SIGNED_OUT = 4401
NO_ACCESS = 4403
NOT_FOUND = 4404
# Not 1013, which means this: Daphne's sockets refuse to send it, and would stay open, dead.
TRY_AGAIN = 4013
BEAT_S = 10.0
# The promise is that who lost access hears no more after 60 s, also while the database is away.
UNASKED_LIMIT_S = 40.0


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Forward one topic's changes to one browser.

    After `connect` it renders nothing and queries nothing but, every ACCESS_RECHECK_S, whether the
    viewer may still listen: a fragment arrives as finished text.
    """

    tasks: "list[asyncio.Task[None]]"
    viewer: Viewer | None = None
    topic: str = ""
    sent: Stamp | None = None

    async def connect(self) -> None:
        """Accept a member of the team from our own pages; close everybody else with a code."""
        self.tasks = []
        if not _own_origin(self.scope):
            await self.close()
            return
        await self.accept()
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(SIGNED_OUT)
            return
        try:
            team = await database_sync_to_async(self._team)()
        except Http404:
            await self.close(NOT_FOUND)
            return
        self.topic = team_topic(team.pk)
        # Join first, then the snapshot: what changes in between is in the queue and, where the
        # snapshot already covers it, dropped by its seq.
        try:
            self.viewer = await hub().join(self.topic)
            await self._send_snapshot()
        except (RedisError, OSError) as error:
            log.warning("live: a viewer cannot be served: %s", error)
            await self.close(TRY_AGAIN)
            return
        works = (self._forward, self._beat, self._recheck, self._watch_backlog)
        self.tasks = [asyncio.create_task(self._guarded(work)) for work in works]

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run one of the socket's loops; a socket does not go on without one of them."""
        try:
            await work()
        except Exception:
            log.exception("live: a viewer's socket failed and is closed")
            await self.close(TRY_AGAIN)

    def _team(self) -> Team:
        slug = self.scope["url_route"]["kwargs"]["slug"]
        return access.team_for(self.scope["user"], slug).team

    async def disconnect(self, code: int) -> None:
        """Leave the topic and end this socket's tasks."""
        for task in self.tasks:
            task.cancel()
        if self.viewer is not None:
            await hub().leave(self.topic, self.viewer)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take the browser's acknowledgements, which nothing needs yet; a browser cannot ask."""

    async def _send_snapshot(self) -> None:
        snapshot = await live_store().snapshot(self.topic)
        self.sent = snapshot.stamp
        await self.send(text_data=snapshot_text(self.topic, snapshot, now()))

    async def _forward(self) -> None:
        assert self.viewer is not None
        while True:
            stamp, text = await self.viewer.get()
            assert self.sent is not None
            if stamp == Stamp(self.sent.epoch, self.sent.seq + 1):
                self.sent = stamp
                await self.send(text_data=text)
            elif stamp.epoch != self.sent.epoch or stamp.seq > self.sent.seq:
                # The layer dropped something, or the count was lost: what is retained is true.
                await self._send_snapshot()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            beat = {"v": 1, "type": "beat", "at": now().isoformat(timespec="milliseconds")}
            await self.send(text_data=json.dumps(beat))

    async def _recheck(self) -> None:
        """Close once the viewer may no longer listen, or once nobody could tell for a minute."""
        loop = asyncio.get_running_loop()
        answered_at = loop.time()
        while True:
            try:
                if not await self._may_listen():
                    break
                answered_at = loop.time()
            except DatabaseError as error:
                log.warning("live: cannot ask whether a viewer may still listen: %s", error)
                if loop.time() - answered_at > UNASKED_LIMIT_S:
                    await self.close(TRY_AGAIN)
                    return
            await asyncio.sleep(settings.ACCESS_RECHECK_S)
        await self.close(NO_ACCESS)

    async def _may_listen(self) -> bool:
        session, user = self.scope["session"], self.scope["user"]
        slug = self.scope["url_route"]["kwargs"]["slug"]
        ask = database_sync_to_async(access.socket_allowed)
        allowed: bool = await ask(
            session.session_key, user.pk, session.get(HASH_SESSION_KEY, ""), slug
        )
        return allowed

    async def _watch_backlog(self) -> None:
        assert self.viewer is not None
        await self.viewer.overrun.wait()
        await self.close(TRY_AGAIN)


def _own_origin(scope: dict[str, Any]) -> bool:
    """Say whether the page that opens the socket is ours: same host and port as it asks.

    Without an Origin header it is no browser, and no other site's page can be behind it.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return True
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return bool(urlsplit(origin.decode("latin-1")).netloc.lower() == host)

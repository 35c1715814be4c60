"""One open connection of a viewer, whatever carries it: who listens, what follows, how it ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from django.conf import settings
from redis.exceptions import RedisError

from telemetry.clock import now
from telemetry.envelope import beat_text, error_text, hello_text
from telemetry.following import Following
from telemetry.listener import NO_ACCESS, TRY_AGAIN, Listener, Refused
from telemetry.places import MOST_TOPICS, Wanted
from telemetry.rounds import rounds

log = logging.getLogger(__name__)


class LiveConnection:
    """Follow topics for one listener: `say` sends a text, `close` ends with a code.

    After `begin` nothing is rendered or queried for it: a text arrives finished, and rounds.py asks
    for all connections together whether they may still listen.
    """

    def __init__(
        self,
        listener: Listener,
        say: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self.listener = listener
        self.following = Following()
        self.teams: dict[str, int] = {}
        self._say = say
        self._close = close
        self._task: asyncio.Task[None] | None = None
        self.heard_at = self.said_at = time.monotonic()

    async def begin(self, asked: list[Wanted]) -> None:
        """Follow what was asked for and forward it; raises Refused where any of it may not be."""
        teams = {wanted.topic: await self.listener.enter(wanted.topic) for wanted in asked}
        rounds().join(self)
        await self.say(hello_text(settings.LIVE_BEAT_S, now()))
        for wanted in asked:
            await self._follow(wanted, teams[wanted.topic])
        self._task = asyncio.create_task(self._forward())

    async def subscribe(self, wanted: Wanted) -> None:
        """Follow one more topic, or say why not; one that is followed begins with all again."""
        try:
            if len(self.teams) >= MOST_TOPICS and wanted.topic not in self.teams:
                raise Refused(NO_ACCESS, f"more than {MOST_TOPICS} topics on a connection")
            team_id = await self.listener.enter(wanted.topic)
        except Refused as refused:
            await self.say(error_text(refused.code, refused.reason, now(), wanted.topic))
            return
        await self._follow(wanted, team_id)

    async def _follow(self, wanted: Wanted, team_id: int) -> None:
        try:
            texts = await self.following.follow(wanted, team_id)
        except (RedisError, OSError) as error:
            log.warning("live: a viewer cannot be served: %s", error)
            raise Refused(TRY_AGAIN, "what is retained cannot be reached") from error
        self.teams[wanted.topic] = team_id
        for text in texts:
            await self.say(text)

    async def unsubscribe(self, topic: str) -> None:
        """Follow a topic no longer."""
        self.teams.pop(topic, None)
        await self.following.leave(topic)

    async def say(self, text: str) -> None:
        """Send a text."""
        self.said_at = time.monotonic()
        await self._say(self.listener.worded(text))

    async def say_beat(self, sent: float | None = None) -> None:
        """Give a sign of life."""
        await self.say(beat_text(now(), sent))

    async def drop(self, topic: str) -> None:
        """Take away a topic that may no longer be listened to."""
        await self.unsubscribe(topic)
        await self.say(error_text(NO_ACCESS, "no access any more", now(), topic))

    async def end(self, code: int) -> None:
        """End the connection with a code; first of all, for leaving the topics may take a while."""
        rounds().leave(self)
        await self._close(code)
        await self.leave()

    async def leave(self) -> None:
        """Follow nothing any more; safe to repeat."""
        rounds().leave(self)
        if self._task is not None:
            self._task.cancel()
        await self.following.close()

    async def _forward(self) -> None:
        """Send what is due until cancelled; a connection does not go on without this."""
        try:
            while True:
                text = await self.following.due()
                if text is not None:
                    await self.say(text)
        except Exception:
            log.exception("live: a viewer's connection failed and is closed")
            self._task = None
            await self.end(TRY_AGAIN)

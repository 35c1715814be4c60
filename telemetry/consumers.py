"""The live socket: what a viewer says on it, and what it is closed with.

Unlike a poll it has no request of its own to be refused, so everything is said by close codes after
the handshake: a browser tells a page nothing of a handshake that failed.
"""

import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from telemetry import admittance
from telemetry.clock import now
from telemetry.connection import LiveConnection
from telemetry.envelope import error_text
from telemetry.listener import BAD_REQUEST, TOO_MANY, Refused
from telemetry.places import NotATopic, wanted, wanted_in

LARGEST_WORD = 4096
OWN_SEND = "scenewatch.send"

# An ASGI application, which Channels types no more than its own.
Application = Callable[[Any, Any, Any], Awaitable[None]]


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Forward the topics that a viewer names in its address, or subscribes to later."""

    connection: LiveConnection | None = None
    minute: float = 0.0
    words: int = 0

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message; a viewer's words without Channels' look after database connections.

        That is a hop into a thread, for each acknowledgement; whatever asks the database for a
        word (database_sync_to_async) looks after them itself.
        """
        if message["type"] == "websocket.receive":
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        """Accept viewers from our own pages; close who may not listen with a code."""
        if not own_origin(self.scope):
            await self.close()
            return
        await self.accept()
        try:
            asked = wanted_in(self.scope["query_string"].decode("latin-1"))
            listener = await admittance.listener_of(self.scope)
            self.connection = LiveConnection(listener, self._say, self._shut)
            await self.connection.begin(asked)
        except NotATopic as wrong:
            await self._refuse(Refused(BAD_REQUEST, str(wrong)))
        except Refused as refused:
            await self._refuse(refused)

    async def _refuse(self, refused: Refused) -> None:
        refused = await admittance.counted(self.scope, refused)
        await self._say(error_text(refused.code, refused.reason, now()))
        await self.disconnect(refused.code)
        await self._shut(refused.code)

    async def _say(self, text: str) -> None:
        # Not self.send(): it asks the session with each of some thousand texts a second whether it
        # was changed, a question for answers of HTTP.
        await self.scope[OWN_SEND]({"type": "websocket.send", "text": text})

    async def _shut(self, code: int) -> None:
        await self.close(code)

    async def disconnect(self, code: int) -> None:
        """Leave the topics."""
        if self.connection is not None:
            await self.connection.leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what the viewer says; what makes no sense is answered with what would."""
        connection = self.connection
        if connection is None or await self._says_too_much(connection):
            return
        connection.heard_at = time.monotonic()
        try:
            await obey(connection, text_data)
        except NotATopic as wrong:
            await connection.say(error_text(BAD_REQUEST, str(wrong), now()))
        except Refused as refused:
            await connection.end(refused.code)

    async def _says_too_much(self, connection: LiveConnection) -> bool:
        """Count words per minute: those above the limit are not heard, twice as many end it."""
        at = time.monotonic()
        if at - self.minute >= 60:
            self.minute, self.words = at, 0
        self.words += 1
        limit = settings.LIVE_MESSAGES_PER_MINUTE
        if self.words == limit + 1:
            reason = f"more than {limit} messages a minute: not heard until it is over"
            await connection.say(error_text(TOO_MANY, reason, now()))
        if self.words > 2 * limit:
            await connection.end(TOO_MANY)
        return self.words > limit


async def obey(connection: LiveConnection, text: str | None) -> None:
    """Do what a viewer says; raises NotATopic with what is wrong."""
    said = _understood(text)
    match said:
        case {"type": "ack", "seq": int(seq)}:
            connection.following.read(said.get("topic"), seq)
        case {"type": "beat"}:
            sent = said.get("sent")
            await connection.say_beat(sent if type(sent) in (int, float) else None)
        case {"type": "subscribe", "topic": str(topic)}:
            await connection.subscribe(wanted(topic))
        case {"type": "unsubscribe", "topic": str(topic)}:
            await connection.unsubscribe(topic)
        case _:
            raise NotATopic('say {"type": "ack", "beat", "subscribe" or "unsubscribe", …}')


def _understood(text: str | None) -> Any:
    if text is None or len(text) > LARGEST_WORD:
        raise NotATopic(f"expected JSON of at most {LARGEST_WORD} characters")
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    raise NotATopic("expected JSON")


def with_own_send(inner: Application) -> Application:
    """Have an application find the server's own `send` in its scope, past all middleware inside."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await inner({**scope, OWN_SEND: send}, receive, send)

    return application


def own_origin(scope: dict[str, Any]) -> bool:
    """Say whether the page that opens the socket is ours: same host and port as it asks.

    Without an Origin header it is no browser, and no other site's page can be behind it.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is None:
        return True
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return bool(urlsplit(origin.decode("latin-1")).netloc.lower() == host)

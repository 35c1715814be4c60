"""The live topics over plain HTTP, for networks that let no WebSocket through.

`live/events/` is an event stream (SSE), `live/snapshot/` the state to be polled with an ETag. Both
say what the socket says, and take the same `topic=` queries. They are ASGI applications beside
Django's: a stream that lasts minutes would hold a thread of Django's handler all that time.
"""

import asyncio
import contextlib
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import RedisError

from telemetry import admittance
from telemetry.clock import now
from telemetry.connection import LiveConnection
from telemetry.envelope import error_text, snapshot_text
from telemetry.excerpts import excerpt_snapshot, source_of
from telemetry.listener import (
    BAD_REQUEST,
    NO_ACCESS,
    NOT_FOUND,
    SIGNED_OUT,
    TOO_MANY,
    TRY_AGAIN,
    Listener,
    Refused,
)
from telemetry.places import NotATopic, Wanted, caught_up, joined, wanted_in
from telemetry.stores import Snapshot, live_store

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = list[tuple[bytes, bytes]]

STATUSES = {
    BAD_REQUEST: 400,
    SIGNED_OUT: 401,
    NO_ACCESS: 403,
    NOT_FOUND: 404,
    TOO_MANY: 429,
    TRY_AGAIN: 503,
}
# A stream ends after this, and the browser opens the next one where it ended: nobody acknowledges
# anything on it, so what a reader that is stuck can make us keep has to end by itself.
STREAM_S = 240.0
STREAM_LENGTH = 1024 * 1024
# After which a viewer may ask again while Redis or the database is away.
AWAY_S = 5
# A snapshot is some tenth when zipped. It holds no secret beside what others can choose, from whose
# zipped length that could be guessed.
SMALLEST_ZIPPED = 1024
ZIP_LEVEL = 3
VARY = b"cookie, authorization, accept-encoding"
NO_STORE: Headers = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
JSON: Headers = [(b"content-type", b"application/json"), *NO_STORE]
EVENTS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would keep the events back
    *NO_STORE,
]


async def events(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer with a stream of the topics' messages, from a Last-Event-ID on where there is one."""
    await _answered(scope, send, _Stream(scope, receive, send).run)


async def snapshot(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer with a JSON list of a snapshot per topic, or 304 where none has changed."""

    async def answer(asked: list[Wanted], listener: Listener) -> None:
        teams = {wanted.topic: await listener.enter(wanted.topic) for wanted in asked}
        await _answer_snapshots(scope, send, teams, listener)

    await _answered(scope, send, answer)


Answer = Callable[[list[Wanted], Listener], Awaitable[None]]


async def _answered(scope: dict[str, Any], send: Send, answer: Answer) -> None:
    """Have a request answered, or say with a status why not."""
    try:
        if scope["method"] != "GET":
            raise NotATopic("only GET is understood here")
        asked = wanted_in(scope["query_string"].decode("latin-1"))
        await answer(asked, await admittance.listener_of(scope))
    except NotATopic as wrong:
        await _refuse(send, Refused(BAD_REQUEST, str(wrong)))
    except Refused as refused:
        await _refuse(send, await admittance.counted(scope, refused))
    except (RedisError, OSError):
        await _refuse(send, Refused(TRY_AGAIN, "what is retained cannot be reached"))


async def _refuse(send: Send, refused: Refused) -> None:
    wait_s = refused.wait_s if refused.code != TRY_AGAIN else AWAY_S
    after = [] if wait_s is None else [(b"retry-after", str(wait_s).encode())]
    text = error_text(refused.code, refused.reason, now())
    await _send_whole(send, STATUSES[refused.code], [*JSON, *after], text)


async def _answer_snapshots(
    scope: dict[str, Any], send: Send, teams: dict[str, int], listener: Listener
) -> None:
    found = [(topic, await _retained(topic, team_id)) for topic, team_id in teams.items()]
    tag = f'"{joined(Wanted(topic, each.stamp) for topic, each in found)}"'
    headers = [*JSON, (b"etag", f"W/{tag}".encode()), (b"vary", VARY)]
    if tag in _header(scope, b"if-none-match"):
        await _send_whole(send, 304, headers, "")
        return
    texts = [listener.worded(snapshot_text(topic, each, now())) for topic, each in found]
    body = f"[{','.join(texts)}]".encode()
    if len(body) >= SMALLEST_ZIPPED and "gzip" in _header(scope, b"accept-encoding"):
        headers, body = [*headers, (b"content-encoding", b"gzip")], gzip.compress(body, ZIP_LEVEL)
    await _send_body(send, 200, headers, body)


async def _retained(topic: str, team_id: int) -> Snapshot:
    """Return what is retained of a topic; of an excerpt at the place of its team's topic."""
    source = source_of(topic, team_id)
    whole = await live_store().snapshot(source)
    return whole if source == topic else excerpt_snapshot(topic, whole.stamp, whole)


async def _send_whole(send: Send, status: int, headers: Headers, text: str) -> None:
    await _send_body(send, status, headers, text.encode())


async def _send_body(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _header(scope: dict[str, Any], name: bytes) -> str:
    told: bytes = dict(scope["headers"]).get(name, b"")
    return told.decode("latin-1")


class _Stream:
    """One event stream: each event is a message, its id how far the stream is in all its topics."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._ended = asyncio.Event()
        self._length = 0

    async def run(self, asked: list[Wanted], listener: Listener) -> None:
        self._connection = LiveConnection(listener, self._say, self._end)
        self._connection.heard_at = float("inf")  # on a stream the other end can say nothing
        self._began = False
        try:
            await self._connection.begin(caught_up(asked, _header(self._scope, b"last-event-id")))
            await self._last()
        except Refused as refused:
            if not self._began:
                raise
            await self._say(error_text(refused.code, refused.reason, now()))
        finally:
            await self._connection.leave()
        await self._send({"type": "http.response.body", "body": b""})

    async def _last(self) -> None:
        """Wait until the stream has to end: the reader left, or it had its time or share."""
        gone = asyncio.create_task(self._gone())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STREAM_S):
                await self._ended.wait()
        gone.cancel()

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._ended.set()

    async def _say(self, text: str) -> None:
        if not self._began:
            self._began = True
            await self._send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        place = str(self._connection.following)
        event = f"id: {place}\ndata: {text}\n\n" if place else f"data: {text}\n\n"
        # Nobody acknowledges on a stream: what it may keep back is bounded by its length instead.
        self._connection.following.unread.forget_all()
        await self._send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        self._length += len(event)
        if self._length > STREAM_LENGTH:
            self._ended.set()

    async def _end(self, code: int) -> None:
        """Say why it ends: a stream has no close code."""
        await self._say(error_text(code, "the stream is over", now()))
        self._ended.set()

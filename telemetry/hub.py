"""One hub per web process: one channel of the layer, each message handed to the topic's viewers.

Stock Channels dispatches every group message to every consumer by itself (measured: eleven times
the cost of a bare broadcast, and one slow query delays everybody). Here consumers join no group:
the hub joins one per topic that has a viewer and puts the finished text into the viewers' queues.

The last texts of each topic are kept: who comes back soon gets what it missed instead of all.
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from telemetry.envelope import group_of
from telemetry.excerpts import excerpt, excerpt_text
from telemetry.loops import one_per_loop
from telemetry.stores import Stamp

log = logging.getLogger(__name__)

# A viewer this far behind gets a fresh snapshot when it comes back: its queue must not grow.
LARGEST_BACKLOG = 256 * 1024
# What is kept to be sent again: a snapshot is no larger, and cheaper than many small texts.
KEPT_TEXTS = 200
KEPT_LENGTH = 128 * 1024
RETRY_S = 1.0
# The sockets of these are written to before the next are thought of: else the first of two hundred
# would wait for the last.
VIEWERS_AT_ONCE = 20


class Text(NamedTuple):
    """A finished message and its place."""

    topic: str
    stamp: Stamp
    text: str


@dataclass(eq=False, slots=True)
class Viewer:
    """One browser's queue of texts, bounded in length, with one reader.

    Not asyncio's queue: on Python 3.11 that asks the system for the process's number each time it
    waits, a twentieth of what a text costs.
    """

    waiting: "deque[Text]" = field(default_factory=deque)
    backlog: int = 0
    overrun: bool = False
    _loop: asyncio.AbstractEventLoop | None = None
    _called: "asyncio.Future[None] | None" = None

    def put(self, message: Text) -> None:
        """Queue a text; beyond the limit the viewer is marked as overrun instead."""
        self.backlog += len(message.text)
        if self.backlog > LARGEST_BACKLOG:
            self.overrun = True
            return
        self.waiting.append(message)
        if self._called is not None and not self._called.done():
            self._called.set_result(None)

    async def get(self) -> Text:
        """Wait for the next text."""
        self._loop = self._loop or asyncio.get_running_loop()
        while not self.waiting:
            self._called = asyncio.Future(loop=self._loop)
            await self._called
        message = self.waiting.popleft()
        self.backlog -= len(message.text)
        return message


@dataclass(eq=False, slots=True)
class Watched:
    """A topic's viewers, and its last texts without a gap between them.

    An excerpt (excerpts.py) has a `stamp` of this process, which begins anew after any gap.
    """

    source: str
    stamp: Stamp = field(default_factory=lambda: Stamp(token_hex(4), 0))
    viewers: set[Viewer] = field(default_factory=set)
    texts: "deque[Text]" = field(default_factory=deque)
    length: int = 0

    def keep(self, message: Text) -> None:
        """Keep a text, and those before it that it follows on."""
        last = self.texts[-1].stamp if self.texts else None
        if last is not None and message.stamp != _next(last):
            self.texts.clear()
            self.length = 0
        self.texts.append(message)
        self.length += len(message.text)
        while len(self.texts) > KEPT_TEXTS or self.length > KEPT_LENGTH:
            self.length -= len(self.texts.popleft().text)

    def cut(self, topic: str, body: dict[str, Any], gap: bool) -> Text | None:
        """Return what concerns an excerpt; after a gap anything, so that viewers are sent all."""
        lists = excerpt(topic, body)
        if gap:
            self.stamp = Stamp(token_hex(4), 0)
        elif not lists:
            return None
        self.stamp = _next(self.stamp)
        return Text(topic, self.stamp, excerpt_text(topic, self.stamp, body["at"], lists))

    def since(self, place: Stamp) -> list[Text] | None:
        """Return the texts after a place, in order; None where they are not known."""
        missed = [message for message in self.texts if message.stamp.seq > place.seq]
        if not self.texts or self.texts[-1].stamp.epoch != place.epoch:
            return None
        first = missed[0].stamp.seq if missed else self.texts[-1].stamp.seq + 1
        return missed if first == place.seq + 1 else None


def _next(stamp: Stamp) -> Stamp:
    return Stamp(stamp.epoch, stamp.seq + 1)


class Hub:
    """The topics that this process's viewers watch; lives on one event loop."""

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}
        self._places: dict[str, Stamp] = {}
        self._channel: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def join(self, topic: str, viewer: Viewer, source: str = "") -> None:
        """Have the messages of a topic, an excerpt of `source` if told so, reach the viewer."""
        source = source or topic
        async with self._lock:
            await self._start()
            if not self._excerpts(source):
                assert self._channel is not None
                # First of all: a viewer counted in a group that could not be joined hears nothing.
                await _layer().group_add(group_of(source), self._channel)
            self._watched.setdefault(topic, Watched(source)).viewers.add(viewer)

    async def leave(self, topic: str, viewer: Viewer) -> None:
        """Forget a viewer; with the last one of a topic and its excerpts the group is left."""
        async with self._lock:
            watched = self._watched.get(topic)
            if watched is None:  # left already: what a viewer asked for again was away just then
                return
            watched.viewers.discard(viewer)
            if watched.viewers:
                return
            del self._watched[topic]
            if not self._excerpts(watched.source) and self._channel is not None:
                self._places.pop(watched.source, None)
                # While Redis is away nothing comes from the group anyway; a viewer must get away.
                with contextlib.suppress(RedisError, OSError):
                    await _layer().group_discard(group_of(watched.source), self._channel)

    def since(self, topic: str, place: Stamp) -> list[Text] | None:
        """Return the topic's texts after a place, in order; None where they are not known."""
        return self._watched[topic].since(place) if topic in self._watched else None

    def place(self, topic: str) -> Stamp:
        """Return how far a watched excerpt is."""
        return self._watched[topic].stamp

    def _excerpts(self, source: str) -> list[tuple[str, Watched]]:
        """Return what is watched of a source: itself, and excerpts of it."""
        return [(topic, each) for topic, each in self._watched.items() if each.source == source]

    async def _start(self) -> None:
        if self._task is None or self._task.done():
            self._channel = await _layer().new_channel("hub")
            for source in {each.source for each in self._watched.values()}:
                await _layer().group_add(group_of(source), self._channel)
            self._task = asyncio.create_task(self._run(self._channel))

    async def _run(self, channel: str) -> None:
        while True:
            try:
                message = await _layer().receive(channel)
            except (RedisError, OSError) as error:
                log.warning("hub: cannot receive: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            await self._hand(
                message["topic"], Stamp(message["epoch"], message["seq"]), message["text"]
            )

    async def _hand(self, source: str, stamp: Stamp, text: str) -> None:
        """Hand a message to who watches its topic, and excerpts of it to who watches these."""
        last = self._places.get(source)
        self._places[source] = stamp
        gap = last is not None and stamp != _next(last)
        body: dict[str, Any] | None = None
        for topic, watched in self._excerpts(source):
            if topic == source:
                message: Text | None = Text(topic, stamp, text)
            else:
                body = json.loads(text) if body is None else body
                message = watched.cut(topic, body, gap)
            if message is not None:
                watched.keep(message)
                await _hand_round(message, list(watched.viewers))


async def _hand_round(message: Text, viewers: list[Viewer]) -> None:
    """Hand a text to everybody; who joins meanwhile begins with a snapshot that holds it."""
    for place, viewer in enumerate(viewers, start=1):
        viewer.put(message)
        if place % VIEWERS_AT_ONCE == 0:
            await asyncio.sleep(0)


def _layer() -> Any:
    layer = get_channel_layer()
    assert layer is not None
    return layer


@one_per_loop
def hub() -> Hub:
    """Return the hub of the running event loop."""
    return Hub()

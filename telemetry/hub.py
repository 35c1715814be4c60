"""One hub per web process: one channel of the layer, each message handed to the topic's viewers.

Stock Channels dispatches every group message to every consumer by itself (measured: eleven times
the cost of a bare broadcast, and one slow query delays everybody). Here consumers join no group:
the hub joins one per topic that has a viewer and puts the finished text into the viewers' queues.

The last texts of each topic are kept: who comes back soon gets what it missed instead of all.
"""

import asyncio
import logging
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from telemetry.envelope import group_of
from telemetry.loops import one_per_loop
from telemetry.stores import Stamp

log = logging.getLogger(__name__)

# A viewer this far behind gets a fresh snapshot when it comes back: its queue must not grow.
LARGEST_BACKLOG = 256 * 1024
# What is kept to be sent again: a snapshot is no larger, and cheaper than many small texts.
KEPT_TEXTS = 200
KEPT_LENGTH = 128 * 1024
RETRY_S = 1.0


class Text(NamedTuple):
    """A finished message and its place."""

    topic: str
    stamp: Stamp
    text: str


@dataclass(eq=False, slots=True)
class Viewer:
    """One browser's queue of texts, bounded in length."""

    waiting: "asyncio.Queue[Text]" = field(default_factory=asyncio.Queue)
    backlog: int = 0
    overrun: bool = False

    def put(self, message: Text) -> None:
        """Queue a text; beyond the limit the viewer is marked as overrun instead."""
        self.backlog += len(message.text)
        if self.backlog > LARGEST_BACKLOG:
            self.overrun = True
            return
        self.waiting.put_nowait(message)

    async def get(self) -> Text:
        """Wait for the next text."""
        message = await self.waiting.get()
        self.backlog -= len(message.text)
        return message


@dataclass(eq=False, slots=True)
class Watched:
    """A topic's viewers, and its last texts without a gap between them."""

    viewers: set[Viewer] = field(default_factory=set)
    texts: "deque[Text]" = field(default_factory=deque)
    length: int = 0

    def hand(self, message: Text) -> None:
        """Hand a text to everybody, and keep it."""
        for viewer in self.viewers:
            viewer.put(message)
        last = self.texts[-1].stamp if self.texts else None
        if last is not None and message.stamp != Stamp(last.epoch, last.seq + 1):
            self.texts.clear()
            self.length = 0
        self.texts.append(message)
        self.length += len(message.text)
        while len(self.texts) > KEPT_TEXTS or self.length > KEPT_LENGTH:
            self.length -= len(self.texts.popleft().text)

    def since(self, place: Stamp) -> list[Text] | None:
        """Return the texts after a place, in order; None where they are not known."""
        missed = [message for message in self.texts if message.stamp.seq > place.seq]
        if not self.texts or self.texts[-1].stamp.epoch != place.epoch:
            return None
        first = missed[0].stamp.seq if missed else self.texts[-1].stamp.seq + 1
        return missed if first == place.seq + 1 else None


class Hub:
    """The topics that this process's viewers watch; lives on one event loop."""

    def __init__(self) -> None:
        self._watched: defaultdict[str, Watched] = defaultdict(Watched)
        self._channel: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def join(self, topic: str, viewer: Viewer) -> None:
        """Have the topic's messages from now on reach the viewer."""
        async with self._lock:
            await self._start()
            if topic not in self._watched:
                assert self._channel is not None
                # First of all: a viewer counted in a group that could not be joined hears nothing.
                await _layer().group_add(group_of(topic), self._channel)
            self._watched[topic].viewers.add(viewer)

    async def leave(self, topic: str, viewer: Viewer) -> None:
        """Forget a viewer; with its last one the topic is left."""
        async with self._lock:
            self._watched[topic].viewers.discard(viewer)
            if not self._watched[topic].viewers:
                del self._watched[topic]
                if self._channel is not None:
                    await _layer().group_discard(group_of(topic), self._channel)

    def since(self, topic: str, place: Stamp) -> list[Text] | None:
        """Return the topic's texts after a place, in order; None where they are not known."""
        return self._watched[topic].since(place) if topic in self._watched else None

    async def _start(self) -> None:
        if self._task is None or self._task.done():
            self._channel = await _layer().new_channel("hub")
            for topic in list(self._watched):
                await _layer().group_add(group_of(topic), self._channel)
            self._task = asyncio.create_task(self._run(self._channel))

    async def _run(self, channel: str) -> None:
        while True:
            try:
                message = await _layer().receive(channel)
            except (RedisError, OSError) as error:
                log.warning("hub: cannot receive: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            topic, stamp = message["topic"], Stamp(message["epoch"], message["seq"])
            if topic in self._watched:
                self._watched[topic].hand(Text(topic, stamp, message["text"]))


def _layer() -> Any:
    layer = get_channel_layer()
    assert layer is not None
    return layer


@one_per_loop
def hub() -> Hub:
    """Return the hub of the running event loop."""
    return Hub()

"""One hub per web process: one channel of the layer, each message handed to the topic's viewers.

Stock Channels dispatches every group message to every consumer by itself (measured: eleven times
the cost of a bare broadcast, and one slow query delays everybody). Here consumers join no group:
the hub joins one per topic that has a viewer and puts the finished text into the viewers' queues.
"""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from telemetry.envelope import group_of
from telemetry.stores import Stamp

log = logging.getLogger(__name__)

# A viewer this far behind gets a fresh snapshot when it comes back: its queue must not grow.
LARGEST_BACKLOG = 256 * 1024
RETRY_S = 1.0


@dataclass(eq=False, slots=True)
class Viewer:
    """One browser's queue of stamped texts, bounded in bytes."""

    waiting: "asyncio.Queue[tuple[Stamp, str]]" = field(default_factory=asyncio.Queue)
    backlog: int = 0
    overrun: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, stamp: Stamp, text: str) -> None:
        """Queue a text; beyond the limit the viewer is marked as overrun instead."""
        self.backlog += len(text)
        if self.backlog > LARGEST_BACKLOG:
            self.overrun.set()
            return
        self.waiting.put_nowait((stamp, text))

    async def get(self) -> tuple[Stamp, str]:
        """Wait for the next text."""
        stamp, text = await self.waiting.get()
        self.backlog -= len(text)
        return stamp, text


class Hub:
    """The topics that this process's viewers watch; lives on one event loop."""

    def __init__(self) -> None:
        self._viewers: defaultdict[str, set[Viewer]] = defaultdict(set)
        self._channel: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def join(self, topic: str) -> Viewer:
        """Return a new viewer of a topic; messages from now on reach it."""
        viewer = Viewer()
        async with self._lock:
            await self._start()
            if topic not in self._viewers:
                assert self._channel is not None
                # First of all: a viewer counted in a group that could not be joined hears nothing.
                await _layer().group_add(group_of(topic), self._channel)
            self._viewers[topic].add(viewer)
        return viewer

    async def leave(self, topic: str, viewer: Viewer) -> None:
        """Forget a viewer; with its last one the topic is left."""
        async with self._lock:
            self._viewers[topic].discard(viewer)
            if not self._viewers[topic]:
                del self._viewers[topic]
                if self._channel is not None:
                    await _layer().group_discard(group_of(topic), self._channel)

    async def _start(self) -> None:
        if self._task is None or self._task.done():
            self._channel = await _layer().new_channel("hub")
            for topic in list(self._viewers):
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
            stamp = Stamp(message["epoch"], message["seq"])
            for viewer in self._viewers.get(message["topic"], ()):
                viewer.put(stamp, message["text"])


def _layer() -> Any:
    layer = get_channel_layer()
    assert layer is not None
    return layer


_hubs: dict[int, tuple[asyncio.AbstractEventLoop, Hub]] = {}


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(id(loop))
    if found is None or found[0] is not loop:
        found = _hubs[id(loop)] = (loop, Hub())
    return found[1]

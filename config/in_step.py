"""Streams go out no faster than they are read: Daphne would hold all that is not in memory.

One slow reader of a long export took as much memory as the export is long.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from daphne.http_protocol import WebRequest

Send = Callable[[Any], Awaitable[None]]


class Pace:
    """What Twisted tells when a connection's buffer is full and when it is empty (IPushProducer).

    The names are Twisted's.
    """

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        """Wait from now on."""
        self._open.clear()

    def resumeProducing(self) -> None:
        """Go on."""
        self._open.set()

    def stopProducing(self) -> None:
        """Go on, for nobody reads any more: what is sent from now on is dropped."""
        self._open.set()

    async def follow(self) -> None:
        """Return once there is room."""
        await self._open.wait()


def in_step(send: Send) -> Send:
    """Return a `send` that first waits until what was sent before is on its way.

    So the next part is made meanwhile, and no more than that. Other servers wait by themselves.
    """
    request = next((one for one in getattr(send, "args", ()) if isinstance(one, WebRequest)), None)
    if request is None or request.channel is None:
        return send
    pace = Pace()
    request.registerProducer(pace, True)

    async def waiting(message: Any) -> None:
        await pace.follow()
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if is_last and request.channel is not None:
            request.unregisterProducer()
        await send(message)

    return waiting

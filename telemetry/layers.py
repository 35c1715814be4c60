"""Channels' in-memory layer, callable from any thread and any event loop of the process.

The stock layer keeps asyncio queues of one loop: used from another one (the collector's), delivery
waits for that loop's next wake-up (measured: 538 ms median). Here all state is touched on the one
loop that receives; calls from elsewhere are sent there and awaited, so errors still reach callers.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.layers import InMemoryChannelLayer


class LoopBoundInMemoryChannelLayer(InMemoryChannelLayer):  # type: ignore[misc]
    """An in-memory layer owned by the loop that first receives from it.

    Nothing expires: the stock layer forgets a member of a group after a day, and one whose message
    waited for a minute (a laptop that slept), which a hub that joins once would never notice.
    """

    def __init__(self, *args: Any, capacity: int = 10_000, **kwargs: Any) -> None:
        for_ever = {"expiry": 10**9, "group_expiry": 10**9}
        super().__init__(*args, capacity=capacity, **{**for_ever, **kwargs})
        self._owner: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make loop the one that touches the state."""
        self._owner = loop

    async def _on_owner(self, work: Coroutine[Any, Any, Any]) -> Any:
        owner = self._owner
        if owner is None or owner is asyncio.get_running_loop():
            return await work
        if owner.is_closed():
            work.close()
            return None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, owner))

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Send to one channel."""
        await self._on_owner(super().send(channel, message))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to every channel of a group."""
        await self._on_owner(super().group_send(group, message))

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel to a group."""
        await self._on_owner(super().group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a channel out of a group."""
        await self._on_owner(super().group_discard(group, channel))

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for a channel's next message."""
        if self._owner is None or self._owner.is_closed():
            self._owner = asyncio.get_running_loop()
        message: dict[str, Any] = await super().receive(channel)
        return message

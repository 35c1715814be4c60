"""The websockets of a ComfyUI server, kept by clientId, and the one loop that writes to them."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import ClientError, WSMsgType, web

from .clock import Clock
from .nodes import Json

# The real queue of messages is unbounded; a demonstration that runs for weeks must not be.
MAX_MESSAGES = 20_000


@dataclass
class Sockets:
    """Send events to one clientId or to all, in the order in which they were said.

    As in ComfyUI one loop writes to socket after socket and waits for each, so a client that
    stops reading silences everybody. Nothing at all is sent while `silent`.
    """

    clock: Clock
    silent: bool = False
    by_sid: dict[str, web.WebSocketResponse] = field(default_factory=dict)
    _messages: asyncio.Queue[tuple[str | bytes, str | None]] = field(
        default_factory=lambda: asyncio.Queue(MAX_MESSAGES)
    )

    def register(self, sid: str, ws: web.WebSocketResponse) -> None:
        """Give a clientId to a socket; whoever had it stays open and hears nothing more."""
        self.by_sid[sid] = ws

    def unregister(self, sid: str) -> None:
        """Take a clientId out, even from the socket that took it over: ComfyUI does just that."""
        self.by_sid.pop(sid, None)

    def send_sync(self, event: str, data: Json, sid: str | None = None) -> None:
        """Queue an event for one clientId, or for all if `sid` is None.

        Encoded at once: what the data said now is what is sent, whatever it says later.
        """
        if not self.silent:
            self.send_raw(encode(event, data), sid)

    def send_raw(self, payload: str | bytes, sid: str | None = None) -> None:
        """Queue a text frame, or with bytes a binary one, whatever it says."""
        if self._messages.full():
            self._messages.get_nowait()
        self._messages.put_nowait((payload, sid))

    async def publish_loop(self) -> None:
        while True:
            payload, sid = await self._messages.get()
            await self.clock.running()
            for ws in self._audience(sid):
                await send(ws, payload)

    def _audience(self, sid: object) -> list[web.WebSocketResponse]:
        if sid is None:
            return list(self.by_sid.values())
        ws = self.by_sid.get(sid) if isinstance(sid, str) else None
        return [ws] if ws is not None else []


def encode(event: str, data: Json) -> str:
    return json.dumps({"type": event, "data": data})


async def send(ws: web.WebSocketResponse, payload: str | bytes) -> None:
    """Send to a socket that may be gone, which is nobody's fault and is passed over.

    Escaped surrogates in a text become the bytes they stand for: a liar's text is no UTF-8.
    """
    binary = isinstance(payload, bytes)
    data = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogateescape")
    with suppress(ClientError, ConnectionError, RuntimeError):
        await ws.send_frame(data, WSMsgType.BINARY if binary else WSMsgType.TEXT)

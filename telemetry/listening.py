"""The socket of one server: its frames, its log stream, and connecting again when it breaks."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
from django.conf import settings

from telemetry import contact
from telemetry.backoff import GIVE_UP_AFTER, Backoff
from telemetry.clock import now
from telemetry.frame_log import FrameLog
from telemetry.hearing import channel_of
from telemetry.protocol import decode
from telemetry.protocol import frames as f
from telemetry.protocol.redraw import is_redraw
from telemetry.unanswered import NoAnswer, Refused

if TYPE_CHECKING:
    from telemetry.watch import Watch

log = logging.getLogger(__name__)

CLOSE_S = 1.0
OVER = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)


class Listening:
    """Hold a server's socket open and hand on what it says, until cancelled.

    A frame that only redraws a bar is kept until somebody looks (`settle`): the next one takes its
    place. Whatever else happens comes after it, so the order of what is seen stays that in which it
    was said.
    """

    def __init__(self, watch: "Watch") -> None:
        self.watch = watch
        self.frame_log = FrameLog(watch.leased.server_id)
        # When the last frame came.
        self.frame_at = now()
        self._redraw: tuple[str | bytes, datetime] | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._silent = False

    async def run(self) -> None:
        """Keep the socket open."""
        backoff = Backoff(settings.RECONNECT_DELAYS_S, settings.RECONNECT_STABLE_S)
        while True:
            reason = await self._hold_socket(backoff)
            delay = backoff.failed(now())
            self.watch.take(
                contact.RetryPlanned(
                    min(backoff.failures, GIVE_UP_AFTER),
                    now() + timedelta(seconds=delay),
                    reason,
                    backoff.gave_up,
                )
            )
            log.info('server "%s": %s; next try in %.0f s', self.watch.leased.name, reason, delay)
            await asyncio.sleep(delay)

    async def _hold_socket(self, backoff: Backoff) -> str:
        """Connect and read until the socket is gone; return why it is."""
        try:
            self._ws = ws = await self.watch.comfyui.connect()
        except (Refused, NoAnswer) as error:
            return str(error)
        backoff.opened(now())
        self._silent, self.frame_at = False, now()
        self.watch.asking.explain()
        try:
            await self._read(ws)
            reason = self._closing_reason(ws)
        finally:
            self._ws = None
            await _close(ws)
        self.watch.take(contact.SocketClosed(reason))
        self.watch.asking.hint()
        return reason

    def _closing_reason(self, ws: aiohttp.ClientWebSocketResponse) -> str:
        if self._silent:
            return "the socket fell silent while the queue moved on"
        return f"the WebSocket closed with {ws.close_code or 1006}"

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Take every frame in; always drain: who stops reading freezes ComfyUI for everybody."""
        subscription: asyncio.Task[None] | None = None
        count = 0
        while (message := await ws.receive()).type not in OVER:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                continue
            # The first frame proves that the server knows our clientId.
            if subscription is None:
                subscription = asyncio.create_task(self._subscribe())
            self.hear(message.data)
            count += 1
            if count % 50 == 0:
                await asyncio.sleep(0)  # a flood must not starve the other servers
        if subscription is not None:
            subscription.cancel()

    def hear(self, frame: str | bytes) -> None:
        """Take one frame in, or keep it where it redraws a bar and nothing else."""
        self.frame_at = self.watch.state.contact.heard_at = now()
        self.frame_log.write(frame)
        if is_redraw(frame):
            self._redraw = frame, self.frame_at
            self.watch.live.touch(step=True)
            return
        event = decode(frame)
        self._notice_hint(event)
        self.watch.take(event, self.frame_at)
        self._sample(event, self.frame_at)

    def settle(self) -> None:
        """Take in the last redraw that was kept: somebody looks, or something else happened."""
        if self._redraw is not None:
            (frame, at), self._redraw = self._redraw, None
            event = decode(frame)
            self.watch.take(event, at, quiet=True)
            self._sample(event, at)

    def _sample(self, event: f.Event, heard_at: datetime) -> None:
        """Note now and then how late what is heard is taken in."""
        lag = self.watch.state.channels[channel_of(event)].lag
        if lag.is_due(heard_at):
            lag.note_frame(event, heard_at, now())

    async def _subscribe(self) -> None:
        agreed = await self.watch.comfyui.subscribe_logs()
        self.watch.take(contact.SocketOpened(agreed))
        self.watch.asking.resync()

    def _notice_hint(self, event: f.Event) -> None:
        """Ask the referee where a frame hints that prompts came or ended."""
        if isinstance(event, f.Status):
            before = self.watch.state.queue_remaining
            self.watch.asking.hint(ends=before is None or event.queue_remaining < before)
        elif isinstance(event, f.Logs) and any("rompt" in entry.m for entry in event.entries):
            executed = any("Prompt executed" in entry.m for entry in event.entries)
            self.watch.asking.hint(ends=executed)
        elif isinstance(event, f.ExecutionSuccess | f.ExecutionError | f.ExecutionInterrupted):
            self.watch.asking.hint(ends=True)

    def drop(self) -> None:
        """Close a socket that says nothing though the queue moves on; another one is opened."""
        if self._ws is not None:
            self._silent = True
            self._ws._response.close()  # the peer may never answer a close frame


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Close a socket, if need be without the peer: one that floods us never comes to an end."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await ws.close()
    except TimeoutError:
        ws._response.close()

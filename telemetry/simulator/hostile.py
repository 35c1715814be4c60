"""Servers that are hostile below the level of messages: too much, too slow, elsewhere, no HTTP.

Nothing large is ever held here: it is generated while it is sent, as fast as the client reads.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from .bombs import INFLATED_MIB, MIB, gzip_bomb, message_bomb
from .talk import CHUNK, LARGEST_BODY, Talk, frame_head, read_head

HUGE_BYTES = 200 * MIB
PAUSE_S = 3.0
GARBAGE = (
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"",
    b"HTTP/9.9 999999 \xff\xfe\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nX-Nul: a\x00b\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX-Long: " + CHUNK + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
    b"\r\n" * 1000,
)


async def huge(server: "Hostile", talk: Talk) -> None:
    """A text message of 200 MiB, a /history of as much; other answers are honest."""
    size = server.huge_bytes
    if talk.websocket:
        await talk.shake_hands()
        await talk.send(frame_head(0x81, size))
        await talk.fill(b'{"type": "status", "data": "', b'"}', size)
        await talk.until_gone()
    elif "/history" in talk.path:
        await talk.answer("200 OK", Content_Length=size)
        await talk.fill(b'{"', b'": {}}', size)
    else:
        await talk.honest()


async def gzip_bombs(server: "Hostile", talk: Talk) -> None:
    """A megabyte that inflates to over a gigabyte, as every answer and as the first message."""
    if not talk.websocket:
        body = await asyncio.to_thread(gzip_bomb, server.inflated_mib)
        await talk.answer("200 OK", body, Content_Encoding="gzip")
        return
    payload = message_bomb(server.inflated_mib)
    await talk.shake_hands()
    await talk.send(frame_head(0xC1, len(payload)) + payload)
    await talk.until_gone()


async def redirect(server: "Hostile", talk: Talk) -> None:
    """302 and 307 in turn to another URL, for the websocket's handshake too."""
    status = ("302 Found", "307 Temporary Redirect")[talk.number % 2]
    await talk.answer(status, Location=server.redirect_to)


async def slow_loris(server: "Hostile", talk: Talk) -> None:
    """Half an answer at once, and the rest a byte every few seconds, without end.

    Of a websocket half the handshake; otherwise headers and bodies without end in turn.
    """
    if talk.websocket:
        handshake = talk.handshake()
        await talk.send(handshake[: len(handshake) // 2])
    elif talk.number % 2:
        await talk.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    else:
        await talk.answer("200 OK", b'{"', Content_Length=10**9)
    await talk.dribble(server.pause_s)


async def endless(server: "Hostile", talk: Talk) -> None:
    """A body, or a message in pieces, that goes on for ever."""
    if talk.websocket:
        await talk.shake_hands()
        await talk.send(frame_head(0x01, len(CHUNK)) + CHUNK)
        piece = frame_head(0x00, len(CHUNK)) + CHUNK
    else:
        await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[0\r\n")
        piece = b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK.replace(b"aa", b",1"))
    while True:
        await talk.send(piece)


async def bad_http(server: "Hostile", talk: Talk) -> None:
    """Bytes that are no HTTP, or almost; another kind of them each time."""
    noise = Random(server.seed + talk.number).randbytes(512)
    kinds = (*GARBAGE, noise)
    await talk.send(kinds[talk.number % len(kinds)])


KINDS: Mapping[str, Callable[["Hostile", Talk], Awaitable[None]]] = {
    "huge": huge,
    "gzip-bomb": gzip_bombs,
    "redirect": redirect,
    "slow-loris": slow_loris,
    "endless": endless,
    "bad-http": bad_http,
}


@dataclass
class Hostile:
    """A server of one of KINDS, with the start() and stop() of a Simulator.

    `redirect_to` is for the kind redirect, which is a ValueError without it.
    """

    kind: str
    redirect_to: str | None = None
    seed: int = 1
    huge_bytes: int = HUGE_BYTES
    inflated_mib: int = INFLATED_MIB
    pause_s: float = PAUSE_S
    url: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind {self.kind!r}; there are {', '.join(KINDS)}")
        if (self.kind == "redirect") != (self.redirect_to is not None):
            raise ValueError("the kind redirect, and no other, needs a URL to redirect to")
        self._numbers = count()
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[Any] | None] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the URL; port 0 takes a free one. OSError if the port is taken."""
        self._server = await asyncio.start_server(self._serve, host, port)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        return self.url

    async def stop(self) -> None:
        """Cut everybody off and refuse connections."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        talks = [talk for talk in self._talks if talk is not None]
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()

    async def __aenter__(self) -> "Hostile":
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.current_task())
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._talk(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self._talks.discard(asyncio.current_task())
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; a client that goes away in the middle ends it."""
        path, headers = read_head((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        length = headers.get("content-length", "")
        await reader.readexactly(min(int(length), LARGEST_BODY) if length.isdecimal() else 0)
        talk = Talk(path, headers, next(self._numbers), reader, writer)
        await KINDS[self.kind](self, talk)

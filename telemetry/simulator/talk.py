"""One raw connection of a hostile server: what was asked, and bytes to answer with."""

import asyncio
import json
import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1

CHUNK = b"a" * 65536
LARGEST_BODY = 65536
WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HONEST: Mapping[str, object] = {
    "/prompt": {"exec_info": {"queue_remaining": 0}},
    "/queue": {"queue_running": [], "queue_pending": []},
    "/system_stats": {"system": {"comfyui_version": "0.33.0"}, "devices": []},
}


@dataclass(frozen=True)
class Talk:
    """One connection: what was asked, the how-manieth it is, and the way to answer."""

    path: str
    headers: Mapping[str, str]
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def websocket(self) -> bool:
        return "sec-websocket-key" in self.headers

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status: str, body: bytes = b"", **headers: object) -> None:
        """Send a whole answer, or with a Content-Length of its own the beginning of one."""
        told = {"Content-Type": "application/json", "Content-Length": len(body)}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        await self.send(f"HTTP/1.1 {status}\r\nConnection: close\r\n{lines}\r\n".encode() + body)

    async def honest(self) -> None:
        path = self.path.split("?")[0].removeprefix("/api")
        await self.answer("200 OK", json.dumps(HONEST.get(path, {})).encode())

    async def shake_hands(self) -> None:
        await self.send(self.handshake())

    def handshake(self) -> bytes:
        """Return the 101, with compression if the client offered it."""
        key = self.headers["sec-websocket-key"].encode()
        accepted = b64encode(sha1(key + WS_GUID).digest())
        offered = "permessage-deflate" in self.headers.get("sec-websocket-extensions", "")
        extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if offered else b""
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + extension
            + b"Sec-WebSocket-Accept: "
            + accepted
            + b"\r\n\r\n"
        )

    async def until_gone(self) -> None:
        while await self.reader.read(LARGEST_BODY):
            pass

    async def dribble(self, pause_s: float) -> None:
        """Send a byte, and one more after each pause, for ever."""
        while True:
            await self.send(b"a")
            await asyncio.sleep(pause_s)

    async def fill(self, before: bytes, after: bytes, size: int) -> None:
        """Send these, and between them as much as makes them so many bytes."""
        await self.send(before)
        left = size - len(before) - len(after)
        while left > 0:
            await self.send(CHUNK[:left])
            left -= len(CHUNK)
        await self.send(after)


def read_head(head: str) -> tuple[str, dict[str, str]]:
    """Return path and headers, their names in small letters."""
    first, *lines = head.split("\r\n")
    parts = (line.partition(":") for line in lines)
    return [*first.split(" "), ""][1], {name.lower(): value.strip() for name, _, value in parts}


def frame_head(first: int, length: int) -> bytes:
    """Return the head of an unmasked websocket frame in its longest form."""
    return struct.pack(">BBQ", first, 127, length)

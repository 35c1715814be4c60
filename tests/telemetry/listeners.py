"""Tiny servers on loopback that behave badly, and count who comes."""

import asyncio
import base64
import contextlib
import hashlib

WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Listener:
    """Answers every connection by `talk(reader, writer, head)`; keeps the heads of all requests."""

    def __init__(self, talk=None, host="127.0.0.1", tls=None, port=0):
        self.talk, self.host, self.tls = talk or plain(b"{}"), host, tls
        self._place = (host, port)
        self.connections = 0
        self.heads = []

    @property
    def port(self):
        return self.server.sockets[0].getsockname()[1]

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://{self.host}:{self.port}"

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, *self._place, ssl=self.tls)
        self._tasks = set()
        return self

    async def __aexit__(self, *error):
        self.server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head.decode("latin-1"))
                await self.talk(reader, writer, head)
                await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._tasks.discard(asyncio.current_task())


def plain(body, *headers, status="200 OK"):
    """Return a talk that answers with the body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]

    async def talk(reader, writer, head):
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return talk


def redirect(url, status="302 Found"):
    """Return a talk that leads elsewhere."""
    return plain(b"", f"Location: {url}", status=status)


def handshaken(then):
    """Return a talk that opens a WebSocket and goes on with then(reader, writer)."""

    async def talk(reader, writer, head):
        key = next(v for k, v in _fields(head) if k == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_KEY).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        await then(reader, writer)

    return talk


def _fields(head):
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        yield name.strip().lower(), value.strip()

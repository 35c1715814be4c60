"""Servers that are no ComfyUI: what they send, and that it costs them little."""

import asyncio
import gzip
import json
import tracemalloc
import zlib

import aiohttp
import pytest

from telemetry.simulator.bombs import INFLATED_MIB, MIB, gzip_bomb
from telemetry.simulator.hostile import GARBAGE, HUGE_BYTES, KINDS, Hostile

from .client import Client, in_loop

SMALL = 3 * MIB
# Nobody here answers a close frame.
NO_CLOSE = aiohttp.ClientWSTimeout(ws_close=0.05)


def test_it_is_as_large_as_it_says() -> None:
    assert HUGE_BYTES == 200 * MIB
    assert INFLATED_MIB * MIB > 10**9


@in_loop
async def test_it_answers_the_history_with_a_huge_body_and_the_rest_honestly() -> None:
    async with Hostile("huge", huge_bytes=SMALL) as server, Client(server.url) as client:
        asking = client.session.get(f"{server.url}/history?max_items=8")
        async with asking as answer:
            body = await answer.read()

        assert len(body) == SMALL
        assert json.loads(body)
        assert await client.get("/api/queue") == {"queue_running": [], "queue_pending": []}


@in_loop
async def test_it_says_a_huge_message() -> None:
    async with (
        Hostile("huge", huge_bytes=SMALL) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/ws", max_msg_size=0, timeout=NO_CLOSE) as ws,
    ):
        text = await ws.receive_str()

    assert len(text) == SMALL
    assert json.loads(text)["type"] == "status"


@in_loop
async def test_it_holds_little_while_it_says_much() -> None:
    size = 64 * MIB
    async with Hostile("huge", huge_bytes=size) as server:
        reader, writer = await asked(server, "/history")
        tracemalloc.start()
        # Turns in which a server that does not wait for its reader would go on writing.
        for _ in range(1000):
            await asyncio.sleep(0)
        received = 0
        while chunk := await reader.read(1 << 16):
            received += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        writer.close()

    assert received > size
    assert peak < 2 * MIB


def test_it_packs_a_thousandfold_into_a_gzip_body() -> None:
    body = gzip_bomb(32)

    assert len(body) < 32 * MIB / 900
    assert gzip.decompress(body) == b" " * (32 * MIB) + b"{}"


@in_loop
async def test_it_answers_with_a_body_that_inflates() -> None:
    async with (
        Hostile("gzip-bomb", inflated_mib=32) as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/queue") as answer,
    ):
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(await answer.read()) > 32 * MIB


@pytest.mark.parametrize("offered", [True, False])
@in_loop
async def test_it_says_a_message_that_inflates(offered: bool) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if offered else ""
    async with Hostile("gzip-bomb", inflated_mib=32) as server:
        reader, writer = await asked(server, "/ws", f"Sec-WebSocket-Key: abc\r\n{offer}")
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, *length = await reader.readexactly(10)
        payload = await reader.readexactly(int.from_bytes(length))
        writer.close()

    assert (b"permessage-deflate" in head) is offered
    assert first == 0xC1
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(payload + b"\0\0\xff\xff")
    assert inflated == b" " * (32 * MIB) + b"{}"


@in_loop
async def test_it_redirects_whatever_is_asked() -> None:
    target = "http://127.0.0.1:9/elsewhere"
    async with Hostile("redirect", target) as server, Client(server.url) as client:
        seen = set()
        for path in ("/queue", "/ws", "/history", "/ws"):
            ws = {"Sec-WebSocket-Key": "abc"} if path == "/ws" else {}
            asking = client.session.get(server.url + path, allow_redirects=False, headers=ws)
            async with asking as answer:
                seen.add((answer.status, answer.headers["Location"]))

    assert seen == {(302, target), (307, target)}


@pytest.mark.parametrize(("kind", "to"), [("redirect", None), ("huge", "http://127.0.0.1:9")])
def test_it_needs_a_url_to_redirect_to_and_only_then(kind: str, to: str | None) -> None:
    with pytest.raises(ValueError, match="needs a URL to redirect to"):
        Hostile(kind, to)


def test_it_names_the_kinds_there_are_when_asked_for_another() -> None:
    with pytest.raises(ValueError, match="there are huge, gzip-bomb, redirect"):
        Hostile("mad")


@pytest.mark.parametrize(
    ("number", "key", "start"),
    [
        (0, "", b'Content-Length: 1000000000\r\n\r\n{"a'),
        (1, "", b"HTTP/1.1 200 OK\r\nX-Slow: a"),
        (2, "Sec-WebSocket-Key: abc\r\n", b"Connection: Upgrade"),
    ],
)
@in_loop
async def test_it_dribbles_and_comes_to_no_end(number: int, key: str, start: bytes) -> None:
    async with Hostile("slow-loris", pause_s=0.01) as server:
        for _ in range(number):
            (await asked(server, "/queue"))[1].close()
        reader, writer = await asked(server, "/queue", key)
        heard = b""
        while not heard.endswith(b"a" * 20):
            heard += await reader.readexactly(1)
        writer.close()

    assert (start in heard) is (not key)
    assert (b"101 Switching" in heard and b"\r\n\r\n" not in heard) is bool(key)


@in_loop
async def test_it_waits_between_the_bytes_it_dribbles() -> None:
    async with Hostile("slow-loris", pause_s=60) as server:
        reader, writer = await asked(server, "/queue")
        heard = await reader.readuntil(b'{"a')

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)

        assert heard
        writer.close()


@in_loop
async def test_it_sends_a_body_without_end() -> None:
    async with (
        Hostile("endless") as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/queue") as answer,
    ):
        received = 0
        while received < 20 * MIB:
            received += len(await answer.content.read(1 << 16))

        assert not answer.content.at_eof()


@in_loop
async def test_it_says_a_message_without_end() -> None:
    async with (
        Hostile("endless") as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/ws", max_msg_size=SMALL, timeout=NO_CLOSE) as ws,
    ):
        message = await ws.receive()

        assert message.type in (aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED)
        assert ws.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@in_loop
async def test_it_sends_what_is_no_http_in_many_ways() -> None:
    async with Hostile("bad-http") as server, aiohttp.ClientSession() as session:
        for _ in range(len(GARBAGE) + 1):
            with pytest.raises(aiohttp.ClientError):
                async with session.get(f"{server.url}/queue") as answer:
                    await answer.read()


@pytest.mark.parametrize("kind", sorted(KINDS))
@in_loop
async def test_it_lets_go_of_everybody_when_stopped(kind: str) -> None:
    to = "http://127.0.0.1:9" if kind == "redirect" else None
    server = Hostile(kind, to, inflated_mib=1)
    await server.start()
    reader, writer = await asked(server, "/ws", "Sec-WebSocket-Key: abc\r\n")
    assert await reader.read(1) or kind == "bad-http"

    await server.stop()

    with pytest.raises(ConnectionError):
        await asked(server, "/ws")
    writer.close()


async def asked(
    server: Hostile, path: str, headers: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a raw connection on which this was asked."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode())
    await writer.drain()
    return reader, writer

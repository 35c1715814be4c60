"""A ComfyUI's answers are bounded in time and size, and lead nowhere else."""

import asyncio
import gzip
import struct
import time
import tracemalloc
import zlib

import aiohttp
import pytest

from telemetry import comfyui as comfyui_module
from telemetry.comfyui import ComfyUI
from telemetry.unanswered import NoAnswer
from tests.telemetry.listeners import Listener, handshaken, plain, redirect

MIB = 1 << 20


def asked(url, ask=lambda comfyui: comfyui.get("/queue"), timeout_s=0.5):
    """Return what comes of asking the ComfyUI at url: the answer, or the error."""

    async def work():
        comfyui = ComfyUI(url, timeout_s=timeout_s)
        try:
            return await ask(comfyui)
        except NoAnswer as error:
            return error
        finally:
            await comfyui.close()

    return work()


def ask(talk, **options):
    """Return (what comes of asking a listener that talks so, the listener)."""

    async def work():
        async with Listener(talk) as listener:
            return await asked(listener.url, **options), listener

    return asyncio.run(work())


def connect(comfyui):
    return comfyui.connect()


async def hear(comfyui):
    """Return the first message on the WebSocket, and the code that it closed with."""
    ws = await comfyui.connect()
    async with asyncio.timeout(5):
        message = await ws.receive()
    await ws.close()
    return message.type, ws.close_code


def test_it_returns_a_body_as_it_was_sent():
    answer, _ = ask(plain(b'{"a": 1}'))

    assert answer.body == b'{"a": 1}'


def test_it_asks_for_answers_without_compression():
    _, listener = ask(plain(b"{}"))

    assert "Accept-Encoding: identity" in listener.heads[0]


def test_it_takes_a_compressed_answer_all_the_same():
    answer, _ = ask(plain(gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip"))

    assert answer.body == b'{"a": 1}'


def bomb(encoding, size):
    """Return `size` zeros as they are packed by the encoding."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    packed = [packer.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join([*packed, packer.flush()])


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_it_inflates_no_more_of_a_bomb_than_its_limit(monkeypatch, encoding):
    monkeypatch.setattr(comfyui_module, "LARGEST_BYTES", 2 * MIB)
    packed = bomb(encoding, 256 * MIB)

    async def work():
        async with Listener(plain(packed, f"Content-Encoding: {encoding}")) as listener:
            tracemalloc.start()
            try:
                error = await asked(listener.url, timeout_s=10)
                return error, tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    error, peak = asyncio.run(work())
    assert "larger than 2 MiB" in str(error)
    assert peak < 8 * MIB


def test_it_gives_up_an_endless_body_at_its_limit(monkeypatch):
    monkeypatch.setattr(comfyui_module, "LARGEST_BYTES", MIB)

    async def endless(reader, writer, head):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()

    error, _ = ask(endless, timeout_s=10)

    assert "larger than 1 MiB" in str(error)


async def drip(writer, *pieces):
    """Write the pieces, and then the last one again and again, slowly, for good."""
    for piece in pieces:
        writer.write(piece)
    while True:
        writer.write(pieces[-1])
        await writer.drain()
        await asyncio.sleep(0.02)


async def slow_header(reader, writer, head):
    await drip(writer, b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")


async def slow_body(reader, writer, head):
    await drip(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")


async def slow_interim(reader, writer, head):
    await drip(writer, b"HTTP/1.1 100 Continue\r\n\r\n")


async def silence(reader, writer, head):
    await asyncio.Event().wait()


# The body of a handshake that is refused is not read, so that it cannot be slow.
SLOW = {
    "get-header": (slow_header, {}),
    "get-body": (slow_body, {}),
    "get-interim": (slow_interim, {}),
    "get-silence": (silence, {}),
    "connect-header": (slow_header, {"ask": connect}),
    "connect-interim": (slow_interim, {"ask": connect}),
    "connect-silence": (silence, {"ask": connect}),
}


@pytest.mark.parametrize(("talk", "options"), SLOW.values(), ids=SLOW)
def test_it_waits_for_an_answer_no_longer_than_its_limit(talk, options):
    began = time.monotonic()
    error, _ = ask(talk, **options)

    assert str(error) == "no answer within 0.5 s"
    assert time.monotonic() - began < 3


async def endless_line(reader, writer, head):
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"y" * 65536)
        await writer.drain()


async def endless_lines(reader, writer, head):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000_000):
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()


async def endless_status(reader, writer, head):
    writer.write(b"HTTP/1.1 200 ")
    while True:
        writer.write(b"y" * 65536)
        await writer.drain()


@pytest.mark.parametrize("talk", [endless_line, endless_lines, endless_status])
@pytest.mark.parametrize("options", [{}, {"ask": connect}], ids=["get", "connect"])
def test_it_gives_up_an_endless_header(talk, options):
    began = time.monotonic()
    error, _ = ask(talk, timeout_s=20, **options)

    assert str(error) == "its answer is no HTTP that we can read: is the address right?"
    assert time.monotonic() - began < 10


def test_it_says_that_noise_is_no_http():
    async def noise(reader, writer, head):
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    error, _ = ask(noise)

    assert "no HTTP that we can read" in str(error)


def test_it_buffers_nothing_of_a_message_that_is_announced_as_huge():
    async def huge(reader, writer):
        writer.write(b"\x82\x7f" + struct.pack(">Q", 1 << 40))
        with_room = bytes(MIB)
        while True:
            writer.write(with_room)
            await writer.drain()

    (kind, code), _ = ask(handshaken(huge), ask=hear)

    assert (kind, code) == (aiohttp.WSMsgType.ERROR, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)


def test_it_buffers_a_message_of_many_fragments_only_up_to_its_limit(monkeypatch):
    monkeypatch.setattr(comfyui_module, "LARGEST_BYTES", MIB)

    async def fragments(reader, writer):
        first = 0x02
        while True:
            writer.write(bytes([first, 126]) + struct.pack(">H", 60_000) + bytes(60_000))
            await writer.drain()
            first = 0x00

    (kind, code), _ = ask(handshaken(fragments), ask=hear)

    assert (kind, code) == (aiohttp.WSMsgType.ERROR, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)


def test_it_inflates_no_message():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(16 * MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)

    async def deflated(reader, writer):
        writer.write(b"\xc2\x7f" + struct.pack(">Q", len(packed)) + packed)
        await writer.drain()
        await reader.read()

    (kind, code), listener = ask(handshaken(deflated), ask=hear)

    assert (kind, code) == (aiohttp.WSMsgType.ERROR, aiohttp.WSCloseCode.PROTOCOL_ERROR)
    assert "Sec-WebSocket-Extensions" not in listener.heads[0]


def subscribe(comfyui):
    return comfyui.subscribe_logs()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("way", [lambda c: c.get("/queue"), connect, subscribe])
def test_it_follows_no_redirect(status, way):
    async def work():
        async with Listener() as other, Listener(redirect(other.url, status)) as listener:
            return await asked(listener.url, ask=way), listener.connections, other.connections

    outcome, asked_here, asked_there = asyncio.run(work())
    assert outcome is False or "redirects elsewhere" in str(outcome)
    assert (asked_here, asked_there) == (1, 0)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_it_uses_no_proxy_of_the_environment(monkeypatch, name):
    async def work():
        async with Listener() as proxy, Listener() as listener:
            monkeypatch.setenv(name, proxy.url)
            await asked(listener.url)
            await asked(listener.url, ask=connect)
            return listener.connections, proxy.connections

    assert asyncio.run(work()) == (2, 0)


@pytest.mark.parametrize(
    ("date", "skewed"),
    [
        ("Fri, 01 Jan 2027 00:00:00 GMT", True),
        ("Fri, 31 Dec 9999 23:59:59 GMT", False),
        ("Thu, 04 Jul 1776 00:00:00 GMT", False),
        ("yesterday", False),
    ],
)
def test_it_takes_no_clock_for_one_that_is_wrong_by_centuries(date, skewed):
    answer, _ = ask(plain(b"{}", f"Date: {date}"))

    assert (answer.skew_s is not None) == skewed

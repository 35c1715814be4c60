"""No connection goes where none may go, whatever the address looks like.

A second listener on 127.0.0.2 stands for a metadata service: the tests refuse that address, and the
listener must never see anybody.
"""

import asyncio
import contextlib
import ipaddress
import socket

import pytest

from telemetry.comfyui import ComfyUI
from telemetry.connecting import RefusedAddress, open_socket, refuse_address
from telemetry.unanswered import NoAnswer
from tests.telemetry.listeners import Listener, redirect

METADATA = "127.0.0.2"
WAYS = {
    "get": lambda comfyui: comfyui.get("/queue"),
    "connect": lambda comfyui: comfyui.connect(),
    "subscribe": lambda comfyui: comfyui.subscribe_logs(),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.fixture(autouse=True)
def refused(settings):
    settings.REFUSED_ADDRESSES = (ipaddress.ip_network(METADATA),)


async def ask(url, way):
    comfyui = ComfyUI(url, timeout_s=2)
    try:
        return await way(comfyui)
    except NoAnswer as error:
        return error
    finally:
        await comfyui.close()


def seen(make_url, way):
    """Return (what comes of asking, how many connections the metadata service saw)."""

    async def work():
        async with Listener(host=METADATA) as metadata:
            return await ask(make_url(metadata.port), way), metadata.connections

    return asyncio.run(work())


def resolving(monkeypatch, *answers):
    """Have every name stand for the addresses, another row of them at each look-up."""
    real, rows = socket.getaddrinfo, list(answers)

    def getaddrinfo(host, port, *args, **kwargs):
        if host is None or host[0] in "0123456789:":
            return real(host, port, *args, **kwargs)
        row = rows.pop(0) if len(rows) > 1 else rows[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for address in row
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


# The listener's address in every way that some reader takes for it. ::ffff:127.0.0.2 is connected
# to as 127.0.0.2 by the system.
SPELLINGS = (
    "127.0.0.2",
    "127.0.0.2.",
    "127.2",
    "2130706434",
    "0x7f000002",
    "0x7f.0.0.2",
    "0177.0.0.2",
    "017700000002",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "[0:0:0:0:0:ffff:7f00:0002]",
)


@each_way
@pytest.mark.parametrize("host", SPELLINGS)
def test_it_connects_to_no_refused_address_however_it_is_spelled(host, way):
    outcome, connections = seen(lambda port: f"http://{host}:{port}", way)

    assert outcome is False or isinstance(outcome, NoAnswer)
    assert connections == 0


def test_it_says_where_the_address_would_have_led():
    outcome, _ = seen(lambda port: f"http://{METADATA}:{port}", WAYS["get"])

    assert str(outcome) == (
        "it leads to 127.0.0.2, an address that this site's settings refuse, "
        "which is never connected to; enter another address"
    )


@each_way
def test_it_connects_to_no_refused_address_behind_a_name(monkeypatch, way):
    resolving(monkeypatch, [METADATA])

    outcome, connections = seen(lambda port: f"http://gpu-3.example:{port}", way)

    assert outcome is False or "leads to 127.0.0.2" in str(outcome)
    assert connections == 0


@each_way
def test_it_takes_the_other_address_of_a_name_that_has_a_refused_one(monkeypatch, way):
    resolving(monkeypatch, [METADATA, "127.0.0.1"])

    async def work():
        async with (
            Listener(host=METADATA) as metadata,
            Listener(port=metadata.port) as good,
        ):
            await ask(f"http://gpu-3.example:{metadata.port}", way)
            return good.connections, metadata.connections

    assert asyncio.run(work()) == (1, 0)


@each_way
def test_it_is_not_deceived_by_a_name_that_changes_its_mind(monkeypatch, way):
    resolving(monkeypatch, ["127.0.0.1"], [METADATA])

    async def work():
        async with Listener(host=METADATA) as metadata:
            comfyui = ComfyUI(f"http://gpu-3.example:{metadata.port}", timeout_s=2)
            comfyui._session.connector._use_dns_cache = False
            for _ in range(3):
                with contextlib.suppress(Exception):
                    await way(comfyui)
            await comfyui.close()
            return metadata.connections

    assert asyncio.run(work()) == 0


@each_way
@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_it_follows_no_redirect_to_a_refused_address(way, status):
    async def work():
        async with (
            Listener(host=METADATA) as metadata,
            Listener(redirect(f"{metadata.url}/latest/meta-data/", status)) as listener,
        ):
            await ask(listener.url, way)
            return listener.connections, metadata.connections

    assert asyncio.run(work()) == (1, 0)


@each_way
def test_it_asks_for_no_metadata_service_by_name(monkeypatch, way):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: asked.append(args))

    outcome = asyncio.run(ask("http://metadata.google.internal", way))

    assert outcome is False or "name of a cloud's metadata service" in str(outcome)
    assert asked == []


def test_it_connects_where_nothing_is_refused(settings):
    settings.REFUSED_ADDRESSES = ()

    answer, connections = seen(lambda port: f"http://{METADATA}:{port}", WAYS["get"])

    assert answer.body == b"{}"
    assert connections == 1


@pytest.mark.parametrize("text", ["gpu-3", "127.1", "0x7f.1", "2130706434", "", "127.0.0.01"])
def test_it_makes_a_socket_for_nothing_that_would_be_looked_up_again(text):
    with pytest.raises(RefusedAddress, match="no plain IP address"):
        refuse_address(text)


def test_it_makes_no_socket_for_a_refused_address():
    with pytest.raises(RefusedAddress, match="link-local"):
        open_socket((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 80, 0, 2)))

"""Whom we trust over TLS, and what we say where we do not."""

import asyncio
from datetime import UTC, datetime

import aiohttp
import pytest

from telemetry import tls
from telemetry.comfyui import ComfyUI
from telemetry.unanswered import NoAnswer
from tests.telemetry.certificates import DAY, make
from tests.telemetry.listeners import Listener, handshaken

NOW = datetime.now(UTC)
OURS = make("Northlight CA", authority=True)
OTHERS = make("Southdark CA", authority=True)
PASTE = "paste that authority's certificate into the server's settings"


async def greet(reader, writer):
    writer.write(b"\x81\x02hi")
    await writer.drain()
    await reader.read()


def ask(certificate, folder, trusted, ask=lambda comfyui: comfyui.get("/queue"), talk=None):
    """Return what comes of asking a server that has the certificate."""

    async def work():
        async with Listener(talk, tls=certificate.serving(folder)) as listener:
            comfyui = ComfyUI(listener.url, timeout_s=3, authorities=trusted)
            try:
                return await ask(comfyui)
            except NoAnswer as error:
                return str(error)
            finally:
                await comfyui.close()

    return asyncio.run(work())


def test_it_trusts_the_authority_of_the_servers_settings(tmp_path):
    answer = ask(make("gpu-3", OURS), tmp_path, OURS.pem)

    assert answer.body == b"{}"


def test_it_trusts_it_on_the_websocket_too(tmp_path):
    async def hear(comfyui):
        ws = await comfyui.connect()
        message = await ws.receive()
        ws._response.close()
        return message

    message = ask(make("gpu-3", OURS), tmp_path, OURS.pem, hear, handshaken(greet))

    assert (message.type, message.data) == (aiohttp.WSMsgType.TEXT, "hi")


def test_it_trusts_one_of_several_authorities(tmp_path):
    answer = ask(make("gpu-3", OURS), tmp_path, OTHERS.pem + OURS.pem)

    assert answer.body == b"{}"


@pytest.mark.parametrize("signer", [None, OTHERS], ids=["by itself", "by another"])
def test_it_trusts_a_servers_own_certificate(tmp_path, signer):
    certificate = make("gpu-3", signer)

    assert ask(certificate, tmp_path, certificate.pem).body == b"{}"


REASONS = {
    "unknown": (
        make("gpu-3", OTHERS),
        OURS.pem,
        f"its certificate is signed by an authority unknown here: {PASTE}",
    ),
    "unknown to the system": (
        make("gpu-3", OURS),
        "",
        f"its certificate is signed by an authority unknown here: {PASTE}",
    ),
    "self-signed": (
        make("gpu-3"),
        "",
        "its certificate is signed by itself: paste it into the server's settings",
    ),
    "expired": (
        make("gpu-3", OURS, began=-9 * DAY, ends=-DAY),
        OURS.pem,
        "its certificate, or that of who signed it, has expired: renew it",
    ),
    "early": (
        make("gpu-3", OURS, began=DAY),
        OURS.pem,
        "its certificate is not valid yet: is one of the two clocks wrong?",
    ),
    "another address": (
        make("gpu-3", OURS, address="127.0.0.9"),
        OURS.pem,
        "its certificate is not for this IP address: enter the name that it is for",
    ),
}


@pytest.mark.parametrize(("certificate", "trusted", "reason"), REASONS.values(), ids=REASONS)
@pytest.mark.parametrize("way", ["get", "connect"])
def test_it_says_why_a_certificate_is_not_accepted(tmp_path, certificate, trusted, reason, way):
    ways = {"get": lambda c: c.get("/queue"), "connect": lambda c: c.connect()}

    assert ask(certificate, tmp_path, trusted, ways[way]) == reason


def test_it_subscribes_to_no_log_of_a_server_that_it_does_not_trust(tmp_path):
    certificate = make("gpu-3", OTHERS)

    assert ask(certificate, tmp_path, OURS.pem, lambda c: c.subscribe_logs()) is False


def test_it_says_that_a_server_does_not_speak_tls():
    async def answering(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def plain():
        server = await asyncio.start_server(answering, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            comfyui = ComfyUI(f"https://127.0.0.1:{port}", timeout_s=2)
            try:
                await comfyui.get("/queue")
            finally:
                await comfyui.close()

    with pytest.raises(NoAnswer, match="does not speak TLS there"):
        asyncio.run(plain())


def test_it_names_whom_certificates_make_trusted_and_until_when():
    first, second = tls.read_authorities(OURS.pem + OTHERS.pem, NOW)

    assert (first.name, second.name) == ("Northlight CA", "Southdark CA")
    assert NOW + 29 * DAY < first.valid_until < NOW + 31 * DAY


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        ("hello", "no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "no PEM certificate"),
        (OURS.pem + OURS.key_pem, "private key"),
        (make("Old CA", authority=True, began=-9 * DAY, ends=-DAY).pem, "Old CA expired on"),
        (make("New CA", authority=True, began=DAY).pem, "New CA is valid only from"),
        (OURS.pem * 400, "more than 200 kB"),
    ],
    ids=["words", "broken", "key", "expired", "early", "long"],
)
def test_it_refuses_as_an_authority(pem, reason):
    with pytest.raises(tls.BadCertificate, match=reason):
        tls.read_authorities(pem, NOW)


def test_it_verifies_names_and_certificates_whatever_is_trusted():
    context = tls.context_for(OURS.pem)

    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"

"""telemetry/checkup.py: what each channel of an unsaved server comes to, asked of a real one."""

import asyncio
import time

import pytest

from telemetry import checkup
from telemetry.checkup import check_up
from telemetry.models import Server
from telemetry.secrets import encrypt
from telemetry.simulator import Simulator
from tests.telemetry.certificates import make
from tests.telemetry.listeners import Listener, plain, redirect


def verdicts(found):
    return {check.channel: check.verdict for check in found.checks}


def text_of(found, channel):
    return next(check.text for check in found.checks if check.channel == channel)


def server(url, **fields):
    return Server(name="kino-01", url=url, simulated=True, **fields)


def checked(simulator, **fields):
    """Return what comes of checking a simulated server."""

    async def work():
        await simulator.start()
        try:
            return await check_up(server(simulator.url, **fields))
        finally:
            await simulator.stop()

    return asyncio.run(work())


def answered(talk, **fields):
    """Return what comes of checking a listener that talks so, and whom it heard."""

    async def work():
        async with Listener(talk) as listener:
            return await check_up(server(listener.url, **fields)), listener

    return asyncio.run(work())


def test_it_finds_every_channel_of_a_stock_comfyui():
    found = checked(Simulator())

    assert found.good
    assert verdicts(found) == {
        "Reach": "ok",
        "Access": "ok",
        "Queue": "ok",
        "WebSocket": "ok",
        "Log stream": "ok",
        "Companion": "without",
        "GPU sensors": "without",
    }


def test_it_says_on_what_it_runs():
    found = checked(Simulator())

    assert found.running_on.startswith("ComfyUI 0.")
    assert "GiB" in found.running_on
    assert text_of(found, "Queue") == "0 running, 0 waiting."


def test_it_asks_below_the_path_of_the_address():
    assert checked(Simulator(base_path="/comfy")).good


def test_it_says_that_nobody_listens_and_asks_no_further():
    found = asyncio.run(check_up(server("http://127.0.0.1:9")))

    assert not found.good
    assert text_of(found, "Reach") == "Connection refused: is ComfyUI running, with --listen?"
    assert set(verdicts(found).values()) == {"bad", "unasked"}


def test_it_says_that_a_password_is_wrong():
    found = checked(
        Simulator(basic=("olga", "s3cret")), basic_encrypted=encrypt("olga:something else")
    )

    assert verdicts(found)["Reach"] == "ok"
    assert verdicts(found)["Access"] == "bad"
    assert "enter the right one" in text_of(found, "Access")


def test_it_goes_in_with_the_right_token():
    found = checked(Simulator(token="t0ken"), bearer_encrypted=encrypt("t0ken"))

    assert found.good
    assert text_of(found, "Access") == "The credentials are accepted."


def test_it_says_that_a_secret_can_no_longer_be_read():
    found = checked(Simulator(), bearer_encrypted="damaged")

    assert verdicts(found)["Access"] == "bad"
    assert "cannot be read any more" in text_of(found, "Access")


def test_it_names_what_is_wrong_with_a_certificate(tmp_path):
    ours = make("gpu-3")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_text(ours.pem)
    key.write_text(ours.key_pem)

    found = checked(Simulator(tls=(certificate, key)))

    assert "signed by itself: paste it" in text_of(found, "Reach")


def test_it_trusts_the_certificate_of_the_unsaved_form(tmp_path):
    ours = make("gpu-3")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_text(ours.pem)
    key.write_text(ours.key_pem)

    assert checked(Simulator(tls=(certificate, key)), authorities=ours.pem).good


def test_it_follows_no_redirect():
    found, listener = answered(redirect("http://127.0.0.1:1/"))

    assert "redirects elsewhere" in text_of(found, "Reach")
    assert len(listener.heads) == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254", "http://metadata.google.internal"])
def test_it_goes_to_no_refused_address(url):
    found = asyncio.run(check_up(server(url)))

    assert "never connected to" in text_of(found, "Reach")


def test_it_tells_an_answer_that_is_no_comfyui_s():
    found, _ = answered(plain(b"[1, 2, 3]"))

    assert text_of(found, "Reach") == "It answers, but not as a ComfyUI: check the address."


def test_it_gives_up_on_who_does_not_answer(monkeypatch):
    async def silent(reader, writer, head):
        await reader.read()

    monkeypatch.setattr(checkup, "LONGEST_S", 0.3)
    began = time.monotonic()

    found, _ = answered(silent)

    assert text_of(found, "Reach") == "No answer within 0.3 s."
    assert time.monotonic() - began < 5

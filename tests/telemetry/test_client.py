"""The client of a followed server: its settings, or what is wrong with them."""

import asyncio

import pytest

from telemetry.client import comfyui_of
from telemetry.leases import Leased
from telemetry.secrets import encrypt
from telemetry.unanswered import NoAnswer


def barred(**fields):
    """Return why the client of a server with these settings asks nothing, "" where it may."""

    async def work():
        comfyui = comfyui_of(Leased(1, 1, "kino-01", "http://127.0.0.1:1", "", False, 1, **fields))
        try:
            if comfyui.barred:
                with pytest.raises(NoAnswer, match="settings"):
                    await comfyui.get("/queue")
            return comfyui.barred
        finally:
            await comfyui.close()

    return asyncio.run(work())


def test_it_asks_where_its_settings_can_be_read():
    assert barred(basic_encrypted=encrypt("olga:s3cret")) == ""


def test_it_asks_nothing_with_a_secret_that_cannot_be_read():
    assert "user and password cannot be read" in barred(basic_encrypted="damaged")


@pytest.mark.parametrize("pem", ["nothing", "-----BEGIN CERTIFICATE-----\nMIIB\n"])
def test_it_asks_nothing_with_certificates_that_cannot_be_read(pem):
    assert "certificates to trust cannot be read" in barred(authorities=pem)

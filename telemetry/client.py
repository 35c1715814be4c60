"""The client of a followed server, with the credentials and certificates of its settings."""

import logging
import ssl
from typing import Protocol

from django.conf import settings

from telemetry.comfyui import ComfyUI
from telemetry.secrets import SecretLost, authorization

log = logging.getLogger(__name__)

UNREADABLE = "the certificates to trust cannot be read: paste them again in the server's settings"


class Reachable(Protocol):
    """What it takes to reach a server: a followed one (Leased), or a row, saved or not."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def bearer_encrypted(self) -> str: ...
    @property
    def basic_encrypted(self) -> str: ...
    @property
    def authorities(self) -> str: ...


def comfyui_of(server: Reachable, timeout_s: float | None = None) -> ComfyUI:
    """Return the client of a server; one whose settings cannot be read is barred: it asks nothing.

    Without its secret we would be refused again and again, and whoever counts that might lock us
    out for longer than the secret is missing.
    """
    timeout_s = timeout_s or settings.REQUEST_TIMEOUT_S
    try:
        header = authorization(server.bearer_encrypted, server.basic_encrypted)
        return ComfyUI(server.url, header, timeout_s, authorities=server.authorities)
    except SecretLost as error:
        return _barred(server, timeout_s, str(error))
    except (ssl.SSLError, ValueError):
        return _barred(server, timeout_s, UNREADABLE)


def _barred(server: Reachable, timeout_s: float, reason: str) -> ComfyUI:
    log.error('server "%s": %s', server.name, reason)
    return ComfyUI(server.url, timeout_s=timeout_s, barred=reason)

"""The client of a followed server, with the credentials and certificates of its settings."""

import logging
import ssl

from django.conf import settings

from telemetry.comfyui import ComfyUI
from telemetry.leases import Leased
from telemetry.secrets import SecretLost, authorization

log = logging.getLogger(__name__)

UNREADABLE = "the certificates to trust cannot be read: paste them again in the server's settings"


def comfyui_of(leased: Leased) -> ComfyUI:
    """Return the client of a server; one whose settings cannot be read is barred: it asks nothing.

    Without its secret we would be refused again and again, and whoever counts that might lock us
    out for longer than the secret is missing.
    """
    try:
        header = authorization(leased.bearer_encrypted, leased.basic_encrypted)
        return _client(leased, authorization=header, authorities=leased.authorities)
    except SecretLost as error:
        return _barred(leased, str(error))
    except (ssl.SSLError, ValueError):
        return _barred(leased, UNREADABLE)


def _client(leased: Leased, **options: str) -> ComfyUI:
    return ComfyUI(leased.url, timeout_s=settings.REQUEST_TIMEOUT_S, **options)


def _barred(leased: Leased, reason: str) -> ComfyUI:
    log.error('server "%s": %s', leased.name, reason)
    return _client(leased, barred=reason)

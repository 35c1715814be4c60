"""The client of a followed server, with the credentials and certificates of its settings."""

import logging

from django.conf import settings

from telemetry.comfyui import ComfyUI
from telemetry.leases import Leased
from telemetry.secrets import SecretLost, authorization

log = logging.getLogger(__name__)


def comfyui_of(leased: Leased) -> ComfyUI:
    """Return the client of a server; one whose secret is lost is barred, and asks nothing.

    Without its secret we would be refused again and again, and whoever counts that might lock us
    out for longer than the secret is missing.
    """
    header, barred = "", ""
    try:
        header = authorization(leased.bearer_encrypted, leased.basic_encrypted)
    except SecretLost as error:
        barred = str(error)
        log.error('server "%s": %s', leased.name, error)
    return ComfyUI(
        leased.url,
        header,
        settings.REQUEST_TIMEOUT_S,
        authorities=leased.authorities,
        barred=barred,
    )

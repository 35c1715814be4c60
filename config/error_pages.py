"""The page of our own mistakes: it has a reference by which the log can be searched."""

import logging
import secrets

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the page, and log its reference just before Django logs what happened.

    It is rendered without the request: what broke may be what every other page shows.
    """
    digits = secrets.token_hex(4)
    reference = f"{digits[:4]}-{digits[4:]}"
    log.error("%s %s failed: reference %s", request.method, request.path, reference)
    return HttpResponseServerError(render_to_string("500.html", {"reference": reference}))

"""What is said while something that a page needs is away: 503, which passes, and not 500."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from redis.exceptions import RedisError

from config import error_pages

AWAY = (OperationalError, InterfaceError, RedisError, TimeoutError, ConnectionError)
RETRY_S = 5


def is_away() -> bool:
    """Say whether the error that is being handled means that a service does not answer."""
    return isinstance(sys.exc_info()[1], AWAY)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 with a time to come back where something is away, else 500.

    As a handler of errors, and not as a middleware: who asks, and what they prefer, is looked up by
    middleware, which fails then as well.
    """
    if not is_away():
        return error_pages.server_error(request)
    page = get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_S)})

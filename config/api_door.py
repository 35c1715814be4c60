"""What every answer below /api/ passes through: methods, other sites' scripts, one shape."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.views import defaults

from config.away import is_away, server_error
from telemetry.api_errors import error_response

API = "/api/"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization, If-None-Match",
    "Access-Control-Max-Age": "600",
}
READABLE = "ETag, Retry-After"
AWAY_TEXT = "Something that this needs is away: the database or Redis."
AGAIN = "Ask again in some seconds."

View = Callable[..., HttpResponse]


def door(view: View) -> View:
    """Return a view that also answers HEAD, refuses in the API's shape, and obeys CORS."""

    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS" and _origin(request):
            return _shared(request, HttpResponse(status=204, headers=PREFLIGHT))
        response = _asked(view, request, *args, **kwargs)
        if response.status_code == 405:
            response = _not_allowed(request, response["Allow"])
        # What one caller may see is kept for nobody else, and asked for again each time.
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return _shared(request, response)

    return entered


def _asked(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Return the view's answer, to HEAD that to GET: the web server leaves the body out."""
    method = request.method
    if method != "HEAD":
        return view(request, *args, **kwargs)
    request.method = "GET"
    try:
        response = view(request, *args, **kwargs)
    finally:
        request.method = method
    if isinstance(response, StreamingHttpResponse):
        # It would be made whole, for nobody.
        response.streaming_content = ()
    return response


def _not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    methods = f"{allowed}, HEAD" if "GET" in allowed else allowed
    response = error_response(
        405, f"{request.method} is not for this address.", hint=f"Use {methods}."
    )
    response["Allow"] = methods
    return response


def _origin(request: HttpRequest) -> str | None:
    """Return the origin of another site's script, if that may read answers."""
    origin = request.headers.get("Origin")
    return origin if origin in settings.API_ORIGINS else None


def _shared(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let scripts of the allowed origins read an answer.

    Never with credentials: another site's script needs a token, it cannot borrow a session.
    """
    if not settings.API_ORIGINS:
        return response
    patch_vary_headers(response, ["Origin"])
    origin = _origin(request)
    if origin:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = READABLE
    return response


def _in_its_shape(status: int, message: str, page: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler of errors that happen outside of any view of the API."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.path_info.startswith(API):
            return page(request, *args, **kwargs)
        return _shared(request, error_response(status, message, hint="See /api/v1/docs."))

    return handler


handler400 = _in_its_shape(400, "The request cannot be read.", defaults.bad_request)
handler404 = _in_its_shape(404, "There is no such address.", defaults.page_not_found)
_handler500 = _in_its_shape(500, "Something went wrong here.", server_error)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside of any view of the API; 503 where something is away."""
    if request.path_info.startswith(API) and is_away():
        return _shared(request, error_response(503, AWAY_TEXT, hint=AGAIN))
    response: HttpResponse = _handler500(request)
    return response

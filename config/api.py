"""The API: both apps' routes under /api/v1/, their document, and one shape for every error."""

import logging
import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.renderers import BaseRenderer

from config.api_door import AGAIN, AWAY_TEXT, door
from config.api_page import WHEN, ApiPage
from config.away import AWAY
from history.api import router as history_router
from telemetry import __version__
from telemetry.api import router as telemetry_router
from telemetry.api_errors import CODES, Refusal, error_response, refused, says
from telemetry.callers import Session, Token

log = logging.getLogger(__name__)

ROOT = "/api/v1/"
TIME_HINT = "Times are ISO 8601 with a zone, like 2026-03-04T12:00:00Z; write + as %2B."


class Rendered(BaseRenderer):
    """JSON by msgspec: times are ISO 8601 and end in Z."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        """Return the data as JSON."""
        return msgspec.json.encode(data)


def only_known(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse parameters that the document does not name: a misspelled filter filters nothing."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        known = _parameters().get((_path(request), (request.method or "").lower()), [])
        unknown = sorted(set(request.GET) - set(known))
        if unknown:
            name, hint = unknown[0][:80], f"Known here: {', '.join(known) or 'none'}."
            raise Refusal(400, f"There is no parameter {name!r} here.", hint=hint, where=name)
        return view(request, *args, **kwargs)

    return asked


def _path(request: HttpRequest) -> str:
    """Return a request's address as the document writes it."""
    assert request.resolver_match is not None
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", request.resolver_match.route)


@cache
def _parameters() -> dict[tuple[str, str], list[str]]:
    """Return the names of the query's parameters by path and method, as the document tells them."""
    return {
        (path, method): [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return dict(api.get_openapi_schema(path_prefix=ROOT))


api = NinjaAPI(
    title="Scenewatch",
    version=__version__,
    urls_namespace="api",
    description="What ComfyUI servers do and did. docs/api.md tells how to use it.",
    auth=[Token(), Session()],
    renderer=Rendered(),
    servers=[{"url": settings.BASE_PATH}] if settings.BASE_PATH else [],
    openapi_url=None,
    docs_url=None,
)
api.add_decorator(only_known)
api.add_router("", telemetry_router)
api.add_router("", history_router)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> dict[str, Any]:
    """Return the OpenAPI document, to whoever may ask anything here."""
    return document()


@require_safe
@login_required
def docs(request: HttpRequest) -> HttpResponse:
    """Show the document to people; what they try is asked with their own session."""
    page = ApiPage(document())
    refusals = [(status, code, WHEN[status]) for status, code in CODES.items()]
    context = {"routes": page.routes, "shapes": page.shapes, "refusals": refusals}
    site = request.build_absolute_uri(f"{settings.BASE_PATH}/").removesuffix("/")
    return render(request, "config/api_docs.html", {**context, "site": site})


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Answer 422: name each parameter and what is wrong with it."""
    # Of what is given repeatedly the last part is its place in the list.
    places = [next(p for p in reversed(e["loc"]) if isinstance(p, str)) for e in error.errors]
    told = [f"{place}: {found['msg']}" for place, found in zip(places, error.errors, strict=True)]
    times = any(found["type"].startswith(("datetime", "timezone")) for found in error.errors)
    hint = TIME_HINT if times else ""
    return error_response(422, "; ".join(told)[:500], hint=hint, where=places[0])


@api.exception_handler(Exception)
def failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answer 500, and log what happened."""
    log.error("api: %s failed", request.path, exc_info=error)
    return error_response(500, "Something went wrong here.", hint="The site's log says what.")


api.exception_handler(Refusal)(refused)
api.exception_handler(Http404)(says(404, "There is no such thing, or not for you."))
api.exception_handler(PermissionDenied)(
    says(403, "Your role in this team does not include it.", "Ask an admin of the team.")
)
api.exception_handler(HttpError)(
    lambda request, error: error_response(error.status_code, error.message)
)
for away in AWAY:
    api.exception_handler(away)(says(503, AWAY_TEXT, AGAIN))


def _patterns() -> list[URLPattern]:
    """Return the routes below ROOT, each behind the door; ninja's own root only answers 404.

    Ninja tells an address once for each method, all with the view that answers every one.
    """
    routes = [route for route in api.urls[0] if isinstance(route, URLPattern)]
    once = {str(route.pattern): route for route in routes[::-1] if route.name != "api-root"}
    return [path("docs", docs, name="docs"), *map(_behind_door, list(once.values())[::-1])]


def _behind_door(route: URLPattern) -> URLPattern:
    assert route.callback is not None
    return path(str(route.pattern), gzip_page(door(route.callback)), name=route.name)


urlpatterns = _patterns()

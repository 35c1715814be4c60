"""What a browser keeps for the time in which the site cannot be reached: one page that says so.

The service worker (static/js/service-worker.js) keeps that page and what it is made of, and nothing
else: no page of a team, no answer of the API, nothing that depends on who is signed in.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.views.decorators.http import condition, require_safe

WORKER = "js/service-worker.js"
# What templates/offline.html asks for, each with ?offline: under these addresses nobody else asks,
# so the worker leaves every other request alone.
FILES = ("css/scenewatch.css", "icons/favicon.svg", "js/offline.js", "js/theme.js")


def page() -> str:
    """Return the page, rendered without a request: nothing of a person can get into it."""
    return render_to_string("offline.html")


@cache
def version() -> str:
    """Return a short hash of all that is kept: another one makes browsers keep it anew."""
    parts = [page().encode(), *(_source(name) for name in (WORKER, *FILES))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def worker() -> str:
    """Return the worker's script; its first line tells it what to keep."""
    told = {
        "version": version(),
        "page": reverse("offline"),
        "files": [f"{static(name)}?offline" for name in FILES],
    }
    return f"const KEPT = {json.dumps(told)};\n{_source(WORKER).decode()}"


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Show the page; kept copies of it are the worker's business alone."""
    return HttpResponse(page(), headers={"Cache-Control": "no-cache"})


@require_safe
@condition(etag_func=lambda request: f'"{version()}"')
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the worker, for the whole site. A browser asks for it at each visit: mostly 304."""
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": get_script_prefix()}
    return HttpResponse(worker(), content_type="text/javascript; charset=utf-8", headers=headers)


def _source(name: str) -> bytes:
    found = finders.find(name)
    assert isinstance(found, str), name
    return Path(found).read_bytes()

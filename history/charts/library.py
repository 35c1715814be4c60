"""The library that draws charts in browsers: Vega-Lite, as vl-convert-python brings it.

Made once, when first asked for, and kept in the data folder (`charts/`); its address holds a digest
of the version, so browsers keep it for good. Where the folder cannot be written it is made once in
each process. `manage.py make_chart_library` makes it beforehand.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

PACKAGE = "vl-convert-python"
COMMAND = (sys.executable, "-m", "history.charts.make_library")
WAIT_S = 60
FOREVER = "public, max-age=31536000, immutable"
_making = threading.Lock()


@cache
def digest() -> str:
    """Return what the library's address and file are named by: the package's version, hashed."""
    told = f"{PACKAGE} {version(PACKAGE)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def folder() -> Path:
    """Return where the library is kept."""
    return Path(settings.DATA_DIR) / "charts"


def zipped() -> bytes:
    """Return the library, gzipped; the first call ever makes it, which takes seconds.

    Raises OSError where it cannot be made.
    """
    path = folder() / f"vega-{digest()}.js.gz"
    with _making:
        with suppress(OSError):
            return path.read_bytes()
        return _made(path)


@cache
def _made(path: Path) -> bytes:
    made = gzip.compress(_bundle(), mtime=0)
    with suppress(OSError):  # a folder that cannot be written: it stays in memory
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(made)
        # Whole or not at all: several processes may make it at once.
        os.replace(name, path)
    return made


def _bundle() -> bytes:
    told = subprocess.run(
        COMMAND, cwd=settings.BASE_DIR, capture_output=True, timeout=WAIT_S, check=False
    )
    if told.returncode:
        raise OSError(f"The chart library was not made: {told.stderr.decode()[-500:]}")
    return told.stdout


@require_safe
async def chart_library(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the library to whoever asks: it is nobody's data."""
    if name != digest():
        raise Http404
    # In a thread of its own: all other pages share one, and would wait while it is made.
    body = await sync_to_async(zipped, thread_sensitive=False)()
    response = HttpResponse(content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = FOREVER
    patch_vary_headers(response, ["Accept-Encoding"])
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.headers["Content-Encoding"] = "gzip"
        response.content = body
    else:
        response.content = gzip.decompress(body)
    return response

"""A filtered list as a file: runs or their scenes, as CSV or JSON, however many they are.

Rows are read part by part, each part behind the last row of the one before, so that memory is that
of one part and no transaction is held. What changes meanwhile may be told as it was or as it is.
"""

import csv
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.cache import patch_vary_headers

from history.keyset import Place
from history.models import Run, Scene
from history.runs_api.detail import servers_of
from history.runs_api.shapes import RunOut, SceneRow
from telemetry.api_shapes import Shape
from telemetry.database import hand_back

PART = 500
# The scenes of a part's runs are read so many runs at once that they are about so many.
SCENES = 5_000
# What a spreadsheet would take for a formula (OWASP): told as text, by a leading apostrophe.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Rows = Iterator[list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Export:
    """What a file holds: its rows part by part, of which shape each is, and in which form."""

    of: type[Shape]
    rows: "Callable[[QuerySet[Run]], Rows]"
    written: Callable[[list[str], Rows], Iterator[bytes]]
    kind: str


def exported(request: HttpRequest, name: str, runs: "QuerySet[Run]") -> StreamingHttpResponse:
    """Answer with the file of this name (EXPORTS), of the runs that are given in any order."""
    export = EXPORTS[name]
    body = export.written(list(export.of.model_fields), export.rows(runs))
    if request.method == "HEAD":
        body = iter(())
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    if zipped:
        body = _zipped(body)
    # Of an iterator that is none of asyncio's, Django would gather all before the first byte.
    stream = _in_turn(body) if isinstance(request, ASGIRequest) else body
    response = StreamingHttpResponse(stream, content_type=export.kind)
    response["Content-Disposition"] = f'attachment; filename="scenewatch-{name}"'
    response["Cache-Control"] = "private, no-store"
    if zipped:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _zipped(body: Iterator[bytes]) -> Iterator[bytes]:
    """Zip a body as one member, sent part by part.

    Django's own makes a member of each part of asyncio's bodies, and browsers read only the first.
    """
    packer = zlib.compressobj(level=1, wbits=31)
    for part in body:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


async def _in_turn(body: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield each part once it is made, in the thread that the request's connections belong to."""
    # Not by its truth: of runs without scenes a part is empty, and others may follow.
    while (part := await sync_to_async(_next)(body)) is not None:
        yield part


def _next(body: Iterator[bytes]) -> bytes | None:
    """Return the next part; None after the last. Whoever reads slowly holds no connection."""
    try:
        return next(body, None)
    finally:
        hand_back()


# --- What is told ---------------------------------------------------------------------------------


def _parts(runs: "QuerySet[Run]") -> Iterator[list[Run]]:
    ordered = runs.order_by("-began_at", "-pk")
    place, rows = None, list(ordered[:PART])
    while rows:
        yield rows
        if len(rows) < PART:
            return
        place = Place("began_at", rows[-1].began_at, rows[-1].pk)
        rows = list(ordered.filter(place.before())[:PART])


def _runs(runs: "QuerySet[Run]") -> Rows:
    for part in _parts(runs):
        servers = servers_of([run.pk for run in part])
        yield [RunOut.of(run, servers[run.pk]).model_dump() for run in part]


def _scenes(runs: "QuerySet[Run]") -> Rows:
    for part in _parts(runs):
        for some in _few(part):
            own = {run.pk: (place, run) for place, run in enumerate(some)}
            found = Scene.objects.filter(run__in=list(own)).order_by()
            rows = sorted(found, key=lambda s: (own[s.run_id][0], s.position or 0, s.pk))
            yield [SceneRow.of(scene, own[scene.run_id][1]).model_dump() for scene in rows]


def _few(runs: list[Run]) -> Iterator[list[Run]]:
    """Yield runs whose scenes are about SCENES together; a single one may have more."""
    some: list[Run] = []
    count = 0
    for run in runs:
        if some and count + run.scene_count > SCENES:
            yield some
            some, count = [], 0
        some.append(run)
        count += run.scene_count
    yield some


# --- How it is written ----------------------------------------------------------------------------


def _csv(names: list[str], parts: Rows) -> Iterator[bytes]:
    """Write a table: names with their units above, nothing where nothing is known."""
    # Spreadsheets take a file for UTF-8 by these three bytes.
    yield b"\xef\xbb\xbf" + _lines([names])
    for part in parts:
        yield _lines([[_cell(row[name]) for name in names] for row in part])


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Return a value as a cell: numbers as they are, texts guarded against being formulas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        value = "; ".join(one["name"] for one in value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _json(_: list[str], parts: Rows) -> Iterator[bytes]:
    """Write one object with all items; a file that was cut off is none, and so seen to be."""
    yield b'{"items":['
    between = b""
    for part in parts:
        if part:
            yield between + b",\n".join(map(msgspec.json.encode, part))
            between = b",\n"
    yield b"]}\n"


CSV, JSON = "text/csv; charset=utf-8", "application/json"
EXPORTS = {
    "runs.csv": Export(RunOut, _runs, _csv, CSV),
    "runs.json": Export(RunOut, _runs, _json, JSON),
    "scenes.csv": Export(SceneRow, _scenes, _csv, CSV),
    "scenes.json": Export(SceneRow, _scenes, _json, JSON),
}

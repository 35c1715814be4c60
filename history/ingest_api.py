"""The API's door into the record: POST /api/v1/runs. config/api.py puts it below /api/v1/."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from ninja import Query, Router, Schema, Status
from pydantic import Field

from history import storage
from history.filing.intake import Taken, take
from history.filing.into import Into, Result
from history.imports.errors import Unreadable
from history.imports.gathering import METADATA, SUMMARY, Gathered, gather_archive, is_archive
from history.imports.json_text import LARGEST_BYTES
from history.imports.reading import File
from telemetry.api_errors import Refusal, answers_to_a_body
from telemetry.api_shapes import Shape, TeamQuery
from telemetry.callers import Caller, Session, Token, caller_of
from telemetry.clock import now
from telemetry.models import Scope, Server

router = Router()

# Beside the file itself, what a form around it takes.
LARGEST_FORM_BYTES = LARGEST_BYTES + 100_000
NAMELESS = "posted file"
KINDS = ("application/json", "text/plain", "text/csv", "application/zip")
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "artifact-metadata.json, run-summary.txt, a table, our own export, or a zip "
        "archive of such files; or a form with one or more of them. At most 20 MB.",
        "content": {
            **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
        },
    }
}


class IngestQuery(TeamQuery):
    """What the file itself does not say."""

    source: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[^\x00]*$",
        description='Whose ids the runs have; "default" where neither this nor the file says.',
    )
    server: str | None = Field(
        None,
        max_length=60,
        pattern=r"^[^\x00]*$",
        description="The name of the server they ran on.",
    )
    name: str = Field(
        "", max_length=300, pattern=r"^[^\x00]*$", description="The file's name, to be found by."
    )


class FindingOut(Schema):
    """Something odd in a file: docs/imports.md has the codes."""

    code: str
    level: str
    path: str
    message: str
    scene: str | None


class FiledOut(Shape):
    """A run as it is on record now; findings are told where it is new or changed."""

    id: int
    source: str
    external_id: str
    result: Result
    revision: int
    scenes: int
    findings: list[FindingOut]


class RefusedOut(Shape):
    """A file that tells of no run, and why; line and column where the place is known."""

    name: str
    message: str
    line: int | None
    column: int | None


class Ingested(Shape):
    """What came of what was handed in."""

    runs: list[FiledOut]
    refused: list[RefusedOut]


@router.post(
    "/runs",
    response=answers_to_a_body(Ingested),
    summary="Hand in what files tell of runs",
    tags=["runs"],
    # A session opens nothing here, and says so as everywhere.
    auth=[Token(Scope.INGEST), Session()],
    openapi_extra=BODY,
)
def ingest(request: HttpRequest, asked: Query[IngestQuery]) -> Status[Any]:
    """Put runs on record: 201 where one is new, else 200. The same again changes nothing.

    A single file that tells of no run is refused (422), of several each is told for itself.
    """
    into = _into(caller_of(request), asked)
    try:
        storage.check(into.team, into.at)
    except storage.OverQuota as error:
        raise Refusal(409, str(error), hint=storage.NEXT, where="team") from None
    # One after the other: what an archive inflates to is a hundred times what was handed in.
    files = _files(request, asked.name or NAMELESS)
    taken = list(take(files, into, into.at))
    if len(taken) == 1 and taken[0].error is not None:
        raise _refusal(taken[0].error)
    runs = [_told(run) for one in taken for run in one.runs]
    is_new = any(run.result is Result.CREATED for run in runs)
    refused = [_refused(one) for one in taken if one.error is not None]
    return Status(201 if is_new else 200, Ingested(runs=runs, refused=refused))


def _into(caller: Caller, asked: IngestQuery) -> Into:
    """Return where it goes: the team of the token, whatever else its owner may do."""
    team, server = caller.team(asked.team), None
    if asked.server is not None:
        server = Server.objects.kept().filter(team=team, name=asked.server).first()
        if server is None:
            raise Refusal(422, "The team has no server of this name.", where="server")
    return Into(team, now(), cast(User, caller.user), asked.source, server)


# --- What is handed in --------------------------------------------------------------------------


def _files(request: HttpRequest, name: str) -> Iterator[Gathered]:
    if (request.content_type or "") == "multipart/form-data":
        yield from _of_form(request)
    else:
        yield from _opened(name, _body(request))


def _body(request: HttpRequest) -> bytes:
    """Return the body, one byte more than is taken at most: Django's own limit is for forms."""
    _check_length(request, LARGEST_BYTES)
    try:
        body: bytes = request.read(LARGEST_BYTES + 1)
    except UnreadablePostError:
        raise Refusal(400, "The body ended early.") from None
    if len(body) > LARGEST_BYTES:
        raise _too_large()
    return body


def _of_form(request: HttpRequest) -> Iterator[Gathered]:
    _check_length(request, LARGEST_FORM_BYTES)
    try:
        parts = [part for _, of in request.FILES.lists() for part in of]
    except (MultiPartParserError, TooManyFilesSent, UnreadablePostError):
        raise Refusal(400, "The form cannot be read.") from None
    if not parts:
        raise Refusal(422, "The form holds no file.", where="file")
    files = [(part.name or NAMELESS, part.read()) for part in parts]
    summary = next((data for name, data in files if name.lower() == SUMMARY), None)
    described = any(name.lower() in METADATA for name, _ in files)
    for name, data in files:
        if name.lower() == SUMMARY and described:
            continue
        yield from _opened(name, data, summary if name.lower() in METADATA else None)


def _opened(name: str, data: bytes, summary: bytes | None = None) -> Iterator[Gathered]:
    if is_archive(data):
        yield from gather_archive(BytesIO(data), name)
    else:
        yield File(name, data, summary)


def _check_length(request: HttpRequest, most: int) -> None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > most:
        raise _too_large()


def _too_large() -> Refusal:
    return Refusal(
        413,
        f"More than {LARGEST_BYTES // 10**6} MB.",
        hint="Hand in runs one by one, or use manage.py import_runs.",
    )


# --- What came of it ----------------------------------------------------------------------------


def _told(run: Any) -> FiledOut:
    names = ("code", "level", "path", "message", "scene")
    findings = [FindingOut(**{n: getattr(one, n) for n in names}) for one in run.findings]
    return FiledOut.told(run, id=run.run_id, findings=findings)


def _refused(taken: Taken) -> RefusedOut:
    error = taken.error
    assert error is not None
    return RefusedOut(name=taken.name, message=error.message, line=error.line, column=error.column)


def _refusal(error: Unreadable) -> Refusal:
    where = f"line {error.line}, column {error.column}" if error.line is not None else ""
    return Refusal(422, error.message, hint="See docs/imports.md.", where=where)

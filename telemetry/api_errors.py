"""What the API says where it does not answer: one shape for every refusal and failure."""

from collections.abc import Callable
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Schema

CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}


class ErrorBody(Schema):
    """What went wrong. `hint` says what to do next, `where` names the parameter it is about."""

    code: str
    message: str
    hint: str | None = None
    where: str | None = None


class Error(Schema):
    """The answer to every request that was refused or failed."""

    error: ErrorBody


# No route answers the first; the second is of what changes something, the third of bodies.
OF_METHODS, OF_CHANGES, OF_BODIES = 405, 409, 413


def answers(shape: Any) -> dict[Any, Any]:
    """Return what a route may answer, for the document: this shape, or an error."""
    return {200: shape, _but(OF_METHODS, OF_CHANGES, OF_BODIES): Error}


def answers_with_a_table() -> dict[Any, Any]:
    """Return what a route may answer that answers with CSV; the document's part says so."""
    return {_but(OF_METHODS, OF_CHANGES, OF_BODIES): Error}


TABLE: dict[str, Any] = {
    "responses": {
        200: {
            "description": "CSV in UTF-8: a line of names, then a line for each.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    }
}


def answers_to_a_change(shape: Any) -> dict[Any, Any]:
    """Return what a route that changes something may answer: this shape, or an error."""
    return {200: shape, _but(OF_METHODS, OF_BODIES): Error}


def answers_to_a_body(shape: Any) -> dict[Any, Any]:
    """Return what a route that takes a body may answer: this shape, or an error."""
    return {(200, 201): shape, _but(OF_METHODS): Error}


def _but(*codes: int) -> tuple[int, ...]:
    return tuple(code for code in CODES if code not in codes)


class Refusal(Exception):
    """A request that is refused, raised anywhere below the API's routes."""

    def __init__(self, status: int, message: str, *, hint: str = "", where: str = "") -> None:
        self.status, self.message, self.hint, self.where = status, message, hint, where
        self.retry_after_s: int | None = None
        super().__init__(message)


def too_many(message: str, retry_after_s: int) -> Refusal:
    """Return the refusal of one who asks too often."""
    refusal = Refusal(429, message, hint=f"Wait {retry_after_s} s, as Retry-After says.")
    refusal.retry_after_s = retry_after_s
    return refusal


def error_response(status: int, message: str, *, hint: str = "", where: str = "") -> HttpResponse:
    """Return a refusal in the API's one shape; hint and where are left out where empty."""
    told = {"code": CODES[status], "message": message, "hint": hint, "where": where}
    body = msgspec.json.encode({"error": {key: value for key, value in told.items() if value}})
    response = HttpResponse(body, status=status, content_type="application/json")
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="scenewatch"'
    return response


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the answer to a request that was refused."""
    response = error_response(
        refusal.status, refusal.message, hint=refusal.hint, where=refusal.where
    )
    if refusal.retry_after_s is not None:
        response["Retry-After"] = str(refusal.retry_after_s)
    return response


Handler = Callable[[HttpRequest, Any], HttpResponse]


def says(status: int, message: str, hint: str = "") -> Handler:
    """Return a handler of exceptions that always says the same."""
    return lambda request, error: error_response(status, message, hint=hint)

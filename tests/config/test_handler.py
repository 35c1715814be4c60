"""A request is answered in one thread, whatever the middleware could do."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from config.handler import OneThreadHandler

asked: list[Any] = []


class Noting:
    """A middleware that can do either, and notes what is asked of it, and where."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        asked.append("in the loop" if iscoroutinefunction(get_response) else "in a thread")

    def __call__(self, request: HttpRequest) -> Any:
        asked.append(threading.get_ident())
        return self.get_response(request)


def page(request: HttpRequest) -> HttpResponse:
    asked.append(threading.get_ident())
    return HttpResponse("a page")


def parts(request: HttpRequest) -> StreamingHttpResponse:
    async def told() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingHttpResponse(told())


def breaks_off(request: HttpRequest) -> StreamingHttpResponse:
    async def told() -> AsyncIterator[bytes]:
        yield b"one "
        raise RuntimeError("on purpose")

    response = StreamingHttpResponse(told())
    response._resource_closers.append(lambda: asked.append(threading.get_ident()))
    return response


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sorry", status=500)


urlpatterns = [
    *(path("page", page), path("parts", parts)),
    *(path("broken", broken), path("breaks_off", breaks_off)),
]
here = override_settings(
    MIDDLEWARE=[f"{__name__}.Noting"] * 2, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"]
)


def answered(address: str) -> tuple[int, bytes]:
    """Return what the handler answers: the status, and the body."""
    asked.clear()

    async def ask() -> tuple[int, bytes]:
        headers = [(b"host", b"site")]
        scope = {"type": "http", "method": "GET", "path": address, "headers": headers}
        site = ApplicationCommunicator(
            OneThreadHandler(), {**scope, "query_string": b"", "http_version": "1.1"}
        )
        await site.send_input({"type": "http.request", "body": b""})
        begin, body = await site.receive_output(5), b""
        while (part := await site.receive_output(5)).get("more_body"):
            body += part["body"]
        await site.wait(5)
        return begin["status"], body + part.get("body", b"")

    return asyncio.run(ask())


@here
def test_a_request_is_in_one_thread_from_the_first_middleware_on() -> None:
    assert answered("/page") == (200, b"a page")

    modes, threads = asked[:2], asked[2:]
    assert modes == ["in a thread"] * 2
    assert len(threads) == 3
    assert len({*threads, threading.get_ident()}) == 2


@here
def test_an_answer_in_parts_comes_whole() -> None:
    assert answered("/parts") == (200, b"one two")


@here
def test_what_fails_is_an_error_and_no_end() -> None:
    assert answered("/broken") == (500, b"sorry")


@here
def test_an_answer_that_breaks_off_is_closed_in_its_thread() -> None:
    """Its connection to the database is given back there; and the server hears that it broke."""
    with pytest.raises(RuntimeError, match="on purpose"):
        answered("/breaks_off")

    middleware, closed = asked[2], asked[-1]
    assert len(asked) == 5
    assert middleware == closed

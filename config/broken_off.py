"""Answers that break off: Daphne closes their connection, so that who reads them knows.

A stream that fails has told its status long before. Daphne would try to answer 500 all the same,
fail at that, and stop looking after its connections for as long as the process lives: who reads
waits for ever, and no request of anybody is cleared away again.
"""

from typing import Any

from daphne.http_protocol import WebRequest

_answer_500 = WebRequest.handle_exception


def close_or_answer(request: Any, exception: BaseException) -> None:
    """Close the connection of an answer that has begun; answer 500 where none has."""
    if request._response_started:
        # Without the last chunk, by which browsers and programs see that something is missing.
        request.loseConnection()
    else:
        _answer_500(request, exception)


def take_effect() -> None:
    """Have Daphne do so from now on."""
    WebRequest.handle_exception = close_or_answer

"""How Django answers a request of HTTP: in one thread from the first middleware to the last."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.in_step import in_step


class OneThreadHandler(ASGIHandler):
    """Django's handler, which would change threads for each middleware that wants a thread.

    Pages here are functions that ask the database, so they need a thread anyway. Django begins in
    the loop and enters that thread anew for nearly every middleware, before the page and behind it,
    some twenty times: that takes longer than what they do there.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Load the middleware as WSGI does."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> Any:
        """Answer within the request's own thread."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send an answer; one that breaks off is closed too, which Django leaves out.

        Closing is what gives its connection to the database back. A pool has few of them, and after
        as many failed streams the site would answer nothing any more.
        """
        try:
            await super().send_response(response, in_step(send) if response.streaming else send)
        except Exception:
            await sync_to_async(response.close, thread_sensitive=True)()
            raise

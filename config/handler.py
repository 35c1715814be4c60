"""How Django answers a request of HTTP: in one thread from the first middleware to the last."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest


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

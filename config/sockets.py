"""The socket address that nobody serves."""

from typing import Any

from django.urls import re_path


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket at an unknown address; without this it would be an error in the log."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


# Channels routes to ASGI applications, which Django's path functions are not typed for.
not_found_socket = re_path(r"", refuse)  # type: ignore[arg-type]

"""An application for Daphne, of answers that break off and one that is whole."""

from typing import Any

from config import broken_off

broken_off.take_effect()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer; at /broken fail in the middle of it, at /bad before it."""
    if scope["path"] == "/bad":
        raise RuntimeError("on purpose, before")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one ", "more_body": True})
    if scope["path"] == "/broken":
        raise RuntimeError("on purpose")
    await send({"type": "http.response.body", "body": b"two"})

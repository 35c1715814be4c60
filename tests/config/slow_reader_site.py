"""An application for Daphne: a long stream, and how many parts of it were made so far."""

from typing import Any

from config.in_step import in_step

PARTS, SIZE = 1_000, 65_536
made: list[int] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer; /long is the stream."""
    start = {"type": "http.response.start", "status": 200, "headers": []}
    if scope["path"] != "/long":
        await send(start)
        await send({"type": "http.response.body", "body": str(len(made)).encode()})
        return
    send = in_step(send)
    await send(start)
    for number in range(PARTS):
        made.append(number)
        await send({"type": "http.response.body", "body": b"x" * SIZE, "more_body": True})
    await send({"type": "http.response.body"})

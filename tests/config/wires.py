"""The live addresses as a browser would use them, without a browser: socket, stream, poll."""

import json
from typing import Any

from channels.testing import ApplicationCommunicator, WebsocketCommunicator
from django.test import Client


def headers(browser: Client, **more: str) -> list[tuple[bytes, bytes]]:
    """Return what a browser with these cookies sends."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    told = {"host": "localhost", "cookie": cookies, **more}
    return [(name.encode(), value.encode()) for name, value in told.items() if value]


class Socket:
    """One browser's socket: what it heard, and the code that it was closed with."""

    def __init__(
        self, browser: Client, topic: str, origin: str = "http://localhost", **more: str
    ) -> None:
        from config.asgi import application

        path = f"/live/socket/?topic={topic}"
        told = headers(browser, origin=origin, **more)
        self.heard: list[dict[str, Any]] = []
        self.communicator = WebsocketCommunicator(application, path, told)

    async def open(self) -> bool:
        """Open the socket; say whether it was accepted."""
        accepted, _ = await self.communicator.connect(timeout=5)
        return bool(accepted)

    async def say(self, **said: Any) -> None:
        """Say something, as a browser would."""
        await self.communicator.send_to(text_data=json.dumps(said))

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """Return the next message of one of the kinds."""
        while True:
            self.heard.append(json.loads(await self.communicator.receive_from(timeout=5)))
            if self.heard[-1]["type"] in kinds:
                return self.heard[-1]

    async def closed(self) -> int:
        """Listen until the socket is closed, and return the code."""
        while True:
            message = await self.communicator.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return int(message["code"])
            self.heard.append(json.loads(message["text"]))

    async def leave(self) -> None:
        """Close the socket."""
        await self.communicator.disconnect()


def _asked(path: str, browser: Client, **more: str) -> ApplicationCommunicator:
    from config.asgi import application

    address, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": address,
        "query_string": query.encode(),
        "headers": headers(browser, **more),
        "client": ["127.0.0.1", 1],
    }
    return ApplicationCommunicator(application, scope)


def _told(start: dict[str, Any]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in start["headers"]}


async def http(path: str, browser: Client, **more: str) -> tuple[int, dict[str, str], str]:
    """Return status, headers and the body up to a first snapshot or its end."""
    asked = _asked(path, browser, **more)
    await asked.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await asked.receive_output(5)
    body, whole = "", False
    while not whole and '"type":"snapshot"' not in body:
        part = await asked.receive_output(5)
        body += part.get("body", b"").decode()
        whole = not part.get("more_body", False)
    if not whole:
        await asked.send_input({"type": "http.disconnect"})
    await asked.wait(5)
    return start["status"], _told(start), body


async def raw(path: str, browser: Client, **more: str) -> tuple[dict[str, str], bytes]:
    """Return the headers and the bytes of an answer of one piece."""
    asked = _asked(path, browser, **more)
    await asked.send_input({"type": "http.request", "body": b"", "more_body": False})
    start, part = await asked.receive_output(5), await asked.receive_output(5)
    await asked.wait(5)
    return _told(start), part["body"]


async def events(browser: Client, topic: str, last_id: str, until: str) -> str:
    """Return what an event stream says from an id on, up to a word; then the reader leaves."""
    from config.asgi import application

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/live/events/",
        "query_string": f"topic={topic}".encode(),
        "headers": headers(browser, **{"last-event-id": last_id}),
    }
    stream = ApplicationCommunicator(application, scope)
    await stream.send_input({"type": "http.request", "body": b"", "more_body": False})
    heard = ""
    while until not in heard:
        heard += (await stream.receive_output(5)).get("body", b"").decode()
    await stream.send_input({"type": "http.disconnect"})
    await stream.wait(5)
    return heard

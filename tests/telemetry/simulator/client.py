"""A client as small as can be: no retries, no decoding beyond JSON."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Self

import aiohttp

Json = dict[str, Any]
PATIENCE_S = 8.0


def in_loop(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Run an async test in a loop of its own, and not for ever."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


class Listener:
    """One websocket; `messages` grows as they come."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.messages: list[Json] = []
        self.binary: list[bytes] = []
        self.pongs: list[bytes] = []
        self.closed_with: int | None = None
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    def of(self, kind: str) -> list[Json]:
        return [message["data"] for message in self.messages if message["type"] == kind]

    def logs(self) -> list[str]:
        return [entry["m"] for data in self.of("logs") for entry in data["entries"]]

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once the condition holds; it is asked again at every message."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def has(self, kind: str, times: int = 1) -> None:
        await self.until(lambda: len(self.of(kind)) >= times)

    async def is_closed(self) -> None:
        await self.until(lambda: self.closed_with is not None)

    async def round_trip(self) -> None:
        """Have heard whatever the server says to what was sent; only with autoping=False.

        ComfyUI takes what a socket sends in turn, so its pong is the last of its answers.
        """
        answered = len(self.pongs)
        await self.ws.ping()
        await self.until(lambda: len(self.pongs) > answered)

    async def close(self) -> None:
        await self.ws.close()
        await self._reader

    async def _read(self) -> None:
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.messages.append(message.json())
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.binary.append(message.data)
            elif message.type is aiohttp.WSMsgType.PONG:
                self.pongs.append(message.data)
            self._news.set()
        self.closed_with = self.ws.close_code
        self._news.set()


class Client:
    """HTTP and websockets towards one server."""

    def __init__(self, url: str, headers: Json | None = None) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(headers=headers)
        self.listeners: list[Listener] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        for listener in self.listeners:
            await listener.close()
        await self.session.close()

    async def listen(self, client_id: str | None = None, **options: Any) -> Listener:
        query = f"?clientId={client_id}" if client_id else ""
        listener = Listener(await self.session.ws_connect(f"{self.url}/ws{query}", **options))
        self.listeners.append(listener)
        await listener.has("status")
        return listener

    async def ask(
        self, method: str, path: str, body: object = None, **options: Any
    ) -> tuple[int, Any]:
        """Return status and body; the body is None if there is none, text if it is no JSON."""
        if body is not None:
            options["json"] = body
        async with self.session.request(method, self.url + path, **options) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text() or None

    async def get(self, path: str) -> Any:
        return (await self.ask("GET", path))[1]


def slow_graph(steps: int = 4, delay: float = 0.2, seed: int = 1, prefix: str = "tt") -> Json:
    """Return the graph of the first capture."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64}},
        "2": {
            "class_type": "TTSlow",
            "inputs": {"image": ["1", 0], "steps": steps, "delay": delay, "seed": seed},
        },
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "4": {
            "class_type": "SaveImage",
            "inputs": {"images": ["3", 0], "filename_prefix": prefix, "seconds": 0},
        },
    }

"""Play a capture: one observer's websocket frames, and the HTTP answers of the moment."""

import asyncio
import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from .clock import Clock
from .nodes import Json
from .sockets import send

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ABNORMAL = 1006


class ReplayError(Exception):
    """The file cannot be replayed; the text says which line and why."""


@dataclass(frozen=True)
class Record:
    """One line of a capture; `at` is in seconds since its first line."""

    at: float
    source: str
    kind: str
    data: Json


def read_capture(path: Path) -> list[Record]:
    """Read a capture or raise ReplayError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayError(f"Cannot read {path}: {error}") from None
    records = [_record(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line]
    if not any(record.source.startswith("ws:") for record in records):
        raise ReplayError(f"{path} holds no websocket frames")
    first = records[0].at
    return [Record(r.at - first, r.source, r.kind, r.data) for r in records]


def _record(line: str, where: str) -> Record:
    try:
        told = json.loads(line)
        return Record(float(told["t"]), str(told["source"]), str(told["kind"]), dict(told["data"]))
    except json.JSONDecodeError as error:
        raise ReplayError(f"{where}: not JSON ({error})") from None
    except (KeyError, TypeError, ValueError):
        raise ReplayError(f"{where}: no object with t, source, kind and data") from None


@dataclass
class Replay:
    """Answer like the recorded server did; time begins with the first websocket.

    Played is `ws:observer` where the capture has one, else the first socket in it. Frames are
    verbatim but for the `sid`, which is the listener's own. When all is played the sockets stay
    open and the last answers stand.
    """

    records: Sequence[Record]
    clock: Clock
    _began_at: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        sources = [r.source for r in self.records if r.source.startswith("ws:")]
        self.source = "ws:observer" if "ws:observer" in sources else sources[0]
        self.frames = [r for r in self.records if r.source == self.source]
        self.answers: dict[str, list[Record]] = {}
        for record in self.records:
            if record.kind == "response" and record.data["method"] == "GET":
                for key in {_key(record.data["path"]), _key(record.data["path"].split("?")[0])}:
                    self.answers.setdefault(key, []).append(record)

    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/ws", self.ws),
            ("GET", "/{path:.*}", self.get),
            ("PATCH", "/{path:.*}", self.accept),
        ]

    def now(self) -> float:
        """Return the second of the capture that is being played."""
        return 0.0 if self._began_at is None else self.clock.elapsed() - self._began_at

    async def get(self, request: web.Request) -> web.Response:
        """Give the latest recorded answer to this query, else to this path."""
        path = request.rel_url.path_qs
        known = self.answers.get(_key(path)) or self.answers.get(_key(request.path))
        if not known:
            return web.json_response({"error": "not in this capture"}, status=404)
        latest = bisect_right([record.at for record in known], self.now()) - 1
        data = known[max(0, latest)].data
        return web.json_response(data["body"], status=data["status"])

    async def accept(self, request: web.Request) -> web.Response:
        return web.Response()

    async def ws(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        if self._began_at is None:
            self._began_at = self.clock.elapsed()
        player = asyncio.create_task(self._play(ws, request))
        try:
            async for _ in ws:
                pass
        finally:
            player.cancel()
        return ws

    async def _play(self, ws: web.WebSocketResponse, request: web.Request) -> None:
        joined, sid = self.now(), request.query.get("clientId", "replay")
        for frame in self._greeting(joined) + [r for r in self.frames if r.at >= joined]:
            await self.clock.sleep(max(0.0, frame.at - self.now()))
            if _is_cut(frame):
                assert request.transport is not None
                request.transport.abort()
            elif frame.kind == "text":
                await send(ws, json.dumps(_addressed(frame.data, sid)))
            elif frame.kind == "binary":
                await ws.send_bytes(_binary(frame.data))

    def _greeting(self, joined: float) -> list[Record]:
        """Return the status to start with for whoever comes late."""
        past = [r for r in self.frames if r.at < joined and r.data.get("type") == "status"]
        return past[-1:]


def _key(path: str) -> str:
    """Return a path as it is looked up: with and without /api is the same."""
    while "/api/" in path:
        path = path[path.index("/api/") + 4 :]
    return path


def _is_cut(frame: Record) -> bool:
    return frame.kind == "meta" and frame.data.get("code") == ABNORMAL


def _addressed(message: Json, sid: str) -> Json:
    data: Any = message.get("data")
    if message.get("type") != "status" or "sid" not in data:
        return message
    return {**message, "data": {**data, "sid": sid}}


def _binary(data: Json) -> bytes:
    """Return a frame of the recorded length: its head as recorded, zeros for the image."""
    return bytes.fromhex(data["head_hex"]).ljust(data["binary_len"], b"\0")

"""A viewer: signed in, on the wall's socket, as a browser is; notes what it is shown and when."""

import contextlib
import json
import threading
import time
from dataclasses import dataclass

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from benchmarks.sign_in import signed_in
from benchmarks.stack import HOST, Stack

PARTS = ("head", "gpus", "notice", "exec", "next", "ended", "chip")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the live socket, without its HTML."""

    at: float
    kind: str
    epoch: str
    elements: frozenset[str]


class Viewer:
    """One live socket, opened anew 0.2 s after it closes."""

    def __init__(self, stack: Stack, web_port: int) -> None:
        team_id, [self._key] = signed_in(stack, people=1)
        self._url = f"ws://{HOST}:{web_port}/live/socket/?topic=team-{team_id}"
        self.shown: list[Shown] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="viewer", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join(5)

    @property
    def epoch(self) -> str:
        """Return the epoch of the newest message."""
        return next((shown.epoch for shown in reversed(self.shown) if shown.epoch), "")

    def since(self, at: float) -> list[Shown]:
        """Return what was shown since then."""
        return [shown for shown in list(self.shown) if shown.at >= at]

    def whole_at(self, since: float, before: str, server_ids: list[int]) -> float | None:
        """Return when, under another epoch than `before`, every part of every card was shown."""
        missing = {f"server-{pk}-{part}" for pk in server_ids for part in PARTS}
        missing |= {f"server-{pk}" for pk in server_ids}
        began = False
        for shown in self.since(since):
            began = began or (shown.kind == "snapshot" and shown.epoch != before)
            if began:
                missing -= shown.elements
                if not missing:
                    return shown.at
        return None

    def _run(self) -> None:
        headers = {"Cookie": f"sessionid={self._key}"}
        while not self._ended.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                self._look(headers)
            self._ended.wait(0.2)

    def _look(self, headers: dict[str, str]) -> None:
        with connect(self._url, additional_headers=headers, max_size=None) as ws:
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    self._take(ws, str(ws.recv(timeout=0.5)))

    def _take(self, ws: ClientConnection, text: str) -> None:
        body = json.loads(text)
        if "seq" in body:
            place = {name: body[name] for name in ("topic", "epoch", "seq")}
            ws.send(json.dumps({"type": "ack", **place}))
        elements = frozenset(fragment["id"] for fragment in body.get("fragments", ()))
        epoch = body.get("epoch", "")
        self.shown.append(Shown(time.time(), body["type"], epoch, elements))

"""A process of many viewers: sockets that note when each text came, and acknowledge as pages do.

`python -m benchmarks._live.viewers URL KEYS HEARD`; KEYS is a file of session keys, one viewer
each. It prints "all connected" once every viewer was told something; on SIGTERM it writes to HEARD:
`texts`, each once; `came`, for each message of each viewer its place in `texts` and the monotonic
time in ns; `said`, time and length in bytes of what they sent; `gaps`, how often a place did not
follow on the one before; `closed`, how many viewers were closed.

The time is taken where bytes leave the system's socket, before any parsing, and viewers are no
tasks: what a viewer costs must not be mistaken for what the server takes.
"""

import asyncio
import json
import signal
import sys
import time
from itertools import cycle
from pathlib import Path

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

# As static/js/live.js does.
ACK_S = 5.0
BEAT_S = 30.0
AT_ONCE = 20  # connecting is not what is measured

TOLD = ("texts", "came", "gaps", "closed", "said")

Mark = tuple[str, str, int]


class Heard:
    """What all viewers of this process were told."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self.texts: list[str] = []
        self.marks: list[Mark | None] = []
        self.came: list[tuple[int, int]] = []
        self.said: list[tuple[int, int]] = []
        self.gaps = self.closed = 0

    def note(self, payload: bytes, at_ns: int) -> int:
        """Note a text; return its place in `texts`."""
        place = self._places.get(payload)
        if place is None:
            place = self._places[payload] = len(self.texts)
            self.texts.append(payload.decode())
            self.marks.append(mark(self.texts[-1]))
        self.came.append((place, at_ns))
        return place


def mark(text: str) -> Mark | None:
    """Return what an acknowledgement of the message names, None where it has no place."""
    message = json.loads(text)
    return (message["topic"], message["epoch"], message["seq"]) if "seq" in message else None


def follows(before: Mark | None, place: Mark) -> bool:
    """Say whether a place is the next one, as the first of all is."""
    return before is None or place == (*before[:2], before[2] + 1)


class Viewer(asyncio.Protocol):
    """One socket, below asyncio's streams and tasks."""

    def __init__(self, url: str, key: str, heard: Heard) -> None:
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._key, self._heard = key, heard
        self._newest: Mark | None = None
        self._acknowledged: Mark | None = None
        self._said_at = time.monotonic()
        self.told = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = self._protocol.connect()
        request.headers["Cookie"] = f"sessionid={self._key}"
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Note the texts in the data."""
        at_ns = time.monotonic_ns()
        self._protocol.receive_data(data)
        if self._protocol.handshake_exc is not None:
            raise SystemExit(f"a viewer was refused: {self._protocol.handshake_exc}")
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._take(self._heard.marks[self._heard.note(bytes(event.data), at_ns)])
                self.told.set()
        self._flush()  # pongs

    def _take(self, place: Mark | None) -> None:
        if place is not None:
            self._heard.gaps += not follows(self._newest, place)
            self._newest = place

    def connection_lost(self, error: Exception | None) -> None:
        """Count a viewer that was closed."""
        self._heard.closed += 1

    def acknowledge(self) -> None:
        """Say how far it has read; where that is no further than before, now and then a beat."""
        at = time.monotonic()
        if self._newest is not None and self._newest != self._acknowledged:
            self._say({"type": "ack", "seq": self._newest[2]}, at)
            self._acknowledged = self._newest
        elif at - self._said_at > BEAT_S:
            self._say({"type": "beat", "sent": at}, at)

    def _say(self, word: dict[str, object], at: float) -> None:
        text = json.dumps(word, separators=(",", ":")).encode()
        self._heard.said.append((time.monotonic_ns(), len(text)))
        self._said_at = at
        self._protocol.send_text(text)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)


async def main(url: str, keys: list[str]) -> dict[str, object]:
    """Connect everybody, look until SIGTERM; return what came."""
    heard, ended = Heard(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    viewers = [Viewer(url, key, heard) for key in keys]
    for first in range(0, len(viewers), AT_ONCE):
        await asyncio.gather(*(_connect(url, each) for each in viewers[first : first + AT_ONCE]))
    print("all connected", flush=True)
    acknowledging = asyncio.create_task(_acknowledge(viewers))
    await ended.wait()
    acknowledging.cancel()
    return {name: getattr(heard, name) for name in TOLD}


async def _connect(url: str, viewer: Viewer) -> None:
    address = parse_uri(url)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: viewer, address.host, address.port)
    await viewer.told.wait()


async def _acknowledge(viewers: list[Viewer]) -> None:
    """Have one viewer after the other speak, each every ACK_S."""
    for viewer in cycle(viewers):
        await asyncio.sleep(ACK_S / len(viewers))
        viewer.acknowledge()


if __name__ == "__main__":
    address, session_keys, answer = sys.argv[1:]
    told = asyncio.run(main(address, Path(session_keys).read_text().split()))
    Path(answer).write_text(json.dumps(told))

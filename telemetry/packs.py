"""Learn which custom node packs a server has: once after it came online, never in its way.

ComfyUI-Manager is asked first: its answer is short and has versions. /object_info is megabytes and
takes ComfyUI's own loop seconds, as each page of its editor does; so it is asked while nothing
runs, at most once per life of a server, and what is larger than LARGEST_BYTES is not read.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from telemetry.protocol.packs import read_installed, read_nodes
from telemetry.protocol.wire import Unreadable
from telemetry.transitions import (
    EnvironmentChanged,
    ServerCameOnline,
    ServerRestarted,
    Transition,
)
from telemetry.unanswered import NoAnswer, Refused

if TYPE_CHECKING:
    from telemetry.machine import ServerState
    from telemetry.watch import Watch

log = logging.getLogger(__name__)

# What matters more is asked first; and many servers that come back at once are not asked at once.
SETTLE_S = 10.0
REST_S = 5.0
# The largest installations that are known of answer with some 10 MB.
LARGEST_BYTES = 16 << 20
Reader = Callable[[bytes], dict[str, str]]
MANAGER = ("/v2/customnode/installed", "/customnode/installed")
ALL_NODES = "/object_info"


@dataclass(frozen=True, slots=True)
class PacksTold:
    """Which custom node packs the server has: name to version, or to a digest of its nodes."""

    packs: dict[str, str]


class Packs:
    """Ask one server for its node packs whenever a new life of it begins."""

    def __init__(self, watch: "Watch") -> None:
        self.watch = watch
        self._wanted = asyncio.Event()

    def follow(self, changes: Iterable[Transition]) -> None:
        """Want to know again where a server came back: it may run on something else."""
        if any(isinstance(change, ServerCameOnline | ServerRestarted) for change in changes):
            self._wanted.set()

    async def run(self) -> None:
        """Ask until cancelled; a server that does not answer is asked in its next life."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(SETTLE_S)
            self._wanted.clear()
            try:
                told = await self._ask()
            except (Refused, NoAnswer, Unreadable) as error:
                log.info('server "%s": its node packs: %s', self.watch.leased.name, error)
                continue
            self.watch.take(PacksTold(told), quiet=True)

    async def _ask(self) -> dict[str, str]:
        for path in MANAGER:
            try:
                return await self._read(path, read_installed, mode="imported")
            except (NoAnswer, Unreadable):
                continue  # without ComfyUI-Manager, or another age of it
        # Who waits for an end would have to be told of each: this is once in a server's life.
        while self.watch.state.running_attempt() is not None:  # noqa: ASYNC110
            await asyncio.sleep(REST_S)
        return await self._read(ALL_NODES, read_nodes)

    async def _read(self, path: str, reader: Reader, **query: str) -> dict[str, str]:
        """Return what an answer tells; read in a thread, for the loop is all servers'."""
        answer = await self.watch.comfyui.get(path, largest_bytes=LARGEST_BYTES, **query)
        return await asyncio.to_thread(reader, answer.body)


def _told(state: "ServerState", event: PacksTold, at: datetime) -> Iterator[Transition]:
    before, state.node_packs = state.node_packs, event.packs
    # A server that is just up may tell its packs before its stats: they go with those then.
    if state.stats is not None and before != event.packs:
        yield EnvironmentChanged(at, state.stats, state.gpus.driver, event.packs)


HANDLERS: dict[type[Any], Callable[["ServerState", Any, datetime], Iterator[Transition]]] = {
    PacksTold: _told,
}

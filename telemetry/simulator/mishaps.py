"""What happens to a server besides its prompts: it is cut off, restarted, made to forget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Simulator

Mishap = Callable[["Simulator", Random], Awaitable[None]]
RETRY_S = 1.0


async def cut_sockets(simulator: Simulator, rng: Random) -> None:
    simulator.drop_sockets()


async def refuse_connections(simulator: Simulator, rng: Random) -> None:
    """Be out of reach for a while, as behind a pulled cable that resets; prompts go on."""
    await simulator.close_port()
    await simulator.clock.sleep(rng.uniform(2.0, 20.0))
    await _until_done(simulator, simulator.open_port)


async def restart(simulator: Simulator, rng: Random) -> None:
    """Be gone for a while and come back with nothing."""
    await simulator.end_life()
    await simulator.clock.sleep(rng.uniform(3.0, 15.0))
    await _until_done(simulator, simulator.begin_life)


async def clear_history(simulator: Simulator, rng: Random) -> None:
    simulator.clear_history()


async def drop_entry(simulator: Simulator, rng: Random) -> None:
    """Forget one prompt that ended, as DELETE in the frontend's history does."""
    history = simulator.server.prompt_queue.history
    if history:
        del history[rng.choice(list(history))]


async def delete_pending(simulator: Simulator, rng: Random) -> None:
    """Delete a waiting prompt, as somebody else than its owner may."""
    queue = simulator.server.prompt_queue
    if queue.pending:
        queue.delete(rng.choice(sorted(item.prompt_id for item in queue.pending)))


async def _until_done(simulator: Simulator, attempt: Callable[[], Awaitable[None]]) -> None:
    """Try again while somebody else has the port."""
    while True:
        with suppress(OSError):
            return await attempt()
        await simulator.clock.sleep(RETRY_S)


@dataclass(frozen=True)
class Mishaps:
    """How many simulated seconds pass between two of them, and how often each kind comes."""

    gap: tuple[float, float]
    weights: Mapping[Mishap, int]

    def plan(self, seed: int) -> Iterator[tuple[float, Mishap]]:
        """Yield (seconds to wait, what happens then) without end, the same for the same seed."""
        rng, kinds = Random(seed), list(self.weights)
        while True:
            yield rng.uniform(*self.gap), rng.choices(kinds, list(self.weights.values()))[0]

    async def happen(self, simulator: Simulator) -> None:
        rng = Random(simulator.seed)
        for pause, mishap in self.plan(simulator.seed):
            await simulator.clock.sleep(pause)
            await mishap(simulator, rng)


MISHAPS: Mapping[str, Mishaps] = {
    "flapping": Mishaps((20.0, 60.0), {cut_sockets: 4, refuse_connections: 3, restart: 1}),
    "forgetful": Mishaps((10.0, 40.0), {clear_history: 1, drop_entry: 3, delete_pending: 3}),
}

"""Follow a simulated ComfyUI with a real Watch: real sockets, real protocol, no mocks."""

import asyncio
import contextlib
from concurrent.futures import Future

from telemetry.clock import now
from telemetry.leases import Leased
from telemetry.overview import Overview
from telemetry.record import Memory, Record
from telemetry.simulator import Simulator
from telemetry.topics import Topics
from telemetry.watch import Watch

PATIENCE_S = 15


class Kept:
    """A record in memory: what the collector handed over."""

    def __init__(self, memory=None):
        self.changes = []
        self.lines = []
        self.memory = memory or Memory()

    def record(self, leased, changes, lines):
        self.changes += changes
        self.lines += lines
        done = Future()
        done.set_result(None)
        return done

    def doors(self):
        return Record(
            self.record,
            outlook=lambda server_id, workload: None,
            recall=lambda server_id: self.memory,
            overview=lambda team_id: Overview(now()),
        )

    def of(self, kind):
        return [change for change in self.changes if isinstance(change, kind)]


@contextlib.asynccontextmanager
async def watched(simulator, kept=None, **leased):
    """Yield (watch, kept) of a running Watch of a started simulator."""
    kept = kept or Kept()
    values = {"server_id": 1, "team_id": 1, "name": "sim", "url": simulator.url, "fence": 1}
    values |= {"bearer_encrypted": "", "simulated": True, **leased}
    watch = Watch(Leased(**values), kept.doors(), Topics())
    task = asyncio.create_task(watch.run())
    try:
        yield watch, kept
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition, what="the condition"):
    """Wait until condition() is true; fail with a word after PATIENCE_S."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110  the watch tells nobody when it is done
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} did not come within {PATIENCE_S} s") from None


def simulator(**options):
    """Return a simulator without load of its own, ten times as fast as told."""
    return Simulator(**{"speed": 10.0, **options})


def tqdm_graph(steps=10, delay=0.2, seed=1):
    """Return a graph of a node with a plain tqdm loop."""
    work = {"class_type": "TqdmWork", "inputs": {"steps": steps, "delay": delay, "seed": seed}}
    return {"1": work, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}

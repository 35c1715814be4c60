"""What the driver of this host tells, for a watch of a server that runs on this host."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

from telemetry.gpu import GpuTold
from telemetry.leases import Leased
from telemetry.sampler import EVERY_S, Sampler
from telemetry.this_host import on_this_host


async def told_of(leased: Leased, sampler: Sampler | None) -> AsyncIterator[GpuTold]:
    """Yield each new reading, until closed; nothing of another host, nor for a simulated server."""
    if sampler is None or leased.simulated:
        return
    if not await asyncio.to_thread(on_this_host, leased.url):
        return
    seen: datetime | None = None
    while True:
        readings = sampler.latest()
        if readings is not None and readings.at != seen:
            seen = readings.at
            yield GpuTold(readings)
        await asyncio.sleep(EVERY_S)

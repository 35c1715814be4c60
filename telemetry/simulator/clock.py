"""Time as the simulated server has it."""

import asyncio
import time


class Clock:
    """Tell the time, and let simulated seconds pass.

    `speed` divides every wait: at 20 a node of ten seconds takes half a second. Timestamps stay
    those of the wall clock, so that to a watcher the server is merely faster hardware; `offset`
    seconds are added to them, for a clock that is wrong.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed, self.offset = speed, 0.0
        self._running = asyncio.Event()
        self._running.set()

    def time(self) -> float:
        return time.time() + self.offset

    def time_ms(self) -> int:
        return int(self.time() * 1000)

    def elapsed(self) -> float:
        """Return simulated seconds since some fixed moment."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
        await self.running()

    def freeze(self) -> None:
        """Stop everything that waits on this clock, as SIGSTOP stops a process."""
        self._running.clear()

    def thaw(self) -> None:
        self._running.set()

    async def running(self) -> None:
        """Return at once, or when the clock is thawed."""
        await self._running.wait()

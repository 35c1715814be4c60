"""A clock for the simulator that stands still until the test lets time pass."""

import asyncio

from telemetry.simulator.clock import Clock

# Nobody wakes up on the dot. A step of exactly 0.1 s must not be found too short by a float.
OVERSLEPT_S = 0.001


class DrivenClock(Clock):
    """Simulated time goes from one waking-up to the next, when `wake` says so.

    It serves a simulator with one waiting task: the executor of a server without a workload.
    """

    def __init__(self, started_at: float) -> None:
        super().__init__()
        self.started_at, self.now = started_at, 0.0
        self.asleep = asyncio.Event()
        self._awake = asyncio.Event()
        self._until = 0.0

    def time(self) -> float:
        return self.started_at + self.now

    def elapsed(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            assert not self.asleep.is_set(), "two tasks wait on a clock made for one"
            self._until = self.now + seconds + OVERSLEPT_S
            self._awake.clear()
            self.asleep.set()
            await self._awake.wait()
        await self.running()

    def wake(self) -> None:
        """Go on to the moment that is slept until."""
        self.now = max(self.now, self._until)
        self.asleep.clear()
        self._awake.set()

    def is_due_by(self, moment: float) -> bool:
        """Say whether somebody sleeps and wakes up no later than this."""
        return self.asleep.is_set() and self._until <= moment

"""Whether this process was paused: stopped, swapped out, or its machine asleep.

Nobody tells a process that it was. It has lost its leases meanwhile, perhaps, and must ask before
it shows anything; an outage of the database alone is no pause: the live path goes on then.
"""

import time
from collections.abc import Callable


class Pauses:
    """Notices a pause by the time between two looks; over once the leases were asked for since."""

    def __init__(self, longest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._longest_s = longest_s
        self._looked_at = clock()
        self._woke_at: float | None = None

    def paused(self) -> bool:
        """Look: say whether a pause was noticed since which nobody has asked for the leases."""
        at = self.clock()
        if at - self._looked_at > self._longest_s:
            self._woke_at = at
        self._looked_at = at
        return self._woke_at is not None

    def asked(self, began_at: float) -> None:
        """Note that the leases were asked for; what began before the pause proves nothing."""
        if self._woke_at is not None and began_at >= self._woke_at:
            self._woke_at = None

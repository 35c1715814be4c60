"""When to try again: longer and longer, never all at once, and from the start after calm."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

# After this many failures in a row the page says so, and polling every 30 s carries on.
GIVE_UP_AFTER = 5


@dataclass(slots=True)
class Backoff:
    """The delays of a reconnect policy, with 20 % jitter either way.

    A connection resets it only once it has lasted `stable_s`: one that opens and falls over at
    once must not be tried every second.
    """

    delays_s: Sequence[float]
    stable_s: float
    failures: int = 0
    opened_at: datetime | None = None
    rng: random.Random = field(default_factory=random.Random)

    def opened(self, at: datetime) -> None:
        """Note that a connection stands."""
        self.opened_at = at

    def failed(self, at: datetime) -> float:
        """Note that a connection failed or was lost; return the seconds until the next try."""
        lasted = (at - self.opened_at).total_seconds() if self.opened_at else 0.0
        if self.opened_at is not None and lasted >= self.stable_s:
            self.failures = 0
        self.opened_at = None
        delay = self.delays_s[min(self.failures, len(self.delays_s) - 1)]
        self.failures += 1
        return delay * self.rng.uniform(0.8, 1.2)

    @property
    def gave_up(self) -> bool:
        """Say whether the page should call it failed; trying goes on."""
        return self.failures >= GIVE_UP_AFTER

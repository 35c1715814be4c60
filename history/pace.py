"""Work on the database in short transactions, with time for others between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import OperationalError, connection, transaction

AIM_S = 0.1
SMALLEST, LARGEST, FIRST = 100, 5000, 200
SHORTEST_PAUSE_S = 0.01
# Who meets a lock lets its owner pass and tries again: less than PostgreSQL's deadlock_timeout.
LOCK_TIMEOUT_MS = 500
RETRY_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 5.0)

T = TypeVar("T")


@dataclass(slots=True)
class Pace:
    """How many keys the next batch holds: as many as take AIM_S, at most `largest`.

    Between two batches it rests for as long as the last one took.
    """

    largest: int = LARGEST
    pause: Callable[[float], None] = time.sleep
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin small: rows of another kind follow, which may be heavier."""
        self.size = min(FIRST, self.largest)

    def took(self, seconds: float) -> None:
        """Take in how long a batch took: grow at most to the double, shrink to the half, rest."""
        factor = min(2.0, max(0.5, AIM_S / max(seconds, 1e-6)))
        smallest = min(SMALLEST, self.largest)
        self.size = min(self.largest, max(smallest, int(self.size * factor)))
        self.pause(max(SHORTEST_PAUSE_S, seconds))


def in_transaction(work: Callable[[], T], committed: Callable[[float], None]) -> T:
    """Return work's result, done in a transaction.

    `committed` hears how many seconds the commit took, which is where foreign keys are checked.
    Nobody's lock is waited for long: raises OperationalError.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        result = work()
        done = time.perf_counter()
    committed(time.perf_counter() - done)
    return result


def persistently(work: Callable[[], T], pace: Pace) -> T:
    """Return work's result, tried again where the database refuses; raises OperationalError."""
    tries = 0
    while True:
        began = time.perf_counter()
        try:
            result = work()
        except OperationalError:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            if tries >= len(RETRY_DELAYS_S):
                raise
            pace.pause(RETRY_DELAYS_S[tries])
            tries += 1
        else:
            pace.took(time.perf_counter() - began)
            return result

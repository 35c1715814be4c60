"""Write transitions as rows: one writer, batches, one transaction each, fenced, safe to repeat.

`Writer.record` is what the collector is handed: it never blocks, and its Future ends with the
commit. Batches keep their order, and one transaction takes what waits of all servers. While the
database is down they wait (and are retried), so that nothing is lost but what a killed process
held; beyond WAITING_LIMIT the oldest give way, counted.
"""

import itertools
import logging
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from history.rows import Told, write_rows
from telemetry.activity import Happening
from telemetry.leases import Leased, held
from telemetry.transitions import Transition

log = logging.getLogger(__name__)

# So many changes and lines go into one transaction.
BATCH = 500
# What the queue and the history say of one end comes within milliseconds: one transaction for both.
COMPANY_S = 0.01
WAITING_LIMIT = 50_000
RETRY_DELAYS_S = (0.1, 0.5, 2.0, 5.0)
TRIES_AT_STOP = 3
# idle_in_transaction_session_timeout
PAUSED = "25P03"


class FenceLost(Exception):
    """Somebody else follows the server now: what this owner still wanted to write is refused."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one event changed of one server, and who waits for its commit."""

    told: Told
    saved: "Future[None]"

    @property
    def size(self) -> int:
        """Return how many changes and lines it holds."""
        return len(self.told.changes) + len(self.told.lines)


class Writer:
    """The one thread that writes the record."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Waiting | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._halting = threading.Event()
        self.dropped = 0

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Write what waits and stop; say whether that ended in time."""
        self._halting.set()
        self._waiting.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def record(
        self, leased: Leased, changes: list[Transition], lines: list[Happening]
    ) -> "Future[None]":
        """Have the changes written; the Future ends with the commit, or with FenceLost."""
        saved: Future[None] = Future()
        saved.set_running_or_notify_cancel()  # who waits for it may give up, the change may not
        if self._waiting.qsize() >= WAITING_LIMIT:
            self._drop_oldest()
        self._waiting.put(Waiting(Told(leased, changes, lines), saved))
        return saved

    def _drop_oldest(self) -> None:
        oldest = self._waiting.get_nowait()
        if oldest is not None:
            self.dropped += 1
            oldest.saved.set_exception(OverflowError("the database was away for too long"))
            log.error("recorder: %d changes dropped, the database is away", self.dropped)

    def _run(self) -> None:
        running = True
        try:
            while running:
                batch, running = self._collect()
                if batch:
                    self._write_all(batch)
        finally:
            connection.close()

    def _collect(self) -> tuple[list[Waiting], bool]:
        """Wait for the next change and take along what else waits; False once stopped."""
        batch: list[Waiting] = []
        size = 0
        item = self._waiting.get()
        if self._waiting.empty():
            self._halting.wait(COMPANY_S)
        while item is not None:
            batch.append(item)
            size += item.size
            if size >= BATCH or self._waiting.empty():
                return batch, True
            item = self._waiting.get_nowait()
        return batch, False

    def _write_all(self, batch: list[Waiting]) -> None:
        """Write the batch; if that fails, all of it but the change that is at fault."""
        try:
            refused = self._write_until_up(batch)
        except Exception as error:
            self._isolate(batch, error)
        else:
            _settle(batch, refused)

    def _isolate(self, batch: list[Waiting], error: Exception) -> None:
        """Write the halves one after the other, down to the one change that cannot be written."""
        if len(batch) > 1:
            middle = len(batch) // 2
            self._write_all(batch[:middle])
            self._write_all(batch[middle:])
            return
        log.error('recorder: a change of "%s" is lost', batch[0].told.leased.name, exc_info=error)
        batch[0].saved.set_exception(error)

    def _write_until_up(self, batch: list[Waiting]) -> set[int]:
        """Write, and again while the database is away; gives up only when stopped."""
        for tries in itertools.count():
            try:
                return write([waiting.told for waiting in batch])
            except (DatabaseError, InterfaceError) as error:
                if not _is_away(error):
                    raise
                connection.close()
                if self._halting.is_set() and tries >= TRIES_AT_STOP:
                    raise
                delay = RETRY_DELAYS_S[min(tries, len(RETRY_DELAYS_S) - 1)]
                log.warning("recorder: %s; again in %.1f s", error, delay)
                self._halting.wait(delay)
        raise AssertionError("unreachable")


def _is_away(error: Exception) -> bool:
    """Say whether the database was away, rather than the change unwritable.

    PostgreSQL ends the transaction of a process that was paused in it (leases.held), and names that
    an internal error.
    """
    paused = getattr(error.__cause__, "sqlstate", None) == PAUSED
    return paused or isinstance(error, OperationalError | InterfaceError)


def _settle(batch: list[Waiting], refused: set[int]) -> None:
    """Tell who waits how it went."""
    for place, waiting in enumerate(batch):
        if place in refused:
            name = waiting.told.leased.name
            waiting.saved.set_exception(FenceLost(f'"{name}" is followed by somebody else now'))
        else:
            waiting.saved.set_result(None)
    if refused:
        log.warning("recorder: %d changes refused: their fence is old", len(refused))


def write(batch: list[Told]) -> set[int]:
    """Write what servers told, in one transaction; return the places of what is refused.

    Refused is what comes under a fence that is not the newest any more: somebody else follows that
    server now.
    """
    with transaction.atomic():
        fences = held({told.leased.server_id for told in batch})
        refused = {
            place
            for place, told in enumerate(batch)
            if fences.get(told.leased.server_id) != told.leased.fence
        }
        write_rows([told for place, told in enumerate(batch) if place not in refused])
    return refused

"""Write transitions as rows: one writer, batches, one transaction each, fenced, safe to repeat.

`Writer.record` is what the collector is handed: it never blocks, and its Future ends with the
commit. Batches keep their order. While the database is down they wait (and are retried), so that
nothing is lost but what a killed process held; beyond WAITING_LIMIT the oldest give way, counted.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connection, transaction

from history.rows import write_rows
from telemetry.activity import Happening
from telemetry.leases import Leased, holds
from telemetry.transitions import Transition

log = logging.getLogger(__name__)

BATCH = 500
WAITING_LIMIT = 50_000
RETRY_DELAYS_S = (0.1, 0.5, 2.0, 5.0)
TRIES_AT_STOP = 3


class FenceLost(Exception):
    """Somebody else follows the server now: what this owner still wanted to write is refused."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one event changed of one server."""

    leased: Leased
    changes: list[Transition]
    lines: list[Happening]
    saved: "Future[None]"


class Writer:
    """The one thread that writes the record."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Batch | None] = queue.Queue()
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
        if self._waiting.qsize() >= WAITING_LIMIT:
            self._drop_oldest()
        self._waiting.put(Batch(leased, changes, lines, saved))
        return saved

    def _drop_oldest(self) -> None:
        oldest = self._waiting.get_nowait()
        if oldest is not None:
            self.dropped += 1
            oldest.saved.set_exception(OverflowError("the database was away for too long"))
            log.error("recorder: %d batches dropped, the database is away", self.dropped)

    def _run(self) -> None:
        running = True
        try:
            while running:
                batches, running = self._collect()
                if batches:
                    self._write_all(batches)
        finally:
            connection.close()

    def _collect(self) -> tuple[list[Batch], bool]:
        """Wait for the next batch and take along what else waits; False once stopped."""
        batches: list[Batch] = []
        item = self._waiting.get()
        while item is not None:
            batches.append(item)
            if len(batches) >= BATCH or self._waiting.empty():
                return batches, True
            item = self._waiting.get_nowait()
        return batches, False

    def _write_all(self, batches: list[Batch]) -> None:
        """Write the batches, one transaction a server: a lost fence must not refuse the others."""
        for group in _by_server(batches):
            self._write_group(group)

    def _write_group(self, group: list[Batch]) -> None:
        try:
            self._write_until_up(group)
        except FenceLost as error:
            log.warning("recorder: %s; %d changes refused", error, len(group))
            _fail(group, error)
        except Exception as error:
            self._isolate(group, error)
        else:
            for batch in group:
                batch.saved.set_result(None)

    def _isolate(self, group: list[Batch], error: Exception) -> None:
        """Write the batches one by one, so that only the one that cannot be written is lost."""
        if len(group) > 1:
            for batch in group:
                self._write_group([batch])
            return
        log.error('recorder: a change of "%s" is lost', group[0].leased.name, exc_info=error)
        _fail(group, error)

    def _write_until_up(self, group: list[Batch]) -> None:
        """Write, and again while the database is away; gives up only when stopped."""
        for tries in itertools.count():
            try:
                return write(group)
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if self._halting.is_set() and tries >= TRIES_AT_STOP:
                    raise
                delay = RETRY_DELAYS_S[min(tries, len(RETRY_DELAYS_S) - 1)]
                log.warning("recorder: %s; again in %.1f s", error, delay)
                self._halting.wait(delay)


def _by_server(batches: Iterable[Batch]) -> list[list[Batch]]:
    groups: dict[tuple[int, int], list[Batch]] = {}
    for batch in batches:
        groups.setdefault((batch.leased.server_id, batch.leased.fence), []).append(batch)
    return list(groups.values())


def _fail(group: list[Batch], error: Exception) -> None:
    for batch in group:
        batch.saved.set_exception(error)


def write(group: list[Batch]) -> None:
    """Write one server's batches in one transaction; raises FenceLost where it has a new owner."""
    leased = group[0].leased
    with transaction.atomic():
        if not holds(leased):
            raise FenceLost(f'"{leased.name}" is followed by somebody else now')
        changes = [change for batch in group for change in batch.changes]
        write_rows(leased, changes, [line for batch in group for line in batch.lines])

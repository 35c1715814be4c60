"""Who wrote which row under which fence, noted by PostgreSQL itself, not by the code under test.

Each worker has an application_name of its own. A deferred trigger runs as the transaction commits,
with a fresh look at the lease: a row of a worker that is not the lease's owner then is forbidden.
"""

import contextlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from benchmarks._faults.truth import Row, Window
from benchmarks.processes import Process
from benchmarks.stack import Stack

POLL_S = 0.05

# `held` is NULL for rows that no worker wrote. A run or a scene belongs to no server: whoever
# holds any lease may write it.
SCHEMA = """
CREATE SCHEMA audit;
CREATE TABLE audit.worker (name text PRIMARY KEY, pid text NOT NULL);
CREATE TABLE audit.written (
  at timestamptz, worker text, relation text, server_id bigint, fence bigint, held boolean);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  line jsonb := to_jsonb(COALESCE(NEW, OLD));
  server bigint := (line->>'server_id')::bigint;
  me text := (SELECT pid FROM audit.worker WHERE name = current_setting('application_name'));
BEGIN
  IF server IS NULL AND line ? 'attempt_id' THEN
    SELECT server_id INTO server FROM history_attempt WHERE id = (line->>'attempt_id')::bigint;
  END IF;
  INSERT INTO audit.written VALUES (
    clock_timestamp(), current_setting('application_name'), TG_TABLE_NAME, server,
    (SELECT fence FROM telemetry_lease WHERE server_id = server),
    CASE WHEN me IS NULL THEN NULL ELSE EXISTS (
      SELECT FROM telemetry_lease
      WHERE split_part(owner, ':', 2) = me AND (server IS NULL OR server_id = server)) END);
  RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE CONSTRAINT TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit.note()
"""
TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND (table_name LIKE 'history\\_%'
  OR table_name IN ('telemetry_blindwindow', 'telemetry_environment', 'telemetry_device'))
"""


def install(stack: Stack) -> None:
    """Have PostgreSQL note every row that is written to the record."""
    stack.query(SCHEMA)
    for (table,) in stack.query(TABLES):
        stack.query(TRIGGER.format(table=table))


def register(stack: Stack, worker: Process) -> None:
    """Tell the audit which process a worker is."""
    stack.query("INSERT INTO audit.worker VALUES (%s, %s)", worker.name, str(worker.pid))


def forbidden(stack: Stack, worker: str, since: datetime) -> list[tuple[str, int]]:
    """Return how many rows, by table, a worker committed without holding their lease."""
    return stack.query(
        "SELECT relation, count(*) FROM audit.written WHERE worker = %s AND at >= %s AND NOT held"
        " GROUP BY relation",
        worker,
        since,
    )


def first_row_at(stack: Stack, worker: str, since: datetime) -> float | None:
    """Return when a worker first wrote a row under a lease of its own."""
    ((at,),) = stack.query(
        "SELECT min(at) FROM audit.written WHERE worker = %s AND at >= %s AND held", worker, since
    )
    return at.timestamp() if at else None


@dataclass(frozen=True, slots=True)
class LeaseSeen:
    """Who followed a server, under which fence, when it was first seen so."""

    server_id: int
    owner: str
    fence: int
    at: float

    @property
    def pid(self) -> int:
        """Return the owner's process id, 0 for nobody."""
        return int(self.owner.split(":")[1]) if self.owner else 0


class Leases:
    """The lease rows, polled 20 times a second in a thread of its own."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.database_url
        self.now: dict[int, LeaseSeen] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join(5)

    def fences(self) -> dict[int, int]:
        """Return the fence of each server."""
        return {server_id: lease.fence for server_id, lease in self.now.items()}

    def _run(self) -> None:
        while not self._ended.is_set():
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(self._url, autocommit=True) as connection,
            ):
                while not self._ended.wait(POLL_S):
                    self._look(connection)
            self._ended.wait(POLL_S)

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        rows = connection.execute("SELECT server_id, owner, fence FROM telemetry_lease").fetchall()
        for server_id, owner, fence in rows:
            known = self.now.get(server_id)
            if known is None or (known.owner, known.fence) != (owner, fence):
                self.now[server_id] = LeaseSeen(server_id, owner, fence, time.time())


def rows(stack: Stack, numbers: dict[int, int]) -> list[Row]:
    """Return the attempts on record; `numbers` names the servers by their ids."""
    found = stack.query(
        "SELECT server_id, prompt_id, scene_id, status, outcome, error_type, duration_s"
        " FROM history_attempt"
    )
    return [Row(numbers[server_id], *rest) for server_id, *rest in found]


def windows(stack: Stack, numbers: dict[int, int]) -> list[Window]:
    """Return the blind windows on record."""
    found = stack.query("SELECT server_id, began_at, ended_at FROM telemetry_blindwindow")
    return [Window(numbers[server_id], *rest) for server_id, *rest in found]

"""What happens to the collector that holds the leases: it is killed, or stopped and woken."""

import os
import signal
import time

from benchmarks._faults import audit
from benchmarks._faults.site import Site, Worker, date_of
from benchmarks._faults.waits import TAKE_OVER_S, after, within
from benchmarks.figures import Figure
from benchmarks.processes import say

# Longer than any lease lasts.
PAUSE_S = 22.0
# What a worker that was woken wants to write, it has written by then.
AWAKE_S = 3.0


def kill_owner(site: Site) -> list[Figure]:
    """Kill the collector with the most leases."""
    owner, fences = site.owner(), _held_by(site, site.owner())
    killed_at = time.time()
    owner.process.kill()
    site.drop_worker(owner)
    figures = _taken_over(site, fences, killed_at)
    site.add_worker()
    return figures


def pause_owner(site: Site) -> list[Figure]:
    """Stop the collector with the most leases for longer than its leases last, then wake it."""
    owner = site.owner()
    _pause(owner)
    return _paused(site, owner)


def pause_in_transaction(site: Site) -> list[Figure]:
    """The same, in the middle of a transaction that has locked a lease."""
    owner = site.owner()
    caught = _pause_in_transaction(site, owner)
    return [Figure("caught in a transaction", caught, "", 1, "more"), *_paused(site, owner)]


def _pause(worker: Worker) -> None:
    worker.ports.look()
    worker.process.send(signal.SIGSTOP)


def _pause_in_transaction(site: Site, worker: Worker, limit_s: float = 15.0) -> bool:
    """Stop the worker until it is found with an open transaction that wrote or locked."""
    end = time.monotonic() + limit_s
    worker.ports.look()
    while time.monotonic() < end:
        os.kill(worker.process.pid, signal.SIGSTOP)
        time.sleep(0.02)
        if _locks(site, worker):
            say(f"SIGSTOP to {worker.process.name} in the middle of a transaction")
            return True
        os.kill(worker.process.pid, signal.SIGCONT)
        time.sleep(0.005)
    _pause(worker)
    return False


def _locks(site: Site, worker: Worker) -> bool:
    found = site.stack.query(
        "SELECT 1 FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE application_name = %s"
        " AND state = 'idle in transaction' AND relation = 'telemetry_lease'::regclass"
        " AND mode IN ('RowShareLock', 'RowExclusiveLock')",
        worker.process.name,
    )
    return bool(found)


def wake_at_take_over(site: Site) -> list[Figure]:
    """The same, but wake the old owner at the very moment at which it is no longer the owner."""
    owner = site.owner()
    _pause(owner)
    paused_at, fences = time.time(), _held_by(site, owner)
    lost_at = within(3 * TAKE_OVER_S, lambda: site.taken_over_at(fences))
    figures = [Figure("all leases taken over after", after(lost_at, paused_at), "s", TAKE_OVER_S)]
    return figures + _wake(site, owner, fences)


def _paused(site: Site, owner: Worker) -> list[Figure]:
    """Measure the take-over from a paused owner, wake it, and count what it still commits."""
    paused_at = time.time()
    fences = _held_by(site, owner)
    figures = _taken_over(site, fences, paused_at)
    time.sleep(max(0.0, paused_at + PAUSE_S - time.time()))
    return figures + _wake(site, owner, fences)


def _wake(site: Site, owner: Worker, fences: dict[int, int]) -> list[Figure]:
    said = len(owner.process.output)
    woken_at = time.time()
    owner.process.send(signal.SIGCONT)
    _watch_ports(owner, AWAKE_S)
    lost_at = site.taken_over_at(fences)
    since = max(woken_at, lost_at) if lost_at else None
    return _after_waking(site, owner, since, owner.process.output[said:])


def _watch_ports(worker: Worker, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        worker.ports.look()
        time.sleep(0.05)


def _after_waking(site: Site, owner: Worker, since: float | None, said: str) -> list[Figure]:
    """Count what the old owner committed since it was awake and had lost all of its leases."""
    if since is None:
        return [Figure("its leases were never taken over", None, "", 0)]
    rows = audit.forbidden(site.stack, owner.process.name, date_of(since))
    calls = site.monitor.calls(owner.ports.seen, since)
    stamps = [call for call in calls if call.kind == "stamp"]
    refused = [call for call in stamps if not call.writes]
    published = [call for call in calls if call.kind == "publish"]
    if rows:
        say(f"  rows of the old owner: {rows}")
    return [
        Figure("rows of the old owner", sum(count for _, count in rows), "", 0),
        Figure("fragments of the old owner", sum(call.fragments for call in stamps), "", 0),
        Figure("messages of the old owner", len(published), "", 0),
        Figure("its changes refused, batches of rows", said.count("changes refused"), ""),
        Figure("its changes refused, live", len(refused), ""),
        Figure(
            "all that it was refused", said.count("changes refused") + len(refused), "", 1, "more"
        ),
    ]


def _held_by(site: Site, worker: Worker) -> dict[int, int]:
    pid = worker.process.pid
    return {key: lease.fence for key, lease in site.leases.now.items() if lease.pid == pid}


def _taken_over(site: Site, fences: dict[int, int], since: float) -> list[Figure]:
    """Wait until another worker has all of these leases, writes rows and stamps fragments."""
    others = [w.process.name for w in site.workers]
    limit_s = 3 * TAKE_OVER_S
    rows_at = within(limit_s, lambda: _first_row_at(site, others, fences, since))
    leases_at = within(1, lambda: site.taken_over_at(fences))
    live_at = within(5, lambda: site.monitor.first_stamp_at(fences, since))
    moments = {"all leases taken over": leases_at, "first row": rows_at, "all cards live": live_at}
    return [
        Figure(f"{name} after", after(at, since), "s", TAKE_OVER_S) for name, at in moments.items()
    ]


def _first_row_at(
    site: Site, workers: list[str], fences: dict[int, int], since: float
) -> float | None:
    grown = site.taken_over_at(fences)
    if grown is None:
        return None
    found = (audit.first_row_at(site.stack, name, date_of(grown - 1)) for name in workers)
    return min((at for at in found if at), default=None)

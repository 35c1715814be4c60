"""Kill, pause, restart and cut off what Scenewatch needs, and compare the record with the truth."""

import argparse
import os
import signal
import time
from collections.abc import Callable

from benchmarks._faults import audit
from benchmarks._faults.farm import Network
from benchmarks._faults.site import Site, Worker, date_of
from benchmarks._faults.submitter import DEPTH
from benchmarks.figures import Figure, table
from benchmarks.processes import say, until
from benchmarks.stack import Stack

TAKE_OVER_S = 15.0
PAUSE_S = 22.0
CUT_S = 60.0
CALM_S = 3.0
Fault = Callable[[Site], list[Figure]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--small", action="store_true", help="3 servers, one round: < 6 minutes")
    parser.add_argument("--only", choices=FAULTS, help="this fault alone")


def run(options: argparse.Namespace) -> list[Figure]:
    """Run fault after fault; return the figures of all."""
    servers, rounds = (2, 1) if options.small else (5, 3)
    names = [options.only] if options.only else list(FAULTS)
    network = Network()
    figures: list[Figure] = []
    try:
        with Stack() as stack:
            site = Site(stack, network, servers)
            site.start()
            try:
                for number in range(rounds):
                    figures += _round(site, names, number, rounds)
            finally:
                site.stop()
    finally:
        network.close()
    return figures


def _round(site: Site, names: list[str], number: int, rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    for place, name in enumerate(names):
        left_s = sum(ABOUT_S[other] for other in names[place:])
        left_s += (rounds - number - 1) * sum(ABOUT_S[other] for other in names)
        title = name if rounds == 1 else f"{name} {number + 1}"
        say(f"\n=== {title}; about {left_s / 60:.1f} minutes left")
        figures += _one(site, name, title)
    return figures


def _one(site: Site, name: str, title: str) -> list[Figure]:
    """Let one fault happen, wait until all is settled, and compare."""
    began = time.monotonic()
    time.sleep(CALM_S)
    figures = FAULTS[name](site)
    tally, settled_s = site.settle(title)
    told = [Figure(f"{title}: {f.name}", f.value, f.unit, f.limit, f.better) for f in figures]
    told += [*tally.figures(title), Figure(f"{title}: settled after", settled_s, "s")]
    say(f"{table(told)}\n({title}: {time.monotonic() - began:.0f} s)")
    return told


# --- The faults -----------------------------------------------------------------------------------


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


def _paused(site: Site, owner: Worker) -> list[Figure]:
    """Measure the take-over from a paused owner, wake it, and count what it still commits."""
    paused_at = time.time()
    fences = _held_by(site, owner)
    figures = _taken_over(site, fences, paused_at)
    time.sleep(max(0.0, paused_at + PAUSE_S - time.time()))
    log_before = len(owner.process.output)
    woken_at = time.time()
    owner.process.send(signal.SIGCONT)
    _watch_ports(owner, CALM_S)
    lost_at = site.taken_over_at(fences)
    since = max(woken_at, lost_at) if lost_at else None
    return figures + _after_waking(site, owner, since, owner.process.output[log_before:])


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
    rows_at = _within(limit_s, lambda: _first_row_at(site, others, fences, since))
    leases_at = _within(1, lambda: site.taken_over_at(fences))
    live_at = _within(5, lambda: site.monitor.first_stamp_at(fences, since))
    moments = {"all leases taken over": leases_at, "first row": rows_at, "all cards live": live_at}
    return [
        Figure(f"{name} after", at - since if at else None, "s", TAKE_OVER_S)
        for name, at in moments.items()
    ]


def _first_row_at(
    site: Site, workers: list[str], fences: dict[int, int], since: float
) -> float | None:
    grown = site.taken_over_at(fences)
    if grown is None:
        return None
    found = (audit.first_row_at(site.stack, name, date_of(grown - 1)) for name in workers)
    return min((at for at in found if at), default=None)


def _within(limit_s: float, condition: Callable[[], float | None]) -> float | None:
    try:
        return until(condition, "it", limit_s)
    except TimeoutError:
        return None


def kill_comfyui(site: Site) -> list[Figure]:
    """Kill a ComfyUI that runs one prompt and has others waiting; start it again."""
    server = site.servers[0]
    site.submitter.depth[server.number] = 6
    until(lambda: len(site.submitter.open_on(server)) >= 6, "a queue")
    site.submitter.depth[server.number] = 0
    time.sleep(CALM_S)  # what is in the queue now has been seen by whoever polls
    waiting = len(site.submitter.open_on(server))
    server.kill()
    site.submitter.note_killed(server, time.time())
    server.start(site.stack)
    server.wait()
    site.submitter.depth[server.number] = DEPTH
    return [Figure("prompts that ComfyUI forgot", waiting, "", 2, "more")]


def restart_redis(site: Site) -> list[Figure]:
    """Kill Redis and start it empty."""
    before, killed_at = site.viewer.epoch, time.time()
    site.stack.redis.kill()
    time.sleep(1.0)
    site.stack.start_redis()
    started_at = time.time()
    rows = _rows_between(site, killed_at, started_at)
    whole = _within(60, lambda: site.viewer.whole_at(killed_at, before, site.server_ids))
    return [
        Figure("rows written while Redis was away", rows, "", 1, "more"),
        Figure("whole wall under a new epoch", whole - started_at if whole else None, "s", 15.0),
    ]


def _rows_between(site: Site, began: float, ended: float) -> int:
    ((count,),) = site.stack.query(
        "SELECT count(*) FROM audit.written WHERE at BETWEEN %s AND %s AND held",
        date_of(began),
        date_of(ended),
    )
    return int(count)


def restart_postgres(site: Site) -> list[Figure]:
    """Stop PostgreSQL as a crash does, for 5 s."""
    stopped_at = time.time()
    site.stack.stop_postgres("immediate")
    time.sleep(5.0)
    shown = [s for s in site.viewer.since(stopped_at + 0.5) if s.kind == "change"]
    site.stack.start_postgres()
    started_at = time.time()
    first = _within(30, lambda: _first_since(site, started_at))
    return [
        Figure("changes shown while PostgreSQL was away", len(shown), "", 5, "more"),
        Figure("first row after", first - started_at if first else None, "s", TAKE_OVER_S),
    ]


def _first_since(site: Site, since: float) -> float | None:
    ats = [audit.first_row_at(site.stack, w.process.name, date_of(since)) for w in site.workers]
    return min((at for at in ats if at), default=None)


def cut_network(site: Site) -> list[Figure]:
    """Lose every packet between the collectors and one ComfyUI for 60 s."""
    server = site.cut_off
    if server is None:
        say(f"  {site.network.problem}")
        return [Figure(f"network cut ({site.network.problem})", None, "s", CUT_S)]
    cut_at = time.time()
    site.network.cut()
    time.sleep(CUT_S)
    site.network.mend()
    mended_at = time.time()
    ended = [
        prompt
        for prompt in site.submitter.all()
        if prompt.server == server.number and cut_at < (prompt.ended_at or 0) < mended_at
    ]
    window = _within(90, lambda: _window_at(site, server.server_id, cut_at + CUT_S / 2))
    return [
        Figure("prompts that ended meanwhile", len(ended), "", 1, "more"),
        Figure(
            "blind window closed after the mend", window - mended_at if window else None, "s", 60
        ),
    ]


def _window_at(site: Site, server_id: int, at: float) -> float | None:
    """Return when the blind window that covers a moment ended."""
    ((ended_at,),) = site.stack.query(
        "SELECT max(ended_at) FROM telemetry_blindwindow"
        " WHERE server_id = %s AND began_at <= %s AND ended_at >= %s",
        server_id,
        date_of(at),
        date_of(at),
    )
    return ended_at.timestamp() if ended_at else None


FAULTS: dict[str, Fault] = {
    "kill-owner": kill_owner,
    "pause-owner": pause_owner,
    "pause-in-transaction": pause_in_transaction,
    "kill-comfyui": kill_comfyui,
    "restart-redis": restart_redis,
    "restart-postgres": restart_postgres,
    "cut-network": cut_network,
}
# For the time that is left to go.
ABOUT_S = {
    "kill-owner": 40,
    "pause-owner": 45,
    "pause-in-transaction": 50,
    "kill-comfyui": 25,
    "restart-redis": 20,
    "restart-postgres": 25,
    "cut-network": 120,
}

"""What happens to all the others: ComfyUI, Redis, PostgreSQL, the network."""

import time

from benchmarks._faults import audit
from benchmarks._faults.site import Site, date_of
from benchmarks._faults.submitter import DEPTH
from benchmarks._faults.waits import TAKE_OVER_S, after, within
from benchmarks.figures import Figure
from benchmarks.processes import say, until

CUT_S = 60.0
AWAY_S = 5.0
# What is in a queue for so long has been seen by whoever polls.
SEEN_S = 3.0


def kill_comfyui(site: Site) -> list[Figure]:
    """Kill a ComfyUI that runs one prompt and has others waiting; start it again."""
    server = site.servers[0]
    site.submitter.depth[server.number] = 6
    until(lambda: len(site.submitter.open_on(server)) >= 6, "a queue")
    site.submitter.depth[server.number] = 0
    time.sleep(SEEN_S)  # what is in the queue now has been seen by whoever polls
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
    whole = within(60, lambda: site.viewer.whole_at(killed_at, before, site.server_ids))
    return [
        Figure("rows written while Redis was away", rows, "", 1, "more"),
        Figure("whole wall under a new epoch", after(whole, started_at), "s", TAKE_OVER_S),
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
    time.sleep(AWAY_S)
    shown = [s for s in site.viewer.since(stopped_at + 0.5) if s.kind == "change"]
    site.stack.start_postgres()
    started_at = time.time()
    first = within(30, lambda: _first_since(site, started_at))
    return [
        Figure("changes shown while PostgreSQL was away", len(shown), "", 5, "more"),
        Figure("first row after", after(first, started_at), "s", TAKE_OVER_S),
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
    window = within(90, lambda: _window_at(site, server.server_id, cut_at + CUT_S / 2))
    return [
        Figure("prompts that ended meanwhile", len(ended), "", 1, "more"),
        Figure("blind window closed after the mend", after(window, mended_at), "s", 60),
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

"""What following fifty servers costs: CPU, memory, rows, lag; idle; after a cut; the writer alone.

Busy: 50 simulated servers of 20 events/s each, in two processes of their own. CPU is measured with
these alone; then prompts are sent to a quiet server beside them: the lag is from the moment of
sending to the row being visible in PostgreSQL, and to the message in Redis that names the prompt.
Both hold the poll that a hint triggers (30 ms settling, one request), the message also the window
of 200 ms.
Cut: the collector is away for some minutes while prompts go on; caught up is when every prompt that
the servers' own histories hold is on record as ended.
"""

import json
import statistics
import time
import urllib.request
from argparse import ArgumentParser, Namespace

from benchmarks._probe import Probe
from benchmarks.figures import Figure
from benchmarks.processes import Process, say, until
from benchmarks.stack import Stack

SERVERS = 50
EVENTS_PER_S = 20
SETTLE_S = 12


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="20 s each, a cut of 30 s")
    parser.add_argument("--seconds", type=int, help="how long to measure busy and idle, 60 s")
    parser.add_argument("--cut", type=int, help="how long the collector is away, 300 s")
    parser.add_argument(
        "--only", choices=("busy", "idle", "writer"), help="one part; busy ends with the cut"
    )


def run(options: Namespace) -> list[Figure]:
    """Measure all parts, or one."""
    seconds = options.seconds or (20 if options.small else 60)
    cut_s = options.cut if options.cut is not None else (30 if options.small else 300)
    figures: list[Figure] = []
    if options.only in (None, "writer"):
        figures += writer()
    if options.only in (None, "idle"):
        figures += idle(seconds)
    if options.only in (None, "busy"):
        figures += busy(seconds, cut_s)
    return figures


def writer() -> list[Figure]:
    """Measure the writer alone: rows of ten servers in batches of 500, and the same again."""
    with Stack(DJANGO_SETTINGS_MODULE="config.settings") as stack:
        process = stack.start("writer", "-m", "benchmarks._writer")
        process.popen.wait(300)
        told = json.loads(process.output.splitlines()[-1])
    return [
        Figure("writer, new rows", told["rows"] / told["first_s"], "rows/s", 10_000, "more"),
        Figure("writer, the same again", told["rows"] / told["again_s"], "rows/s"),
    ]


def idle(seconds: int) -> list[Figure]:
    """Measure fifty open sockets on which nothing happens."""
    with Stack() as stack:
        _, urls = stack.simulators("idle-servers", SERVERS, "--scenario", "idle")
        stack.add_servers(urls)
        collector = stack.collector()
        _wait_until_followed(collector, SERVERS)
        time.sleep(SETTLE_S)
        share = cpu_share(collector, seconds)
    return [Figure("idle, CPU of the collector", share, "% of a core", 2)]


def busy(seconds: int, cut_s: int) -> list[Figure]:
    """Measure fifty busy servers, then how long it takes to catch up with what was missed."""
    with Stack() as stack:
        urls = []
        for half in range(2):
            words = (
                "--scenario",
                "steady",
                "--events",
                str(EVENTS_PER_S),
                "--seed",
                str(half * 100),
            )
            urls += stack.simulators(f"busy-servers-{half}", SERVERS // 2, *words)[1]
        _, (quiet,) = stack.simulators("quiet-server", 1, "--scenario", "idle")
        stack.add_servers([*urls, quiet])
        collector = stack.collector()
        _wait_until_followed(collector, SERVERS + 1)
        time.sleep(SETTLE_S)
        figures = _follow(stack, collector, quiet, seconds)
        return [*figures, *_catch_up(stack, collector, urls, cut_s)]


def cpu_share(process: Process, seconds: float) -> float:
    """Return the CPU that a process uses within `seconds` from now, in percent of a core."""
    began, used = time.monotonic(), process.cpu_s()
    time.sleep(seconds)
    return 100 * (process.cpu_s() - used) / (time.monotonic() - began)


def _wait_until_followed(collector: Process, count: int) -> None:
    until(lambda: collector.output.count('following "') >= count, f"{count} servers followed")


def _follow(stack: Stack, collector: Process, quiet: str, seconds: int) -> list[Figure]:
    rows = _rows(stack)
    share = cpu_share(collector, seconds)
    written = (_rows(stack) - rows) / seconds
    with Probe(stack, quiet) as probe:
        with_probe = cpu_share(collector, seconds)
    return [
        Figure("busy, CPU of the collector", share, "% of a core", 25),
        Figure("busy, the same with the probe's prompts", with_probe, "% of a core"),
        Figure("busy, memory of the collector", collector.rss_bytes() / 2**20, "MiB"),
        Figure("busy, rows written", written, "rows/s"),
        Figure("busy, prompts sent to the quiet server", len(probe.recorded_s), ""),
        *_lags("recorded", probe.recorded_s, 2000),
        *_lags("published", probe.published_s, 500),
    ]


def _lags(what: str, seconds: list[float], limit_ms: float) -> list[Figure]:
    if len(seconds) < 2:
        return [Figure(f"busy, lag until {what}, p99", None, "ms", limit_ms)]
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return [
        Figure(f"busy, lag until {what}, p50", 1000 * cuts[49], "ms"),
        Figure(f"busy, lag until {what}, p99", 1000 * cuts[98], "ms", limit_ms),
    ]


def _rows(stack: Stack) -> int:
    """Return how many rows the record holds: inserted ones as PostgreSQL counts them, exactly."""
    tables = "run", "scene", "attempt", "nodeexecution", "activityevent", "graph"
    return sum(stack.query(f"select count(*) from history_{table}")[0][0] for table in tables)


def _catch_up(stack: Stack, collector: Process, urls: list[str], cut_s: int) -> list[Figure]:
    collector.stop()
    say(f"nobody watches for {cut_s} s")
    time.sleep(cut_s)
    ended = {prompt_id for url in urls for prompt_id in _history(url)}
    began = time.monotonic()
    again = stack.collector("collector-again")
    until(lambda: ended <= _recorded(stack), "the record of all prompts", 120, 0.2)
    took_s = time.monotonic() - began
    return [
        Figure("cut, away for", cut_s, "s"),
        Figure("cut, prompts in the servers' histories", len(ended), ""),
        Figure("cut, caught up after (start of the process included)", took_s, "s", 15),
        Figure("cut, CPU until then", again.cpu_s(), "s"),
    ]


def _history(url: str) -> list[str]:
    with urllib.request.urlopen(f"{url}/history", timeout=30) as answer:
        return list(json.load(answer))


def _recorded(stack: Stack) -> set[str]:
    return {
        row[0] for row in stack.query("select prompt_id from history_attempt where outcome <> ''")
    }

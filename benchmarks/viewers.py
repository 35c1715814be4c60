"""What a viewer gets and costs, through a proxy: time to connect, memory, delay, cadence, failures.

Twenty simulated servers of ten frames a second and one whose prompts fail, a collector, Redis,
PostgreSQL, Daphne, nginx before it, and 200 viewers, each signed in. All clocks are one machine's.
"""

import gzip
import http.client
import itertools
import json
import re
import statistics
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.request import Request, urlopen

from websockets.sync.client import connect

from benchmarks._live.audience import Audience, Heard
from benchmarks._live.deliveries import first_came_ns, lags_ms
from benchmarks._live.farm import Farm, newest_step
from benchmarks._live.proxy import nginx_before
from benchmarks.figures import Figure
from benchmarks.processes import Process, say, until
from benchmarks.sign_in import signed_in
from benchmarks.stack import HOST, Stack

SERVERS, EVENTS_PER_S = 20, 10
PER_PERSON = 10
VIEWER_PROCESSES = 2
SETTLE_S = 12
FAIL_EVERY_S = 2.0
POLLED_MEAN_MS = 15_000  # half of 30 s
FAILED = re.compile(r'data-tone="bad"[^>]*>.*?data-clock="([^"]+)"', re.DOTALL)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="30 s instead of 60 s")
    parser.add_argument("--viewers", type=int, default=200, help="200, for which the limits are")


def run(options: Namespace) -> list[Figure]:
    """Measure all of it in one run."""
    seconds = 30 if options.small else 60
    with Stack() as stack:
        farm = Farm(stack, SERVERS, "--events", str(EVENTS_PER_S))
        _, urls = stack.simulators("failing", 1, "--scenario", "none")
        stack.add_servers(urls)
        collector = stack.collector()
        web, web_port = stack.web()
        until(lambda: collector.output.count('following "') > SERVERS, "the servers followed")
        team_id, keys = signed_in(stack, -(-options.viewers // PER_PERSON), PER_PERSON)
        port = nginx_before(stack, web_port)
        time.sleep(SETTLE_S)
        path = f"/live/socket/?topic=team-{team_id}"
        waits = [connecting_ms(port, path, key) for key in keys[: options.viewers]]
        asked = snapshot_figures(port, f"/live/snapshot/?topic=team-{team_id}", keys[0])
        viewers = keys[: options.viewers]
        heard, memory = _watched(stack, web, port, path, viewers, partial(fail, urls[0], seconds))
        steps = farm.end()
    lags = lags_ms(heard, partial(newest_step, steps=steps))
    return [
        *connect_figures(waits),
        *memory,
        *delay_figures(lags),
        *cadence_figures(heard[0]),
        *failure_figures(heard),
        *asked,
    ]


def connecting_ms(port: int, path: str, key: str) -> float:
    """Return how long it takes from nothing to the first snapshot, signed in, in ms."""
    began = time.monotonic()
    headers = {"Cookie": f"sessionid={key}"}
    with connect(f"ws://{HOST}:{port}{path}", additional_headers=headers, max_size=None) as socket:
        while '"type":"snapshot"' not in str(socket.recv(10)):
            pass
        return (time.monotonic() - began) * 1000


def connect_figures(waits: list[float]) -> list[Figure]:
    """Return how long connecting takes."""
    name = "from nothing to the snapshot, signed in, through nginx"
    return [
        Figure(f"{name}, p50", _rank(waits, 50), "ms"),
        Figure(f"{name}, p95", _rank(waits, 95), "ms", 500),
    ]


def _watched(
    stack: Stack, web: Process, port: int, path: str, keys: list[str], meanwhile: Callable[[], None]
) -> tuple[list[Heard], list[Figure]]:
    """Have viewers look for some time; return what they heard, and what they cost in memory."""
    before = web.rss_bytes()
    audience = Audience(stack, port, path, keys, VIEWER_PROCESSES)
    say(f"{len(keys)} viewers look on")
    meanwhile()
    grown = web.rss_bytes() - before
    return audience.leave(), [
        Figure("the web process without viewers", before / 1e6, "MB"),
        Figure("a viewer's part of the web process's memory", grown / len(keys) / 1e3, "kB", 100),
    ]


def fail(url: str, seconds: int) -> None:
    """Have a prompt fail on a server now and then, for so many seconds."""
    end = time.monotonic() + seconds
    for number in itertools.count():
        work = {"image": ["1", 0], "steps": 6, "delay": 0.1, "mode": "ValueError", "after": 3}
        graph = {
            "1": {"class_type": "EmptyImage", "inputs": {}},
            "2": {"class_type": "TTFail", "inputs": {**work, "seed": number}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        }
        body = json.dumps({"prompt": graph, "client_id": "artist"}).encode()
        request = Request(f"{url}/prompt", body, {"Content-Type": "application/json"})
        urlopen(request, timeout=10).close()
        time.sleep(FAIL_EVERY_S)
        if time.monotonic() > end:
            return


def delay_figures(lags: list[float]) -> list[Figure]:
    """Return how old the newest step in a message is when it comes, and against polling."""
    mean = statistics.fmean(lags) if lags else None
    name = "the newest frame to the socket, through nginx"
    return [
        Figure(f"{name}, p50", _rank(lags, 50), "ms"),
        Figure(f"{name}, p95", _rank(lags, 95), "ms", 200),
        Figure(f"{name}, sooner than a poll each 30 s", POLLED_MEAN_MS / mean if mean else None,
               "times", 75, "more"),
    ]  # fmt: skip


def cadence_figures(heard: Heard) -> list[Figure]:
    """Return how many of the gaps between changes are 100 to 500 ms long."""
    came = [
        at
        for text, at in zip(heard.texts, first_came_ns(heard), strict=True)
        if '"type":"change"' in text
    ]
    gaps = [(later - at) / 1e6 for at, later in itertools.pairwise(came)]
    good = sum(100 <= gap <= 500 for gap in gaps)
    return [
        Figure("gaps between changes, median", statistics.median(gaps) if gaps else None, "ms"),
        Figure("gaps between changes of 100 to 500 ms", 100 * good / len(gaps) if gaps else None,
               "%", 95, "more"),
    ]  # fmt: skip


def failure_figures(heard: list[Heard]) -> list[Figure]:
    """Return how long after a prompt failed, by ComfyUI's clock, viewers are told."""
    wall_ns = time.time_ns() - time.monotonic_ns()
    lags = [
        (at_ns + wall_ns - failed_ns) / 1e6
        for each in heard
        for text, at_ns in zip(each.texts, first_came_ns(each), strict=True)
        for failed_ns in failures_in(text)
    ]
    name = "a failure on a busy wall, from ComfyUI's own time of it"
    return [
        Figure(f"{name}, p50", _rank(lags, 50), "ms"),
        Figure(f"{name}, p95", _rank(lags, 95), "ms", 100),
        Figure("failures told", len(lags), ""),
    ]


def failures_in(text: str) -> list[int]:
    """Return when what a change newly tells in its feed failed, in ns since 1970."""
    message = json.loads(text)
    feed = message.get("feed", ()) if message["type"] == "change" else ()
    found = [FAILED.search(line["html"]) for line in feed]
    return [int(datetime.fromisoformat(each[1]).timestamp() * 1e9) for each in found if each]


def snapshot_figures(port: int, path: str, key: str) -> list[Figure]:
    """Return how long a polled snapshot is, zipped and not."""
    plain, zipped = (_body(port, path, key, coding) for coding in ("identity", "gzip"))
    told = len(gzip.decompress(zipped))
    return [
        Figure(f"snapshot of {SERVERS + 1} servers", len(plain) / 1e3, "kB"),
        Figure(f"snapshot of {SERVERS + 1} servers, zipped", len(zipped) / 1e3, "kB", 50),
        Figure("saved by zipping it", 100 * (1 - len(zipped) / told), "%", 60, "more"),
    ]


def _body(port: int, path: str, key: str, coding: str) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    connection.request(
        "GET", path, headers={"Cookie": f"sessionid={key}", "Accept-Encoding": coding}
    )
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.reason}")
    return answer.read()


def _rank(values: list[float], rank: int) -> float | None:
    if len(values) < 2:
        return None
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]

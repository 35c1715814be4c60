"""From a server's frame to 200 viewers' sockets: delay, delay after quiet, bytes of an hour.

Twenty simulated servers of ten frames a second, a collector, Redis, PostgreSQL, Daphne, and 200
viewers, each signed in. Changes are gathered for up to 200 ms on purpose, so most frames wait in
that window for the next message. The newest frame in a message waited least: what it took from the
server to a socket is what the site itself takes, beyond the window. (Not less than that: a message
leaves when the window ends, and the newest of 200 frames a second came some 5 ms before, on the
mean.) After quiet there is no window, and no frame may wait at all.
"""

import http.client
import json
import re
import statistics
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks._live.alone import Alone
from benchmarks._live.audience import Audience, Heard
from benchmarks._live.deliveries import first_came_ns, lags_ms, percentiles
from benchmarks._live.farm import Farm, Steps, due_ns, newest_step, until_written_ms
from benchmarks.figures import Figure
from benchmarks.processes import Process, say, until
from benchmarks.sign_in import signed_in
from benchmarks.stack import HOST, Stack

SERVERS, EVENTS_PER_S = 20, 10
FEW_SERVERS, FEW_VIEWERS = 3, 40
QUIET_EVERY_S, SCENE_EVERY_S = 2, 5
PER_PERSON = 10  # connections; a site allows 20 in each web process
VIEWER_PROCESSES = 2
SETTLE_S = 12
WINDOW_NS = 200_000_000
POLL_EVERY_S = 30
HOUR_S = 3600
ONCE = ('"type":"hello"', '"type":"snapshot"', '"type":"resumed"')


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="20 s, 30 s and 1 minute")
    parser.add_argument("--seconds", type=int, help="how long busy servers are measured, 60 s")
    parser.add_argument("--minutes", type=float, help="how long bytes are counted, 3 minutes")
    parser.add_argument("--viewers", type=int, default=200, help="200, for which the limits are")
    parser.add_argument("--only", choices=("busy", "quiet", "bytes", "embedded"), help="one part")


def run(options: Namespace) -> list[Figure]:
    """Measure all parts, or one."""
    seconds = options.seconds or (20 if options.small else 60)
    minutes = options.minutes or (1 if options.small else 3)
    parts = {
        "busy": lambda: busy(options.viewers, seconds),
        "quiet": lambda: quiet(options.viewers, 30 if options.small else 60),
        "bytes": lambda: scene(60 * minutes),
        "embedded": lambda: embedded(min(options.viewers, FEW_VIEWERS), seconds),
    }
    chosen = [options.only] if options.only else list(parts)
    return [figure for name in chosen for figure in parts[name]()]


@dataclass(frozen=True, slots=True)
class Shown:
    """What viewers heard of a farm, and the CPU of the site's processes, in % of a core."""

    heard: list[Heard]
    steps: Steps
    cpu: dict[str, float]


def busy(viewers: int, seconds: int) -> list[Figure]:
    """Measure the delay beyond the window."""
    with Stack() as stack:
        farm = Farm(stack, SERVERS, "--events", str(EVENTS_PER_S))
        shown = _shown(stack, farm, *_site(stack, len(farm.ids)), viewers, seconds)
    name = f"{SERVERS} servers x {EVENTS_PER_S}/s"
    beyond = [lag for each in shown.heard for lag in beyond_window_ms(each, shown.steps)]
    whole = lags_ms(shown.heard, partial(newest_step, steps=shown.steps))
    return [
        *percentiles(f"{name}, frame to socket beyond the window", beyond, (15, 30)),
        *percentiles(f"{name}, what its window had left included", whole, (None, None)),
        *_until_written(name, shown),
        *_told(name, shown, viewers, seconds),
    ]


def quiet(viewers: int, seconds: int) -> list[Figure]:
    """Measure the delay of the first change after quiet."""
    with Stack() as stack:
        farm = Farm(stack, 1, "--every", str(QUIET_EVERY_S))
        shown = _shown(stack, farm, *_site(stack, len(farm.ids)), viewers, seconds)
    name = "one quiet server"
    lags = [lag for each in shown.heard for lag in after_quiet_ms(each, shown.steps)]
    return [
        *percentiles(f"{name}, frame to socket after quiet", lags, (15, 30)),
        Figure(f"{name}, deliveries after quiet", len(lags), ""),
        *_told(name, shown, viewers, seconds),
    ]


def beyond_window_ms(heard: Heard, steps: Steps) -> list[float]:
    """Return the delay of each delivery from its newest step, or from the end of its window."""
    due = due_ns(heard.texts, WINDOW_NS)
    ends = {json.loads(text)["seq"]: at_ns for text, at_ns in due.items()}

    def sent_at(message: dict[str, Any], came_ns: int) -> int | None:
        step_ns = newest_step(message, came_ns, steps)
        return None if step_ns is None else max(step_ns, ends.get(message["seq"], 0))

    return lags_ms([heard], sent_at)


def after_quiet_ms(heard: Heard, steps: Steps) -> list[float]:
    """Return the delay of each delivery whose step no message preceded by less than the window."""
    changes: list[int] = []

    def sent_at(message: dict[str, Any], came_ns: int) -> int | None:
        sent_ns = newest_step(message, came_ns, steps)
        before_ns = max((at_ns for at_ns in changes if at_ns < came_ns), default=0)
        return sent_ns if sent_ns and sent_ns - before_ns > WINDOW_NS else None

    firsts = zip(heard.texts, first_came_ns(heard), strict=True)
    changes += [at_ns for text, at_ns in firsts if '"seq"' in text]
    return lags_ms([heard], sent_at)


def embedded(viewers: int, seconds: int) -> list[Figure]:
    """Measure `serve`, at the size that it is meant for: site and collector share one process."""
    with Alone() as stack:
        farm = Farm(stack, FEW_SERVERS, "--events", str(EVENTS_PER_S))
        process, port = stack.serve()
        until(lambda: process.output.count('following "') >= FEW_SERVERS, "the servers followed")
        shown = _shown(stack, farm, {"the one process": process}, port, viewers, seconds)
    name = f"embedded, {FEW_SERVERS} servers x {EVENTS_PER_S}/s"
    lags = lags_ms(shown.heard, partial(newest_step, steps=shown.steps))
    return [
        *percentiles(f"{name}, frame to socket beyond the window", lags, (None, None)),
        *_told(name, shown, viewers, seconds),
    ]


def _shown(
    stack: Stack,
    farm: Farm,
    processes: dict[str, Process],
    port: int,
    viewers: int,
    seconds: float,
) -> Shown:
    """Have viewers look at a farm for some time."""
    team_id, keys = signed_in(stack, -(-viewers // PER_PERSON), PER_PERSON)
    path = f"/live/socket/?topic=team-{team_id}"
    time.sleep(SETTLE_S)
    audience = Audience(stack, port, path, keys[:viewers], VIEWER_PROCESSES)
    began, used = time.monotonic(), [each.cpu_s() for each in processes.values()]
    time.sleep(seconds)
    took = time.monotonic() - began
    cpu = {
        name: 100 * (process.cpu_s() - before) / took
        for (name, process), before in zip(processes.items(), used, strict=True)
    }
    return Shown(audience.leave(), farm.end(), cpu)


def _site(stack: Stack, servers: int) -> tuple[dict[str, Process], int]:
    """Start collector and web process; return both and the port once all servers are followed."""
    collector = stack.collector()
    web, port = stack.web()
    until(lambda: collector.output.count('following "') >= servers, f"{servers} servers followed")
    return {"the web process": web, "the collector": collector}, port


def _until_written(name: str, shown: Shown) -> list[Figure]:
    """Return which part of the way is the collector's."""
    heard = shown.heard[0]
    lags = until_written_ms(heard.texts, first_came_ns(heard), shown.steps)
    return percentiles(f"{name}, of that until the message is written", lags, (None, None))


def _told(name: str, shown: Shown, viewers: int, seconds: float) -> list[Figure]:
    """Return what is told of each part, whatever it measures."""
    sizes = [len(text.encode()) for text in shown.heard[0].texts if '"change"' in text]
    deliveries = sum(
        '"change"' in each.texts[place] for each in shown.heard for place, _ in each.came
    )
    return [
        Figure(f"{name}, viewers", viewers, ""),
        Figure(f"{name}, gaps in what a viewer got", sum(h.gaps for h in shown.heard), "", 0),
        Figure(f"{name}, deliveries", deliveries / seconds, "/s"),
        Figure(f"{name}, median message", statistics.median(sizes) if sizes else None, "bytes"),
        *(Figure(f"{name}, CPU of {who}", cpu, "% of a core") for who, cpu in shown.cpu.items()),
    ]


def scene(seconds: float) -> list[Figure]:
    """Count the bytes of one viewer of one scene, and of polling the page instead."""
    with Stack() as stack:
        farm = Farm(stack, 1, "--every", str(SCENE_EVERY_S))
        _, port = _site(stack, len(farm.ids))
        _, keys = signed_in(stack, 1)
        time.sleep(SETTLE_S)
        page = _page(port, "/teams/bench/live/", keys[0])
        began_ns = time.monotonic_ns()
        audience = Audience(stack, port, f"/live/socket/?topic={_place_of(page)}", keys, 1)
        say(f"bytes are counted for {seconds:.0f} s")
        time.sleep(seconds)
        (heard,) = audience.leave()
    return bytes_of_hour(heard, began_ns, seconds, len(page))


def bytes_of_hour(heard: Heard, began_ns: int, seconds: float, page_bytes: int) -> list[Figure]:
    """Return what an hour takes over the socket and by polling, from what came since began_ns.

    What comes once, whenever it comes, is not taken to come again and again.
    """
    sizes = [len(text.encode()) for text in heard.texts]
    once = [any(mark in text for mark in ONCE) for text in heard.texts]
    told = [sizes[place] for place, _ in heard.came if not once[place]]
    said = sum(length for at_ns, length in heard.said if at_ns >= began_ns)
    first = sum(sizes[place] for place, _ in heard.came if once[place])
    hour = first + (sum(told) + said) * HOUR_S / seconds
    polled = page_bytes * HOUR_S / POLL_EVERY_S
    name = f"one scene, a step every {SCENE_EVERY_S} s"
    return [
        Figure(f"{name}, an hour (from {seconds / 60:g} minutes)", hour / 1000, "kB", 150),
        Figure(f"{name}, median message", statistics.median(told) if told else None, "bytes", 200),
        Figure(f"{name}, less than by polling", 100 * (1 - hour / polled), "%", 95, "more"),
        Figure(f"{name}, messages counted", len(told), ""),
        Figure(f"{name}, hello and the like, once", first / 1000, "kB"),
        Figure(f"{name}, the viewer's own words in an hour", said * HOUR_S / seconds / 1000, "kB"),
        Figure(f"{name}, one page", page_bytes / 1000, "kB"),
        Figure(f"{name}, an hour by polling every {POLL_EVERY_S} s", polled / 1000, "kB"),
    ]


def _place_of(page: bytes) -> str:
    """Return the topic that a page follows, with its place: there it goes on as a browser does."""
    found = re.search(rb'data-topics="([^"]+)"', page)
    if found is None:
        raise RuntimeError("the page follows nothing")
    return found[1].decode()


def _page(port: int, path: str, key: str) -> bytes:
    """Return an answer, head and body, as long as it was sent; raises RuntimeError if not 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    headers = {"Cookie": f"sessionid={key}", "Accept-Encoding": "gzip"}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.reason}")
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders())
    status = f"HTTP/1.1 {answer.status} {answer.reason}\r\n"
    return f"{status}{head}\r\n".encode() + answer.read()

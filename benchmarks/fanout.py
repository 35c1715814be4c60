"""What handing a step to 200 signed-in viewers costs the web process, beside a bare broadcast.

A process of its own publishes ten steps a second as the collector does; Redis; one Daphne; viewers
in two processes, each signed in, each acknowledging. The bare limit is `websockets.broadcast` with
the same texts through the same Redis to the same viewers, before and after, in the same run. CPU is
what the operating system counts for the serving process, from the first message to the last.
"""

import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from benchmarks._live.audience import Audience, Heard
from benchmarks._live.deliveries import lags_ms, percentiles, told_in_step
from benchmarks.figures import Figure
from benchmarks.processes import Process, free_port, listens, say, until
from benchmarks.sign_in import signed_in
from benchmarks.stack import Stack

RATE = 10
PER_PERSON = 10  # connections; a site allows 20 in each web process
VIEWER_PROCESSES = 2
SETTLE_S = 2
DRAIN_S = 2
# The wall's only server; no collector runs that would look for it.
NOWHERE = "http://127.0.0.1:9"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="10 s instead of 30 s each")
    parser.add_argument("--seconds", type=int, help="how long to publish each time, 30 s")
    parser.add_argument("--viewers", type=int, default=200, help="200, for which the limits are")


def run(options: Namespace) -> list[Figure]:
    """Measure bare, Daphne, bare."""
    seconds = options.seconds or (10 if options.small else 30)
    with Stack() as stack:
        stack.add_servers([NOWHERE])
        people = -(-options.viewers // PER_PERSON)
        team_id, keys = signed_in(stack, people, PER_PERSON)
        hall = Hall(stack, team_id, keys[: options.viewers], seconds)
        before = hall.bare("before")
        daphne = hall.daphne()
        after = hall.bare("after")
    return _figures(daphne, before, after)


@dataclass(frozen=True, slots=True)
class Measured:
    """One window: what was sent, what came of it, and what it took."""

    published: int
    viewers: int
    seconds: float
    lags_ms: list[float]
    gaps: int
    text_bytes: float
    server_cpu_s: float
    redis_cpu_s: float
    viewers_cpu_s: float

    @property
    def drops(self) -> int:
        """Return how many deliveries did not come."""
        return self.published * self.viewers - len(self.lags_ms)

    @property
    def cpu_ms(self) -> float | None:
        """Return the server's CPU for 1 000 deliveries, in ms."""
        return self._per_thousand(self.server_cpu_s)

    @property
    def redis_cpu_ms(self) -> float | None:
        """Return Redis's CPU for 1 000 deliveries, in ms."""
        return self._per_thousand(self.redis_cpu_s)

    def _per_thousand(self, cpu_s: float) -> float | None:
        return 1e6 * cpu_s / len(self.lags_ms) if self.lags_ms else None


class Hall:
    """The viewers to be served, by one server after the other."""

    def __init__(self, stack: Stack, team_id: int, keys: list[str], seconds: int) -> None:
        self._stack, self._keys, self._seconds = stack, keys, seconds
        self._topic = f"team-{team_id}"
        self._server_id = stack.query("select min(id) from telemetry_server")[0][0]

    def bare(self, when: str) -> Measured:
        """Measure `websockets.broadcast`."""
        port, redis_url = free_port(), self._stack.env["SCENEWATCH_REDIS_URL"]
        name = f"bare-{when}"
        process = self._stack.start(name, "-m", "benchmarks._live.bare", str(port), redis_url)
        until(lambda: listens(port), "the bare server")
        return self._measure(name, "bare", process, port)

    def daphne(self) -> Measured:
        """Measure the site."""
        process, port = self._stack.web()
        return self._measure("daphne", "site", process, port)

    def _measure(self, name: str, way: str, server: Process, port: int) -> Measured:
        path = f"/live/socket/?topic={self._topic}"
        audience = Audience(self._stack, port, path, self._keys, VIEWER_PROCESSES)
        time.sleep(SETTLE_S)
        words = (way, self._topic, str(self._server_id), str(RATE), str(self._seconds))
        publisher = self._stack.start(
            f"publisher-{name}",
            "-m",
            "benchmarks._live.publisher",
            *words,
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        publisher.said("began")
        began, used = time.monotonic(), _cpu(server, self._stack.redis, audience)
        publisher.said("published", self._seconds + 30)
        time.sleep(DRAIN_S)
        took, now_used = time.monotonic() - began, _cpu(server, self._stack.redis, audience)
        heard = audience.leave()
        server.stop()
        cpu = [after - before for after, before in zip(now_used, used, strict=True)]
        return _measured(publisher, len(self._keys), took - DRAIN_S, heard, cpu)


def _cpu(server: Process, redis: Process, audience: Audience) -> tuple[float, float, float]:
    return server.cpu_s(), redis.cpu_s(), audience.cpu_s()


def _measured(
    publisher: Process, viewers: int, seconds: float, heard: list[Heard], cpu_s: list[float]
) -> Measured:
    published = int(publisher.output.split()[-1])
    lags = lags_ms(heard, told_in_step)
    sizes = [len(text.encode()) for text in heard[0].texts if '"patches"' in text]
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    say(f"{publisher.name}: {len(lags)} deliveries of {mean:.0f} bytes within {seconds:.1f} s")
    gaps = sum(each.gaps for each in heard)
    return Measured(published, viewers, seconds, lags, gaps, mean, *cpu_s)


def _figures(daphne: Measured, before: Measured, after: Measured) -> list[Figure]:
    bare = [each.cpu_ms for each in (before, after) if each.cpu_ms]
    mean = sum(bare) / len(bare) if bare else None
    ratio = daphne.cpu_ms / mean if daphne.cpu_ms and mean else None
    gaps = daphne.gaps if daphne.lags_ms else None
    return [
        Figure("Daphne, CPU for 1 000 deliveries", daphne.cpu_ms, "ms", 60),
        Figure("Daphne, the same as a multiple of bare", ratio, "x", 5),
        Figure("Daphne, deliveries that did not come", daphne.drops, "", 0),
        Figure("Daphne, gaps in what a viewer got", gaps, "", 0),
        *percentiles("Daphne, sent to received", daphne.lags_ms, (15, 30)),
        *_told("Daphne", daphne),
        *_bare("bare before", before),
        *_bare("bare after", after),
    ]


def _bare(name: str, measured: Measured) -> list[Figure]:
    return [
        Figure(f"{name}, CPU for 1 000 deliveries", measured.cpu_ms, "ms"),
        Figure(f"{name}, deliveries that did not come", measured.drops, ""),
        *percentiles(f"{name}, sent to received", measured.lags_ms, (None, None)),
        *_told(name, measured),
    ]


def _told(name: str, measured: Measured) -> list[Figure]:
    """Return what is told of each window without a limit."""
    per_s = len(measured.lags_ms) / measured.seconds
    busy = 100 * measured.viewers_cpu_s / measured.seconds
    return [
        Figure(f"{name}, deliveries", per_s, "/s"),
        Figure(f"{name}, length of a message", measured.text_bytes, "bytes"),
        Figure(f"{name}, CPU of Redis for 1 000 deliveries", measured.redis_cpu_ms, "ms"),
        Figure(f"{name}, CPU of the viewers", busy, "% of a core"),
    ]

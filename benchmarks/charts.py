"""What a browser takes to paint the charts of a run's page, and the strip of past runs.

A site on SQLite as `serve` runs it, works of 50, 500 and 1 000 earlier runs, and Chromium, each
time with nothing kept: the library of the charts is loaded anew.
"""

import statistics
from argparse import ArgumentParser, Namespace

from playwright.sync_api import Browser

from benchmarks._charts.browser import charts_ms, chromium, looking, painted_ms
from benchmarks._charts.works import loaded
from benchmarks._history.alone import Alone
from benchmarks.figures import Figure
from benchmarks.processes import say
from benchmarks.sign_in import signed_in
from benchmarks.stack import HOST

COUNTS = (50, 500, 1_000)
SCENES = 4
STRIP = 500
LIMIT_MS = 1_000


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--looks", type=int, default=7, help="at each page, after one to warm up")
    parser.add_argument("--seed", type=int, default=1, help="of the runs")


def run(options: Namespace) -> list[Figure]:
    """Load the runs, look at each page."""
    with Alone() as site, chromium() as browser:
        say(f"making works of {', '.join(map(str, COUNTS))} earlier runs")
        newest = loaded(site, COUNTS, SCENES, options.seed)
        _, [cookie] = signed_in(site, 1)
        _, port = site.web()
        look = _Look(browser, port, cookie, options.looks)
        figures = []
        for count in COUNTS:
            figures += look.at_charts(count, f"/teams/bench/runs/{newest[count]}/")
        return [*figures, *look.at_strip("/teams/bench/runs/timeline/")]


class _Look:
    """A viewer, and how often they look."""

    def __init__(self, browser: Browser, port: int, cookie: str, count: int) -> None:
        self._browser, self._count = browser, count
        self._port, self._cookie = port, cookie

    def at_charts(self, earlier: int, path: str) -> list[Figure]:
        """Look at a run's charts by scrolling there."""
        say(f"charts of a run with {earlier} earlier ones")
        looks = []
        for _ in range(self._count + 1):
            with looking(self._browser, self._port, self._cookie) as page:
                looks.append(charts_ms(page, f"http://{HOST}:{self._port}{path}"))
        last = [max(look.values()) for look in looks[1:]]
        each = {name: [look[name] for look in looks[1:]] for name in looks[0]}
        name = f"{earlier:,} earlier runs"
        return [
            Figure(f"{name}, all charts painted, longest", max(last), "ms", LIMIT_MS),
            Figure(f"{name}, all charts painted, median", statistics.median(last), "ms"),
            *(
                Figure(f"{name}, {chart}, median", statistics.median(times), "ms")
                for chart, times in each.items()
            ),
        ]

    def at_strip(self, path: str) -> list[Figure]:
        """Look at the strip of the newest 500 runs."""
        say(f"strip of {STRIP} runs")
        times = []
        for _ in range(self._count + 1):
            with looking(self._browser, self._port, self._cookie) as page:
                times.append(painted_ms(page, f"http://{HOST}:{self._port}{path}"))
        return [
            Figure(f"strip of {STRIP} runs, painted, longest", max(times[1:]), "ms", LIMIT_MS),
            Figure(f"strip of {STRIP} runs, painted, median", statistics.median(times[1:]), "ms"),
        ]

"""What a page of the record costs at 100 000 runs and 1 000 000 scenes: whole requests, and plans.

An invented history in PostgreSQL (or, with --sqlite, in a file as `serve` keeps it), one web
process, one person who is signed in and asks for one page after the other over one connection.
"""

import statistics
from argparse import ArgumentParser, Namespace
from random import Random

from benchmarks._history import section
from benchmarks._history.asking import Person, Times
from benchmarks._history.pages import PAGES, Page
from benchmarks._history.record import Record, in_file, in_postgres
from benchmarks.figures import Figure
from benchmarks.processes import say

FULL = {False: (100_000, 1_000_000), True: (10_000, 30_000)}
SMALL = (2_000, 20_000)
ROWS_PER_S = 50_000
ALONE = [*(page.name for page in PAGES), section.NAME]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--small", action="store_true", help="2 000 runs and 20 000 scenes")
    parser.add_argument("--sqlite", action="store_true", help="10 000 runs, 30 000 scenes, a file")
    parser.add_argument("--requests", type=int, default=60, help="of each page, after 5 to warm up")
    parser.add_argument("--seed", type=int, default=1, help="of the history and of what is asked")
    parser.add_argument("--only", choices=ALONE, help="this page alone")


def run(options: Namespace) -> list[Figure]:
    """Load a history, ask for each page, look at what PostgreSQL read for it."""
    runs, scenes = SMALL if options.small else FULL[options.sqlite]
    with in_file() if options.sqlite else in_postgres() as record:
        loaded = record.load(runs, scenes, options.seed)
        limit = None if options.sqlite else ROWS_PER_S
        figures = [Figure("loading", loaded, "rows/s", limit, "more")]
        person, chance = Person(*record.sign_in()), Random(options.seed)
        for page in PAGES:
            if options.only in (None, page.name):
                figures += _measured(record, person, page, chance, options.requests)
        if options.only in (None, section.NAME):
            figures += section.measured(record, person, options.requests, options.seed)
    return figures


def _measured(
    record: Record, person: Person, page: Page, chance: Random, count: int
) -> list[Figure]:
    say(f"{page.name}: {count} requests")
    paths = page.paths(record, chance, count + 5)
    before = record.full_scans()
    times = person.ask(paths, warm_up=5)
    read = record.full_scans_since(before)
    return [*_figures(page, times), *_plans(page, read)]


def _figures(page: Page, times: Times) -> list[Figure]:
    p95 = statistics.quantiles(times.ms, n=20)[-1] if len(times.ms) > 1 else None
    return [
        Figure(f"{page.name}, p95", p95, "ms", page.limit_ms),
        Figure(f"{page.name}, p50", statistics.median(times.ms) if times.ms else None, "ms"),
        Figure(f"{page.name}, longest answer", max(times.lengths, default=None), "bytes"),
        Figure(f"{page.name}, answers that were none", times.refused, "", 0),
    ]


def _plans(page: Page, read: dict[str, int] | None) -> list[Figure]:
    """Return how often a big table was read from end to end, where the database counts that."""
    if read is None:
        return []
    if read:
        say(f"  read from end to end: {read}")
    return [Figure(f"{page.name}, big tables read whole", sum(read.values()), "", 0)]

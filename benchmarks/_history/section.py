"""What the historical analysis adds to a run's page: with 100 earlier runs, and with none.

Both runs have as many scenes, and their pages are asked for in turns, so that whatever else the
machine does meets both.
"""

import statistics

from benchmarks._charts.works import loaded
from benchmarks._history.asking import Person
from benchmarks._history.pages import RUNS
from benchmarks._history.record import Record
from benchmarks.figures import Figure
from benchmarks.processes import say

NAME = "history section"
EARLIER, SCENES = 100, 10
LIMIT_MS = 30


def measured(record: Record, person: Person, count: int, seed: int) -> list[Figure]:
    """Return how much longer the page of a run with EARLIER runs takes, at the median."""
    newest = loaded(record.site, (EARLIER, 0), SCENES, seed)
    say(f"{NAME}: {count} requests with {EARLIER} earlier runs, and as many with none")
    paths = [f"{RUNS}{newest[EARLIER]}/", f"{RUNS}{newest[0]}/"]
    times = person.ask(paths * (count + 5), warm_up=2 * 5)
    having, without = (statistics.median(times.ms[place::2]) for place in range(2))
    return [
        Figure(
            f"{NAME} at {EARLIER} runs, more than without, p50", having - without, "ms", LIMIT_MS
        ),
        Figure(f"run with {EARLIER} earlier, p50", having, "ms"),
        Figure("run without earlier ones, p50", without, "ms"),
        Figure(f"{NAME}, answers that were none", times.refused, "", 0),
    ]

"""How often the statistics of the history are right: made-up histories with known truth.

The seed is drawn anew each time and told; --seed repeats a run. Every rate stands with its n. A
history that did not change and is called better or worse is a false verdict; one that did and is
called worse is detected. Two readings of "within 20 runs" are told for steps: 20 runs in all, the
step anywhere with five on either side; and 20 before it, 20 after. Noise: _verdicts/histories.py.
"""

import secrets
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np

from benchmarks._verdicts import trials
from benchmarks._verdicts.histories import MEMORY, NOISES, Noise, remembering
from benchmarks._verdicts.timings import timings_ms
from benchmarks.figures import Figure
from benchmarks.processes import say
from history.baseline.proportions import rate_trend_of
from history.baseline.verdict import Verdict
from telemetry.words import Outcome

EFFECTS = (0.0, 0.05, 0.10, 0.20)
VARIATIONS = (0.05, 0.10, 0.20)
STEPS = {"step, 20 + 20 runs": (40, (20, 20)), "step, 20 runs in all": (20, (5, 15))}
Ask = Callable[[np.random.Generator, str | Noise, float, float, int], trials.Said]
ASKED: dict[str, Ask] = {
    "one run": trials.one_run,
    "one run after 5": partial(trials.one_run, before=5),
    "trend": trials.trend,
    **{name: partial(trials.step, length=n, at=at) for name, (n, at) in STEPS.items()},
}
FALSE, DETECTED = 5, 95
# Told without a limit: a run that took twice as long by chance is rightly called unusual; one run
# is no trend; and twenty runs with outliers tell too little (statistics.md).
RUN = ("one run", "one run after 5")
UNLIMITED_FALSE = {(asked, "outliers") for asked in RUN}
UNLIMITED_DETECTED = {
    *product(RUN, NOISES),
    *((asked, "outliers") for asked in ("trend", *STEPS)),
}
# So many times the histories where shares come near their limits: chance must not decide.
TIMES_AS_MANY = {"step, 20 runs in all": 4}
LIMITED_SPELLS = {("normal", 0.05), ("heavy-tailed", 0.05)}
TIME_LIMIT_MS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--seed", type=int, help="draw the same histories again")
    parser.add_argument("--small", action="store_true", help="1 000 histories each, not 4 000")


def run(options: Namespace) -> list[Figure]:
    """Try all kinds of histories."""
    seed = secrets.randbits(32) if options.seed is None else options.seed
    say(f"seed {seed}")
    random, count = np.random.default_rng(seed), 1_000 if options.small else 4_000
    parts = (_rates, _watched, _spells, _memory, _sure, _cold_and_warm, _few, _success)
    figures = [Figure("seed", seed, "")]
    for part in parts:
        say(part.__name__.strip("_").replace("_", " "))
        figures += part(random, count)
    return figures + [
        Figure(name, value, "ms", TIME_LIMIT_MS) for name, value in timings_ms(random)
    ]


def _share(
    name: str, hits: int, n: int, limit: float | None = None, better: str = "less"
) -> Figure:
    return Figure(
        name, 100 * hits / n, f"% of {n:,}", limit, "more" if better == "more" else "less"
    )


def _rates(random: np.random.Generator, count: int) -> Iterator[Figure]:
    for (asked, ask), noise, variation in product(ASKED.items(), NOISES, VARIATIONS):
        for effect in EFFECTS:
            said = ask(random, noise, variation, effect, count * TIMES_AS_MANY.get(asked, 1))
            name = f"{asked}, {noise} {variation:.0%}, {effect:+.0%}"
            if effect == 0:
                limit = None if (asked, noise) in UNLIMITED_FALSE else FALSE
                yield _share(f"{name}: false", said.any, said.n, limit)
                continue
            must = effect == 0.20 and variation == 0.05
            limit = DETECTED if must and (asked, noise) not in UNLIMITED_DETECTED else None
            yield _share(f"{name}: called worse", said.worse, said.n, limit, "more")
            if asked in STEPS:
                yield _share(f"{name}: and dated within 2", said.dated, said.n, limit, "more")


def _watched(random: np.random.Generator, count: int) -> Iterator[Figure]:
    for noise, variation in product(NOISES, VARIATIONS):
        wrong = trials.ever_while_watched(random, noise, variation, count // 4)
        name = f"trend, {noise} {variation:.0%}, unchanged: ever false at 20 looks"
        yield _share(name, wrong, count // 4)
        wrong = trials.steps_while_watched(random, noise, variation, count // 4)
        name = f"step, {noise} {variation:.0%}, unchanged: ever false at 20 looks"
        yield _share(name, wrong, count // 4)
        runs = trials.runs_until_seen(random, noise, variation, 0.20, count // 4)
        name = f"trend, {noise} {variation:.0%}, +20% lasting"
        limit = DETECTED if variation == 0.05 and noise != "outliers" else None
        yield _share(f"{name}: seen within 20", int((runs > 0).sum()), runs.size, limit, "more")
        yield Figure(f"{name}: median until seen", float(np.nanmedian(runs)), "runs")


def _spells(random: np.random.Generator, count: int) -> Iterator[Figure]:
    for noise, variation in product(NOISES, VARIATIONS[:2]):
        right, n = trials.spell(random, noise, variation, 0.20, count // 8)
        limit = DETECTED if (noise, variation) in LIMITED_SPELLS else None
        name = f"20 slow runs and well again, {noise} {variation:.0%}, +20%: both ends dated"
        yield _share(name, right, n, limit, "more")


def _memory(random: np.random.Generator, count: int) -> Iterator[Figure]:
    """Tell how far the memory of noise can go until verdicts break."""
    for phi, (asked, ask) in product((0.3, 0.5, 0.7, 0.9), ASKED.items()):
        said = ask(random, remembering(phi), 0.10, 0.0, count)
        limit = FALSE if phi <= MEMORY else None
        yield _share(f"{asked}, memory {phi}, 10%, unchanged: false", said.any, said.n, limit)


def _sure(random: np.random.Generator, count: int) -> Iterator[Figure]:
    for noise, variation in product(NOISES, VARIATIONS):
        name = f"trend, {noise} {variation:.0%}"
        changed = trials.sure(random, noise, variation, 0.20, count)[Verdict.STABLE]
        yield _share(f"{name}, +20%: stable with High confidence", changed, count, FALSE)
        flat = trials.sure(random, noise, variation, 0.0, count)
        wrong = flat[Verdict.IMPROVING] + flat[Verdict.DEGRADING]
        yield _share(f"{name}, unchanged: changed with High confidence", wrong, count, FALSE)


def _cold_and_warm(random: np.random.Generator, count: int) -> Iterator[Figure]:
    count //= 4
    for name, fair in (("cold and warm mixed", True), ("the same, all taken for warm", False)):
        trends, runs = trials.cold_and_warm(random, 0.05, count, fair)
        yield _share(f"{name}, unchanged: false trend", trends, count, 0 if fair else None)
        yield _share(f"{name}, unchanged: false one run", runs, count, FALSE if fair else None)


def _few(random: np.random.Generator, count: int) -> Iterator[Figure]:
    loud, asked = trials.short_histories_not_low(random, count // 20)
    yield _share("1 to 4 earlier runs, +50%: not Low, or a verdict", loud, asked, 0)


def _success(random: np.random.Generator, count: int) -> Iterator[Figure]:
    for share in (1.0, 0.98, 0.90, 0.70):
        wrong = 0
        for row in random.random((count, 100)) < share:
            outcomes = [Outcome.SUCCESS if success else Outcome.FAILED for success in row]
            wrong += rate_trend_of(outcomes).verdict in trials.ASSERTED
        limit = 0 if share == 1 else FALSE
        yield _share(f"success of {share:.0%}, unchanged: false", wrong, count, limit)

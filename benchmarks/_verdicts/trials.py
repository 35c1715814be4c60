"""What the statistics say of made-up histories: shares of right and wrong verdicts."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks._verdicts.histories import Noise, histories, stepped
from history.baseline.change_points import clearest_steps, steps_of
from history.baseline.confidence import Level
from history.baseline.fingerprint import Fingerprint
from history.baseline.ladder import SIZE as BEFORE
from history.baseline.ladder import Baseline, Rung, find_baseline
from history.baseline.ranks import Floats
from history.baseline.standing import Standing, deviation_of
from history.baseline.verdict import RECENT, Judgement, Verdict, judge_logs, trend_of
from history.baseline.work import Warmth, Work
from telemetry.words import Outcome

NEAR = 2
ASSERTED = {Verdict.IMPROVING, Verdict.DEGRADING}


@dataclass(frozen=True, slots=True)
class Said:
    """How many of `n` histories were called worse, and how many better; dated: near the truth."""

    n: int
    worse: int
    better: int
    dated: int = 0

    @property
    def any(self) -> int:
        """Return how many were called anything but unchanged."""
        return self.worse + self.better


def one_run(
    random: np.random.Generator,
    noise: str | Noise,
    variation: float,
    effect: float,
    count: int,
    before: int = BEFORE,
) -> Said:
    """Ask of the last run of each history whether it is as usual, after so many others."""
    values = histories(random, noise, variation, count, before + 1)
    values[:, -1] *= 1 + effect
    standings = [
        deviation_of(row[-1], Baseline(Rung.EXACT, tuple(row[:-1]))).standing
        for row in values.tolist()
    ]
    return Said(count, standings.count(Standing.WORSE), standings.count(Standing.BETTER))


def trend(
    random: np.random.Generator, noise: str | Noise, variation: float, effect: float, count: int
) -> Said:
    """Ask whether the last RECENT runs differ from the BEFORE before them."""
    values = histories(random, noise, variation, count, BEFORE + RECENT)
    values[:, BEFORE:] *= 1 + effect
    return _counted(judged(values))


def judged(values: Floats) -> list[Judgement]:
    """Return the verdict on the last RECENT values of each history."""
    logs = np.log(values)
    cut = logs.shape[1] - RECENT
    return judge_logs(logs[:, cut:], logs[:, cut - BEFORE : cut])


def _counted(judgements: list[Judgement]) -> Said:
    verdicts = [judgement.verdict for judgement in judgements]
    worse, better = verdicts.count(Verdict.DEGRADING), verdicts.count(Verdict.IMPROVING)
    return Said(len(verdicts), worse, better)


def step(
    random: np.random.Generator,
    noise: str | Noise,
    variation: float,
    effect: float,
    count: int,
    length: int = 40,
    at: tuple[int, int] = (20, 20),
) -> Said:
    """Ask since when histories changed that did at a place drawn from `at`, ends included."""
    places = random.integers(at[0], at[1] + 1, count)
    values = stepped(histories(random, noise, variation, count, length), places, effect)
    found, ratios = clearest_steps(np.log(values))
    near = (np.abs(found - places) <= NEAR) & (ratios > 0)
    return Said(count, int((ratios > 0).sum()), int((ratios < 0).sum()), int(near.sum()))


def spell(
    random: np.random.Generator, noise: str | Noise, variation: float, effect: float, count: int
) -> tuple[int, int]:
    """Return of how many spells of 20 runs, after 20 and before 20, both ends were dated; of n.

    Dated: just two steps, each within NEAR of the truth, up and down again.
    """
    values = histories(random, noise, variation, count, 60)
    values[:, 20:40] *= 1 + effect
    found = [steps_of(row) for row in values.tolist()]
    ends = [[(step.index, step.change > 0) for step in steps] for steps in found]
    right = [
        len(two) == 2
        and abs(two[0][0] - 20) <= NEAR
        and abs(two[1][0] - 40) <= NEAR
        and (two[0][1], two[1][1]) == (True, False)
        for two in ends
    ]
    return sum(right), count


def steps_while_watched(
    random: np.random.Generator, noise: str | Noise, variation: float, count: int, looks: int = 20
) -> int:
    """Return in how many unchanged histories a step was seen at one of so many looks."""
    values = np.log(histories(random, noise, variation, count, BEFORE + RECENT + looks - 1))
    wrong = np.zeros(count, dtype=bool)
    for look in range(looks):
        places, _ = clearest_steps(values[:, : BEFORE + RECENT + look])
        wrong |= ~np.isnan(places)
    return int(wrong.sum())


def ever_while_watched(
    random: np.random.Generator, noise: str | Noise, variation: float, count: int, looks: int = 20
) -> int:
    """Return of how many unchanged histories a verdict was wrong at one of so many looks."""
    values = histories(random, noise, variation, count, BEFORE + RECENT + looks - 1)
    wrong = np.zeros(count, dtype=bool)
    for look in range(looks):
        seen = judged(values[:, : BEFORE + RECENT + look])
        wrong |= np.array([judgement.verdict in ASSERTED for judgement in seen])
    return int(wrong.sum())


def runs_until_seen(
    random: np.random.Generator, noise: str | Noise, variation: float, effect: float, count: int
) -> Floats:
    """Return after how many runs each lasting step was first called worse; NaN within 20: never."""
    values = histories(random, noise, variation, count, BEFORE + RECENT + 20)
    values = stepped(values, np.full(count, BEFORE + RECENT), effect)
    after = np.full(count, np.nan)
    for runs in range(20, 0, -1):
        seen = judged(values[:, : BEFORE + RECENT + runs])
        worse = np.array([judgement.verdict is Verdict.DEGRADING for judgement in seen])
        after = np.where(worse, runs, after)
    return after


def sure(
    random: np.random.Generator, noise: str, variation: float, effect: float, count: int
) -> dict[Verdict, int]:
    """Return how often each verdict was stated with High confidence."""
    values = histories(random, noise, variation, count, BEFORE + RECENT)
    values[:, BEFORE:] *= 1 + effect
    high = [one.verdict for one in judged(values) if one.level is Level.HIGH]
    return {verdict: high.count(verdict) for verdict in Verdict}


# --- cold and warm -------------------------------------------------------------------------------

LOADING_S = 60.0


def cold_and_warm(
    random: np.random.Generator, variation: float, count: int, fair: bool
) -> tuple[int, int]:
    """Return how many trends, and how many last runs, are wrong in unchanged mixtures of both.

    A third of the runs load their models first. Unfairly, all are taken for warm.
    """
    trends = runs = 0
    for values in histories(random, "normal", variation, count, 60):
        cold = random.random(values.size) < 1 / 3
        works = _works(values + LOADING_S * cold, cold if fair else np.zeros_like(cold))
        found = find_baseline(works[-1], works, size=BEFORE + RECENT - 1)
        recent = [*found.values, works[-1].value]
        verdict = trend_of(recent).verdict
        standing = deviation_of(works[-1].value, _last(found)).standing
        trends += verdict in ASSERTED
        runs += standing in (Standing.BETTER, Standing.WORSE)
    return trends, runs


def _last(found: Baseline) -> Baseline:
    return Baseline(found.rung, found.values[-BEFORE:], found.ids[-BEFORE:])


def _works(values: Floats, cold: Floats) -> list[Work]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    kind = Fingerprint(workload="the same", family="the same")
    return [
        Work(
            place,
            kind,
            float(value),
            began + timedelta(hours=place),
            Outcome.SUCCESS,
            warmth=Warmth.COLD if is_cold else Warmth.WARM,
        )
        for place, (value, is_cold) in enumerate(zip(values, cold, strict=True))
    ]


def short_histories_not_low(random: np.random.Generator, count: int) -> tuple[int, int]:
    """Return how many judgements on at most 4 earlier runs were above Low, or a verdict; of n."""
    loud = asked = 0
    for before in range(1, 5):
        for values in histories(random, "normal", 0.01, count, before + RECENT):
            values[before:] *= 1.5
            one = judge_of(values, before)
            loud += one.level is not Level.LOW or one.verdict in ASSERTED
            asked += 1
    return loud, asked


def judge_of(values: Floats, before: int) -> Judgement:
    """Return the verdict on all but the first `before` values."""
    recent, earlier = values[before:], values[:before]
    return judge_logs(np.log(recent)[None], np.log(earlier)[None])[0]

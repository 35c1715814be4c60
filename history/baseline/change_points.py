"""Since when work takes longer or shorter: steps in a history, dated, with what changed then. Pure.

Each step is the place at which "a level, then another level, with noise that remembers" explains
the history best, and so much better than "one level, with noise that remembers" that chance does
not explain it. Outliers are drawn in first. Model, sources and the limit: docs/statistics.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import expm1

import numpy as np

from history.baseline.ladder import ENOUGH
from history.baseline.logs import logs_of
from history.baseline.memory import memory_of, widening
from history.baseline.ranks import Floats, shifts
from history.baseline.step_scan import Clearest, clearest
from history.baseline.verdict import DEFAULT, LEVEL, Rules, Verdict

# How much better two levels have to explain a history than one, in twice the log likelihood, by how
# many runs: holds chance to 4.4 % of histories whose noise has a memory of 0.5, to 0.3 % of those
# without one. Few runs leave fewer places to look at, and less to chance. Between them a line.
EVIDENCE = {20: 12.8, 28: 14.2}
# Places whose evidence is not further below the best one's may be the true one as well.
DATING = 6.0
# Older runs do not matter for what holds now, and cost time.
LONGEST = 500
AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """That a server's software or hardware changed, and what, in words."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Step:
    """A lasting change of level between two runs.

    `index` is the first run on the new level; it may also be any from `earliest` to `latest`.
    `change` is relative (0.2: 20 % more), with its interval. `last_before_at` and `first_after_at`
    are those runs' times; `environment` names what changed between the earliest and the latest.
    """

    index: int
    earliest: int
    latest: int
    verdict: Verdict
    change: float
    low: float | None
    high: float | None
    evidence: float
    last_before_at: datetime | None = None
    first_after_at: datetime | None = None
    environment: tuple[str, ...] = ()


def steps_of(
    values: Sequence[float],
    times: Sequence[datetime] | None = None,
    environment: Sequence[EnvironmentChange] = (),
    rules: Rules = DEFAULT,
) -> list[Step]:
    """Return the steps in a history of positive values from old to new, oldest step first.

    With fewer than ENOUGH runs on either side nothing is a step. Only the last LONGEST count.
    Raises ValueError where times and values differ in number.
    """
    if times is not None and len(times) != len(values):
        raise ValueError(f"{len(times)} times for {len(values)} values")
    first = max(0, len(values) - LONGEST)
    logs = logs_of(values[first:])
    found = _steps(logs, first, rules, evidence_asked(logs.size))
    return [_dated(step, times, environment) for step in found] if times else list(found)


def clearest_steps(logs: Floats, rules: Rules = DEFAULT) -> tuple[Floats, Floats]:
    """Return, for rows of logarithms, the clearest step's index and log ratio; NaN for none.

    Rows are histories of equal length from old to new; each is asked for one step only.
    """
    found = clearest(logs, ENOUGH, DATING)
    ratios = np.array([_shift(step) for step in found])
    asked = evidence_asked(logs.shape[-1])
    is_step = (np.array([step.score for step in found]) >= asked) & (np.abs(ratios) >= rules.limit)
    places = np.array([step.index for step in found])
    return np.where(is_step, places, np.nan), np.where(is_step, ratios, np.nan)


def evidence_asked(runs: int) -> float:
    """Return how much evidence a step among so many runs has to show."""
    return float(np.interp(runs, list(EVIDENCE), list(EVIDENCE.values())))


def _shift(step: Clearest) -> float:
    return float(np.median(np.subtract.outer(step.after, step.before)))


def _steps(logs: Floats, first: int, rules: Rules, asked: float) -> Iterator[Step]:
    """Yield the steps of a history that begins at `first`: the clearest cuts it, then each part.

    Parts have to show as much as the whole: who looks more often is told more by chance.
    """
    if logs.size < 2 * ENOUGH:
        return
    step = _step(logs, first, rules, asked)
    if step is None:
        return
    cut = step.index - first
    yield from _steps(logs[:cut], first, rules, asked)
    yield step
    yield from _steps(logs[cut:], step.index, rules, asked)


def _step(logs: Floats, first: int, rules: Rules, asked: float) -> Step | None:
    (found,) = clearest(logs[None], ENOUGH, DATING)
    ratio = _shift(found)
    if found.score < asked or abs(ratio) < rules.limit:
        return None
    return Step(
        first + found.index,
        first + found.earliest,
        first + found.latest,
        rules.verdict(ratio),
        expm1(ratio),
        *_interval(found.after, found.before),
        found.score,
    )


def _interval(after: Floats, before: Floats) -> tuple[float | None, float | None]:
    """Return the relative change's interval, by the rank test, widened for the runs' memory."""
    found = shifts(after, before, LEVEL)
    if np.isnan(found.low):
        return None, None
    wider = widening(memory_of(after, before), after.size, before.size)
    low = found.center - (found.center - found.low) * wider
    high = found.center + (found.high - found.center) * wider
    return expm1(float(low)), expm1(float(high))


def _dated(step: Step, times: Sequence[datetime], environment: Sequence[EnvironmentChange]) -> Step:
    """Return the step with its times, and the changes of the environment that fall there."""
    since, until = times[step.earliest - 1], times[step.latest]
    near = [change for change in environment if since <= change.at <= until]
    before, after = times[step.index - 1], times[step.index]
    near.sort(key=lambda change: (max(before - change.at, change.at - after, AT_ONCE), change.at))
    names = tuple(dict.fromkeys(change.what for change in near))
    return replace(step, last_before_at=before, first_after_at=after, environment=names)

"""Since when a chart's work takes longer or shorter, and what changed on its servers then.

Environments are asked for only where there is a step: one query. What is named stands beside a step
in time; that it is the cause nobody can tell from that.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import expm1

import numpy as np
from django.db.models import QuerySet

from history.baseline.change_points import Step, steps_of
from history.baseline.ladder import Baseline
from history.baseline.verdict import Rules
from history.charts.parts import Chart, Mark, Value
from history.compare.environments import changed_packs, points_of
from history.models import RunServer
from telemetry.models import Environment

NEAR = timedelta(days=1)
# Rows are changes: so many of the last ones are looked at, of all servers together.
CHANGES = 100
# What a sentence takes: of more points, or longer ones, their number or name is told.
POINTS, LONGEST, NAMES = 2, 60, 3

Servers = QuerySet[RunServer, int] | Sequence[int]


@dataclass(frozen=True, slots=True)
class Changed:
    """What became different on a server, in words, and when."""

    at: datetime
    server: str
    what: str


def servers_of(runs: Sequence[int]) -> QuerySet[RunServer, int]:
    """Return the servers of runs, as part of a query."""
    return RunServer.objects.filter(run__in=runs).order_by().values_list("server", flat=True)


def with_steps(chart: Chart, baseline: Baseline, servers: Servers, subject: str) -> Chart:
    """Return a chart of one series with its steps marked; `subject` is "such runs take".

    Values are in order of time. Where the baseline is no ground for a verdict, nothing is a step.
    """
    values = [value for value in chart.values if value.y is not None and value.at is not None]
    times = [value.at for value in values if value.at is not None]
    steps = steps_in(values, times, baseline)
    if not steps:
        return chart
    changes = changes_of(servers, max(_around(step, times)[1] for step in steps))
    marks = (
        _mark(values[step.index], step, f"{subject} {told}", nearest(step, times, changes))
        for step, told in zip(steps, _told(steps, len(values)), strict=True)
    )
    return replace(chart, marks=tuple(marks))


def _told(steps: Sequence[Step], n: int) -> list[str]:
    """Return of each step how far it went, and how many values are between its neighbours."""
    ends = [0, *(step.index for step in steps), n]
    return [
        f"{_label(step)} (n = {step.index - start} before, {end - step.index} after)"
        for step, start, end in zip(steps, ends, ends[2:], strict=False)
    ]


def steps_in(values: Sequence[Value], times: Sequence[datetime], baseline: Baseline) -> list[Step]:
    """Return the steps of values in the order of time. Pure."""
    known = [value.y for value in values if value.y is not None]
    if not baseline.judges:
        return []
    steps = steps_of(known, times, rules=Rules(allowance=baseline.allowance))
    ends = [0, *(step.index for step in steps), len(known)]
    return [
        replace(step, change=_change(known[start : step.index], known[step.index : end]))
        for step, start, end in zip(steps, ends, ends[2:], strict=False)
    ]


def _change(before: Sequence[float], after: Sequence[float]) -> float:
    """Return how far apart two levels are: what found a step may have set it against several."""
    return expm1(float(np.median(np.subtract.outer(np.log(after), np.log(before)))))


def _label(step: Step) -> str:
    return f"{abs(step.change):.0%} {'longer' if step.change > 0 else 'shorter'}"


def _mark(value: Value, step: Step, text: str, beside: Sequence[Changed]) -> Mark:
    mark = Mark(value.x, value.name, _label(step), text, value.at)
    if not beside:
        return mark
    names = [change.server for change in beside]
    more = [f"{len(names) - NAMES} more"] if len(names) > NAMES else []
    told = f"{', '.join([*names[:NAMES], *more])}: {beside[0].what}"
    return replace(mark, beside=told, beside_at=beside[0].at)


# --- what changed beside it -----------------------------------------------------------------------


def nearest(step: Step, times: Sequence[datetime], changes: Iterable[Changed]) -> list[Changed]:
    """Return the change nearest to a step, and those of other servers that are the same. Pure.

    It lies among the runs that the step may be dated to, or within a day of it.
    """
    since, until = _around(step, times)
    before, after = times[step.index - 1], times[step.index]

    def far(change: Changed) -> timedelta:
        return max(before - change.at, change.at - after, timedelta(0))

    # The later one of two between the same runs: what was in force when the new level began.
    near = sorted((one for one in changes if since <= one.at <= until), key=_newest_first)
    near.sort(key=far)
    alike = {one.server: one for one in reversed(near) if one.what == near[0].what}
    return [alike[name] for name in sorted(alike)]


def _newest_first(change: Changed) -> float:
    return -change.at.timestamp()


def _around(step: Step, times: Sequence[datetime]) -> tuple[datetime, datetime]:
    since = min(times[step.earliest - 1], times[step.index - 1] - NEAR)
    return since, max(times[step.latest], times[step.index] + NEAR)


def changes_of(servers: Servers, until: datetime) -> list[Changed]:
    """Return what changed on servers up to a time; the first that is known of one is no change."""
    rows = Environment.objects.filter(server__in=servers, since__lte=until)
    of: defaultdict[int, list[Environment]] = defaultdict(list)
    for row in rows.select_related("server").order_by("-since")[:CHANGES]:
        of[row.server_id].append(row)
    pairs = [pair for found in of.values() for pair in pairwise(found)]
    told = [Changed(new.since, new.server.name, what_changed(old, new)) for new, old in pairs]
    return [change for change in told if change.what]


def what_changed(old: Environment, new: Environment) -> str:
    """Return what is different, "ComfyUI 0.3.64 → 0.33.0"; what one does not know is no change."""
    before, after = points_of([old]), points_of([new])
    told = [
        _point(name, *before[name], *after[name])
        for name in after
        if name in before and before[name] != after[name]
    ]
    told += changed_packs(old, new)
    more = [f"{len(told) - POINTS} more"] if len(told) > POINTS else []
    return ", ".join([*told[:POINTS], *more])


def _point(name: str, old: str, new: str) -> str:
    told = f"{name} {old} → {new}"
    return told if len(told) <= LONGEST else f"{name} changed"

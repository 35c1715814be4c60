"""The figures of a list of runs: how many of each status, how long they took, what succeeded.

One query on PostgreSQL, where the database reckons; two on SQLite, which has no percentiles. Both
interpolate percentiles alike (docs/statistics.md). Of more than MOST runs the newest are taken, so
that a page costs the same however long the history is.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from math import sqrt
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from history.explore.filters import STATUSES
from history.models import Run
from telemetry.words import Outcome

if TYPE_CHECKING:  # they import numpy, which the site does not start with
    from history.baseline.proportions import Rate
    from history.baseline.summary import Summary

MOST = 5_000
MEASURES = ("duration_s", "work_s")
# All but the skipped, as in the rate of each run (docs/history.md): one run has one rate.
TRIED = ("success", "partial", "failed", "timeout", "cancelled", "lost")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a list of runs comes to; `is_part` says that it holds more, which are older.

    Durations are of finished runs, in seconds: from first start to last end, and of their scenes
    together. `success` is of scenes that were tried. The oldest and the newest run began then.
    """

    runs: int
    scenes: int
    is_part: bool
    by_status: dict[str, int]
    duration_s: "Summary"
    work_s: "Summary"
    success: "Rate"
    oldest_at: datetime | None = None
    newest_at: datetime | None = None


COLUMNS = (
    "began_at",
    *("open_count", "outcome", "scene_count", *MEASURES),
    *(f"{name}_count" for name in TRIED),
)
# The ORM takes longer to write this than the database to answer it.
SUMS = {
    "runs": "COUNT(*)",
    "scenes": "SUM(scene_count)",
    "oldest_at": "MIN(began_at)",
    "newest_at": "MAX(began_at)",
    **{f"{name}_scenes": f"SUM({name}_count)" for name in TRIED},
}
NAMES = {outcome: "completed" if outcome == "success" else str(outcome) for outcome in Outcome}
COUNTED = {
    "finished": "COUNT(*) FILTER (WHERE open_count = 0)",
    "is_executing": "COUNT(*) FILTER (WHERE open_count > 0)",
    **{
        f"is_{name}": f"COUNT(*) FILTER (WHERE outcome = '{outcome}')"
        for outcome, name in NAMES.items()
    },
    "is_unknown": "COUNT(*) FILTER (WHERE outcome IS NULL AND open_count = 0)",
}
PERCENTILES = "ARRAY[0.5, 0.9, 0.95]"
RECKONED = {
    "n": "COUNT({of})",
    "mean": "AVG({of})",
    "percentiles": f"PERCENTILE_CONT({PERCENTILES}) WITHIN GROUP (ORDER BY {{of}})",
    "minimum": "MIN({of})",
    "maximum": "MAX({of})",
    "sd": "STDDEV_SAMP({of})",
}


def figures_of(runs: "QuerySet[Run]") -> Figures:
    """Return the figures of runs, which are not sliced; of the newest MOST of them."""
    from history.baseline.proportions import rate

    newest = runs.order_by("-began_at")[:MOST].values_list(*COLUMNS)
    reckon = _of_postgresql if connection.vendor == "postgresql" else _of_sqlite
    told, by_status, summaries = reckon(newest)
    tried = [told[f"{name}_scenes"] or 0 for name in TRIED]
    return Figures(
        runs=told["runs"] or 0,
        scenes=told["scenes"] or 0,
        is_part=(told["runs"] or 0) >= MOST,
        by_status={name: by_status[name] for name in STATUSES},
        success=rate(tried[0], sum(tried)),
        oldest_at=_time(told["oldest_at"]),
        newest_at=_time(told["newest_at"]),
        **summaries,
    )


Told = tuple[dict[str, Any], Counter[str], dict[str, "Summary"]]


def _of_postgresql(newest: Any) -> Told:
    """Return sums, how many runs have each status, and the summaries: one query."""
    told = _asked(newest, {**SUMS, **COUNTED, **_reckoned()})
    by_status = Counter({name: told[f"is_{name}"] or 0 for name in STATUSES})
    return told, by_status, _from(told)


def _of_sqlite(newest: Any) -> Told:
    """Return the same: sums by the database, which takes long to count and has no percentiles.

    The rows are read past the ORM, which takes as long for each as SQLite.
    """
    told = _asked(newest, SUMS)
    rows = _selected(newest, f"outcome, open_count, {', '.join(MEASURES)}")
    # Columns, not rows: a loop over thousands of them would take longer than all else of this.
    outcomes, opens, *measures = zip(*rows, strict=True) if rows else [()] * (2 + len(MEASURES))
    by_status: Counter[str] = Counter()
    for how, count in Counter(zip(outcomes, opens, strict=True)).items():
        by_status[_status(*how)] += count
    over = [not opened for opened in opens]
    return told, by_status, _from_values([list(compress(each, over)) for each in measures])


def _status(outcome: str | None, open_count: int) -> str:
    """Return what STATUSES calls it."""
    if open_count:
        return "executing"
    return "unknown" if outcome is None else NAMES[Outcome(outcome)]


def _asked(newest: Any, wanted: dict[str, str]) -> dict[str, Any]:
    """Return what is wanted of these rows, by name; None of all where no row can be meant."""
    [row] = _selected(newest, ", ".join(wanted.values())) or [(None,) * len(wanted)]
    return dict(zip(wanted, row, strict=True))


def _selected(newest: Any, what: str) -> list[tuple[Any, ...]]:
    """Return what is selected of these rows; nothing where no row can be meant."""
    try:
        rows, parameters = newest.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM ({rows}) AS newest", parameters)
        return list(cursor.fetchall())


def _time(told: datetime | str | None) -> datetime | None:
    """Return a time; SQLite tells those that it chose as text, without their zone."""
    return datetime.fromisoformat(told).replace(tzinfo=UTC) if isinstance(told, str) else told


def _reckoned() -> dict[str, str]:
    """Return what PostgreSQL reckons of each measure, of finished runs."""
    return {
        f"{of}_{name}": f"{how.format(of=of)} FILTER (WHERE open_count = 0)"
        for of in MEASURES
        for name, how in RECKONED.items()
    }


def _from(told: dict[str, Any]) -> dict[str, "Summary"]:
    """Return the summaries that the database reckoned."""
    from history.baseline.summary import Summary

    summaries = {}
    for of in MEASURES:
        parts = {name: told[f"{of}_{name}"] for name in RECKONED}
        n, (median, p90, p95) = parts.pop("n") or 0, parts.pop("percentiles") or (None,) * 3
        missing, follows = (told["finished"] or 0) - n, _follows(n, parts["mean"], parts["sd"])
        summaries[of] = Summary(n, missing, median=median, p90=p90, p95=p95, **parts, **follows)
    return summaries


def _follows(n: int, mean: float | None, sd: float | None) -> dict[str, float | None]:
    """Return what follows of the rest: the total, and the deviation of just these values."""
    if mean is None:
        return {}
    return {"total": n * mean, "population_sd": (sd or 0.0) * sqrt((n - 1) / n)}


def _from_values(columns: list[list[float | None]]) -> dict[str, "Summary"]:
    """Return the summaries of the measures' values; runs of many kinds are not alike."""
    from history.baseline.summary import summary_of

    found = zip(MEASURES, columns, strict=True)
    return {of: summary_of(values, alike=False) for of, values in found}

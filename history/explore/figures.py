"""The figures of a list of runs: how many of each status, how long they took, what succeeded.

One query on PostgreSQL, where the database reckons; two on SQLite, which has no percentiles. Both
interpolate percentiles alike (docs/statistics.md). Of more than MOST runs the newest are taken, so
that a page costs the same however long the history is.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
TRIED = ("success", "partial", "failed", "timeout")


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
COUNTED = {
    "runs": "COUNT(*)",
    "scenes": "SUM(scene_count)",
    "oldest_at": "MIN(began_at)",
    "newest_at": "MAX(began_at)",
    "finished": "COUNT(*) FILTER (WHERE open_count = 0)",
    **{f"{name}_scenes": f"SUM({name}_count)" for name in TRIED},
    "is_executing": "COUNT(*) FILTER (WHERE open_count > 0)",
    **{
        f"is_{'completed' if outcome == 'success' else outcome}": (
            f"COUNT(*) FILTER (WHERE outcome = '{outcome}')"
        )
        for outcome in Outcome
    },
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
    in_database = connection.vendor == "postgresql"
    told = _asked(newest, {**COUNTED, **(_reckoned() if in_database else {})})
    tried = [told[f"{name}_scenes"] or 0 for name in TRIED]
    return Figures(
        runs=told["runs"] or 0,
        scenes=told["scenes"] or 0,
        is_part=(told["runs"] or 0) >= MOST,
        by_status={name: told[f"is_{name}"] or 0 for name in STATUSES},
        success=rate(tried[0], sum(tried)),
        oldest_at=_time(told["oldest_at"]),
        newest_at=_time(told["newest_at"]),
        **(_from(told) if in_database else _from_values(newest)),
    )


def _asked(newest: Any, wanted: dict[str, str]) -> dict[str, Any]:
    """Return what is wanted of these rows, by name; None of all where no row can be meant."""
    try:
        rows, parameters = newest.query.sql_with_params()
    except EmptyResultSet:
        return dict.fromkeys(wanted)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(wanted.values())} FROM ({rows}) AS newest", parameters)
        return dict(zip(wanted, cursor.fetchone(), strict=True))


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


def _from_values(newest: Any) -> dict[str, "Summary"]:
    """Return the summaries of values; runs of many kinds have no variation from run to run."""
    from history.baseline.summary import summary_of

    rows = [row[1:] for row in newest.values_list("open_count", *MEASURES) if not row[0]]
    columns = zip(*rows, strict=True) if rows else [()] * len(MEASURES)
    found = zip(MEASURES, columns, strict=True)
    return {of: replace(summary_of(values), variation=None) for of, values in found}

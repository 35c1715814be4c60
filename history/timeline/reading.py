"""The runs of a stretch of time, each once for every server that it was on.

Three queries however many there are: the last is for those that go on. Of more than MOST the
newest are taken, before anything is joined: an index of the team's newest runs leads there.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, Q, QuerySet

from history.models import Attempt, Run, RunServer
from history.timeline.window import Window
from telemetry.words import Outcome

MOST = 5_000
# A run that began so long before the window is still found where it reaches into it.
REACH = timedelta(days=7)
COLUMNS = (
    *("pk", "external_id", "title", "story_id", "began_at", "ended_at", "duration_s"),
    *("outcome", "open_count", "scene_count"),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run on one of its servers: submitted, begun and over then.

    `begun_at` is None where no prompt of it has begun; `ended_at` where it goes on. `server` is
    None where none is known. `status` is a word of history/strip.py.
    """

    pk: int
    name: str
    of: str
    server: int | None
    began_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    status: str
    scenes: int


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, oldest first; `cut_at` is when the oldest began, where not all were."""

    pieces: tuple[Piece, ...]
    cut_at: datetime | None


def read(runs: "QuerySet[Run]", window: Window) -> Read:
    """Return what of these runs lies within a window, or reaches into it."""
    reaching = Q(began_at__gte=window.since) | Q(ended_at__gt=window.since) | Q(open_count__gt=0)
    found = runs.filter(
        reaching, began_at__gte=window.since - REACH, began_at__lt=window.until
    ).order_by("-began_at", "-pk")
    rows = list(found.values(*COLUMNS)[: MOST + 1])
    servers = _servers(found)
    cut_at = rows[MOST - 1]["began_at"] if len(rows) > MOST else None
    begun = _begun({row["pk"] for row in rows if row["open_count"]})
    pieces = (
        _piece(row, server, begun)
        for row in rows[:MOST][::-1]
        for server in servers.get(row["pk"], [None])
    )
    return Read(tuple(pieces), cut_at)


def _servers(found: "QuerySet[Run]") -> dict[int, list[int | None]]:
    """Return the servers of the newest of these runs."""
    newest = RunServer.objects.filter(run__in=found.values("pk")[: MOST + 1]).order_by()
    servers: defaultdict[int, list[int | None]] = defaultdict(list)
    for run, server in newest.values_list("run", "server"):
        servers[run].append(server)
    return servers


def _begun(open_runs: set[int]) -> dict[int, datetime]:
    """Return when the first prompt of each of these runs was begun."""
    if not open_runs:
        return {}
    found = Attempt.objects.filter(scene__run__in=open_runs, started_at__isnull=False).order_by()
    rows = found.values_list("scene__run").annotate(Min("started_at"))
    return dict(rows)


def _piece(row: dict[str, Any], server: int | None, begun: dict[int, datetime]) -> Piece:
    name = row["title"] or row["story_id"]
    return Piece(
        pk=row["pk"],
        name=name or row["external_id"],
        of=row["external_id"] if name else "",
        server=server,
        began_at=row["began_at"],
        begun_at=_begun_at(row, begun),
        ended_at=None if row["open_count"] else row["ended_at"] or row["began_at"],
        status=_status(row, begun),
        scenes=row["scene_count"],
    )


def _begun_at(row: dict[str, Any], begun: dict[int, datetime]) -> datetime | None:
    """Return when work began: a run's duration is from its first start to its last end."""
    began_at: datetime = row["began_at"]
    if row["open_count"]:
        return begun.get(row["pk"])
    if row["ended_at"] is None or row["duration_s"] is None:
        return began_at
    begun_at: datetime = row["ended_at"] - timedelta(seconds=row["duration_s"])
    return max(began_at, begun_at)


def _status(row: dict[str, Any], begun: dict[int, datetime]) -> str:
    if row["open_count"]:
        return "executing" if row["pk"] in begun else "queued"
    if row["outcome"] is None:
        return "unknown"
    return "completed" if row["outcome"] == Outcome.SUCCESS else row["outcome"]

"""Lists of a team's attempts, so that a page costs the same at any depth of a million.

An attempt's team is its server's, which no index of attempts holds. The list walks the index of
the time that orders it, and passes over what is other teams': nothing where a team has the site to
itself. Two bounds keep it from walking through times in which the team had no attempts at all.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from history.models import Attempt
from telemetry.models import Server, Team


@dataclass(frozen=True, slots=True)
class Extent:
    """A team's servers, deleted ones too, and from when to when they have attempts, if any."""

    server_ids: list[int]
    oldest: datetime | None
    newest: datetime | None


def extent_of(team: Team, by: str) -> Extent:
    """Return where a team's attempts are, by a time column; two index probes for each server."""
    own = Attempt.objects.filter(server=OuterRef("pk"), **{f"{by}__isnull": False})
    ends = [Subquery(own.order_by(order).values(by)[:1]) for order in (by, f"-{by}")]
    rows = Server.objects.filter(team=team).annotate(oldest=ends[0], newest=ends[1])
    told = list(rows.order_by().values_list("pk", "oldest", "newest"))
    times = [at for row in told for at in row[1:] if at is not None]
    return Extent([row[0] for row in told], min(times, default=None), max(times, default=None))


def attempts_of(team: Team, by: str) -> "QuerySet[Attempt]":
    """Return a team's attempts that have a value of the time column `by`; no deleted run's."""
    extent = extent_of(team, by)
    if extent.oldest is None or extent.newest is None:
        return Attempt.objects.none()
    # As values, not as a join: the database then knows how many of all rows are theirs.
    return Attempt.objects.filter(
        server__in=extent.server_ids,
        scene__run__deleted_at=None,
        **{f"{by}__gte": extent.oldest, f"{by}__lte": extent.newest},
    )

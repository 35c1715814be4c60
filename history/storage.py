"""How much of the record is each team's, and whether a quota lets files be handed in.

Rows are counted, not weighed: a row of each table is taken for what one measured with its indexes
(BYTES), documents and graphs for what they are. So the same rows come to the same bytes on either
database, and what was deleted counts no more, though the database keeps the room for later. What
hangs on attempts is a team's by its share of all attempts. The night's purge measures; while files
are handed in under a quota it is done again every TEN_MINUTES.

Only files are refused. What servers do is recorded under any quota: nothing is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Model, Sum
from django.db.models.functions import Length

from history.models import (
    ActivityEvent,
    AttemptMemory,
    AttemptOutputs,
    GpuSample,
    Graph,
    NodeExecution,
    PollLog,
    Run,
    RunRevision,
    Scene,
    TeamStorage,
)
from telemetry.models import Team

# Bytes of a row with its indexes as PostgreSQL tells of 20,000 invented scenes; of a run with that
# of its server. Of what these lack (samples, activity, nodes, files' names): of their columns.
BYTES: dict[type[Model], int] = {
    Run: 1_550,
    GpuSample: 220,
    ActivityEvent: 480,
    NodeExecution: 180,
    AttemptMemory: 170,
    AttemptOutputs: 260,
}
SCENE_BYTES, ATTEMPT_BYTES = 730, 870
# Beside the document itself.
REVISION_BYTES, GRAPH_BYTES, POLL_LOG_BYTES = 260, 100, 160
SHARED: tuple[tuple[type[Model], str, int], ...] = (
    (Graph, "compressed", GRAPH_BYTES),
    (PollLog, "packed", POLL_LOG_BYTES),
    (NodeExecution, "", BYTES[NodeExecution]),
    (AttemptMemory, "", BYTES[AttemptMemory]),
    (AttemptOutputs, "", BYTES[AttemptOutputs]),
)
WARN_FROM = 0.8
TEN_MINUTES = timedelta(minutes=10)
MIB = 1 << 20

Kinds = dict[str, tuple[int, int]]


class OverQuota(Exception):
    """The team keeps as much as it may: its files are refused. The text is for people."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a team keeps, by kind as (rows, bytes), and the quota in bytes; None: no limit."""

    at: datetime
    kinds: Kinds
    quota_bytes: int | None

    @property
    def bytes(self) -> int:
        """Return all bytes together."""
        return sum(size for _, size in self.kinds.values())

    @property
    def share(self) -> float | None:
        """Return how much of the quota that is, 1 for all; None without a quota."""
        return self.bytes / self.quota_bytes if self.quota_bytes else None


def quota_bytes() -> int | None:
    """Return what each team may keep, None for as much as it likes."""
    return settings.TEAM_QUOTA_MIB * MIB or None


def measure(at: datetime) -> None:
    """Count what each team keeps, and write it down: a few statements, each over one table."""
    told: dict[int, Kinds] = {pk: {} for pk in Team.objects.values_list("pk", flat=True)}
    for kind, team, rows, size in _counted():
        if team in told:
            told[team][kind] = (rows, size)
    _share_out(told)
    TeamStorage.objects.bulk_create(
        [TeamStorage(team_id=team, at=at, kinds=kinds) for team, kinds in told.items()],
        update_conflicts=True,
        unique_fields=["team"],
        update_fields=["at", "kinds"],
    )


def usage_of(team: Team) -> Usage | None:
    """Return what a team kept when that was measured last, None before the first time."""
    row = TeamStorage.objects.filter(team=team).first()
    if row is None:
        return None
    kinds = {kind: (int(rows), int(size)) for kind, (rows, size) in row.kinds.items()}
    return Usage(row.at, kinds, quota_bytes())


def check(team: Team, at: datetime) -> None:
    """Raise OverQuota where the team's files are refused; without a quota nothing is asked."""
    if quota_bytes() is None:
        return
    usage = usage_of(team)
    if usage is None or at - usage.at > TEN_MINUTES:
        measure(at)
        usage = usage_of(team)
    if usage and usage.share and usage.share >= 1:
        raise OverQuota(
            f"{team} keeps {usage.bytes / MIB:,.1f} MiB of the {settings.TEAM_QUOTA_MIB:,} MiB "
            f"that a team may (measured {usage.at:%Y-%m-%d %H:%M} UTC), so no more files are "
            "taken. Servers are recorded as before."
        )


NEXT = (
    "Delete runs, have less kept (docs/retention.md), or ask the site's admin for more: "
    "SCENEWATCH_TEAM_QUOTA_MIB. Then hand them in again."
)


# --- How it is counted ----------------------------------------------------------------------------


def _counted() -> Iterator[tuple[str, int, int, int]]:
    """Yield kind, team, rows and bytes of what tells its team by itself."""
    for team, rows in _by_team(Run, "team", n=Count("pk")):
        yield _name(Run), team, rows, rows * BYTES[Run]
    for team, rows, attempts in _by_team(Scene, "team", n=Count("pk"), a=Sum("attempt_count")):
        yield _name(Scene), team, rows, rows * SCENE_BYTES
        yield "attempts", team, attempts, attempts * ATTEMPT_BYTES
    documents = {"n": Count("pk"), "size": Sum(Length("document"))}
    for team, rows, size in _by_team(RunRevision, "run__team", **documents):
        yield "documents of files", team, rows, rows * REVISION_BYTES + (size or 0)
    for model, of in ((GpuSample, "server__team"), (ActivityEvent, "team")):
        for team, rows in _by_team(model, of, n=Count("pk")):
            yield _name(model), team, rows, rows * BYTES[model]


def _by_team(model: type[Model], team: str, **wanted: Any) -> Iterator[Any]:
    rows = model._base_manager.order_by().values(team).annotate(**wanted)
    yield from rows.values_list(team, *wanted)


def _share_out(told: dict[int, Kinds]) -> None:
    """Give each team its part of what hangs on attempts, by how many of these are its own."""
    every = sum(kinds.get("attempts", (0, 0))[0] for kinds in told.values())
    for model, weighed, each in SHARED:
        count, size = _whole(model, weighed)
        for kinds in told.values():
            own = kinds.get("attempts", (0, 0))[0]
            if own:
                rows = round(count * own / every)
                kinds[_name(model)] = (rows, rows * each + round(size * own / every))


def _whole(model: type[Model], weighed: str) -> tuple[int, int]:
    rows = model._base_manager.order_by()
    told = rows.aggregate(n=Count("pk"), size=Sum(Length(weighed)) if weighed else Sum(0))
    return told["n"], told["size"] or 0


def _name(model: type[Model]) -> str:
    return str(model._meta.verbose_name_plural)

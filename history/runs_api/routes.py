"""The API's routes about runs that are on record. history/api.py takes them in.

On the router of the door for files, for an address belongs to one.
"""

from datetime import datetime
from typing import Any, Self

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from history import deletion
from history.access import deleted_run_in, run_for, run_in
from history.explore.figures import figures_of
from history.exports.lists import exported
from history.ingest_api import router
from history.keyset import page_of
from history.models import Run
from history.runs_api.asked import RunPageQuery, RunQuery, runs_of
from history.runs_api.detail import RunDetail, servers_of
from history.runs_api.shapes import ExportedRuns, ExportedScenes, RunOut, Runs
from history.runs_api.statistics import RunStatistics
from history.runs_api.units import key
from telemetry.api_errors import (
    TABLE,
    Refusal,
    answers,
    answers_to_a_change,
    answers_with_a_table,
)
from telemetry.api_shapes import Shape
from telemetry.callers import Session, Token, caller_of
from telemetry.clock import now
from telemetry.models import Membership, Scope

__all__ = ["router"]

# A session opens what only reads, and says so here as everywhere.
CHANGES = [Token(Scope.WRITE), Session()]
GONE_FOR_GOOD = "The run was deleted, and what it held is removed for good."


class RunChanged(Shape):
    """What became of a run as a whole."""

    id: int = key("Ours.")
    archived_at: datetime | None = Field(description="Null: it is not archived.")
    deleted_at: datetime | None = Field(description="Null: it is not deleted.")
    restorable_until: datetime | None = Field(
        description="From then on what a deleted run holds is removed for good; null: never."
    )

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return a run as it stands now."""
        until = deletion.emptied_from(run.deleted_at) if run.deleted_at else None
        return cls.told(run, restorable_until=until)


@router.get("/runs", response=answers(Runs), summary="Runs, a page at a time", tags=["runs"])
def runs(request: HttpRequest, asked: Query[RunPageQuery]) -> Runs:
    """List runs, newest first, a page at a time."""
    wanted = runs_of(caller_of(request), asked)
    page, next_cursor = page_of(wanted, "began_at", asked.cursor, asked.limit)
    servers = servers_of([run.pk for run in page])
    return Runs(items=[RunOut.of(run, servers[run.pk]) for run in page], next_cursor=next_cursor)


@router.get(
    "/runs/statistics", response=answers(RunStatistics), summary="What runs come to", tags=["runs"]
)
def statistics(request: HttpRequest, asked: Query[RunQuery]) -> RunStatistics:
    """Return the figures of the runs that are asked for."""
    return RunStatistics.of(figures_of(runs_of(caller_of(request), asked)))


def _exporting(name: str, shape: type[Shape] | None, summary: str) -> None:
    """Add the route of a file of all runs that are asked for, or of their scenes."""

    def export(request: HttpRequest, asked: Query[RunQuery]) -> Any:
        return exported(request, name, runs_of(caller_of(request), asked))

    export.__name__ = f"export_{name.replace('.', '_')}"
    export.__doc__ = "Stream all that is asked for, in one answer, however much it is."
    of, form = name.split(".")
    router.get(
        f"/{of}/export.{form}",
        response=answers(shape) if shape else answers_with_a_table(),
        openapi_extra=None if shape else TABLE,
        summary=summary,
        tags=["runs"],
    )(export)


_exporting("runs.csv", None, "Runs as a table")
_exporting("runs.json", ExportedRuns, "Runs as one document")
_exporting("scenes.csv", None, "Scenes of runs as a table")
_exporting("scenes.json", ExportedScenes, "Scenes of runs as one document")


@router.get(
    "/runs/{int:run_id}", response=answers(RunDetail), summary="One run, whole", tags=["runs"]
)
def run(request: HttpRequest, run_id: int) -> RunDetail:
    """Return a run with its scenes and attempts, its policy, findings, notes, and comparison."""
    caller = caller_of(request)
    found = run_for(caller.user, run_id)
    caller.see(found.team_id)
    return RunDetail.whole(found, now())


@router.delete(
    "/runs/{int:run_id}",
    response=answers_to_a_change(RunChanged),
    summary="Delete a run",
    tags=["runs"],
    auth=CHANGES,
)
def delete_run(request: HttpRequest, run_id: int) -> RunChanged:
    """Delete a run that is over: admins any, operators their own. It can be restored for a while.

    It leaves lists, figures and baselines at once.
    """
    member = caller_of(request).member(None)
    found = run_in(member, run_id)
    _check(member, found)
    try:
        deletion.delete(found, member.user, now())
    except deletion.InUse as error:
        raise Refusal(409, str(error)) from None
    return RunChanged.of(found)


@router.post(
    "/runs/{int:run_id}/restore",
    response=answers_to_a_change(RunChanged),
    summary="Restore a deleted run",
    tags=["runs"],
    auth=CHANGES,
)
def restore_run(request: HttpRequest, run_id: int) -> RunChanged:
    """Have a deleted run back, whole; who may delete it may."""
    member = caller_of(request).member(None)
    found = deleted_run_in(member, run_id)
    _check(member, found)
    if not deletion.restore(found, member.user, now()):
        raise Refusal(409, GONE_FOR_GOOD, hint="Hand its files in again, if you have them.")
    return RunChanged.of(found)


@router.post(
    "/runs/{int:run_id}/archive",
    response=answers_to_a_change(RunChanged),
    summary="Archive a run",
    tags=["runs"],
    auth=CHANGES,
)
def archive_run(request: HttpRequest, run_id: int) -> RunChanged:
    """Leave a run out of all baselines; it stays in lists and figures."""
    return _archived(request, run_id, True)


@router.post(
    "/runs/{int:run_id}/unarchive",
    response=answers_to_a_change(RunChanged),
    summary="Take a run out of the archive",
    tags=["runs"],
    auth=CHANGES,
)
def unarchive_run(request: HttpRequest, run_id: int) -> RunChanged:
    """Let baselines have a run again."""
    return _archived(request, run_id, False)


def _archived(request: HttpRequest, run_id: int, archived: bool) -> RunChanged:
    member = caller_of(request).member(None)
    found = run_in(member, run_id)
    deletion.archive(found, member.user, now(), archived)
    return RunChanged.of(found)


def _check(member: Membership, found: Run) -> None:
    if not deletion.may_delete(member, found):
        raise PermissionDenied

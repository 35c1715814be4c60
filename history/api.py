"""The API's routes about what was: attempts, activity. config/api.py puts them below /api/v1/."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router

from history.access import attempt_for
from history.api_shapes import (
    Activity,
    ActivityOut,
    ActivityQuery,
    AttemptDetail,
    AttemptOut,
    AttemptQuery,
    Attempts,
)
from history.attempt_lists import attempts_of
from history.failures.api import router as failures_router
from history.keyset import page_of
from history.models import ActivityEvent, Attempt
from history.runs_api.routes import router as runs_router
from telemetry.api_errors import answers
from telemetry.callers import caller_of
from telemetry.models import Team

router = Router()
router.add_router("", failures_router)
router.add_router("", runs_router)

# Parameters that filter rows by one column, and those columns.
ATTEMPT_FILTERS = {
    "server": "server_id",
    "prompt_id": "prompt_id",
    "status": "status__in",
    "outcome": "outcome__in",
    "run": "scene__run_id",
    "run_external_id": "scene__run__external_id",
    "scene": "scene_id",
    "scene_external_id": "scene__external_id",
}
ACTIVITY_FILTERS = {"server": "server_id", "attempt": "attempt_id", "kind": "kind", "tone": "tone"}
TIMES = {"seen": "seen_at", "ended": "ended_at"}


@router.get(
    "/attempts", response=answers(Attempts), summary="Attempts, a page at a time", tags=["attempts"]
)
def attempts(request: HttpRequest, asked: Query[AttemptQuery]) -> Attempts:
    """List attempts, newest first, a page at a time."""
    team = caller_of(request).team(asked.team)
    by = TIMES[asked.by]
    rows = _of_team(team, asked).filter(**_filters(asked, ATTEMPT_FILTERS, by))
    page, next_cursor = page_of(rows, by, asked.cursor, asked.limit)
    return Attempts(items=[AttemptOut.of(row) for row in page], next_cursor=next_cursor)


def _of_team(team: Team, asked: AttemptQuery) -> "QuerySet[Attempt]":
    rows = attempts_of(team, TIMES[asked.by]).select_related("server", "scene__run")
    rows = rows.defer("traceback", "extra_data")
    if asked.run_external_id is not None:
        # With these two the run is found by its unique key.
        rows = rows.filter(scene__run__team=team, scene__run__source=asked.source)
    return rows


def _filters(asked: Any, columns: dict[str, str], time: str) -> dict[str, Any]:
    """Return what was asked for as a filter: the columns, and times in [since, until)."""
    wanted = {column: getattr(asked, name) for name, column in columns.items()}
    wanted |= {f"{time}__gte": asked.since, f"{time}__lt": asked.until}
    return {column: value for column, value in wanted.items() if value not in (None, [])}


@router.get(
    "/attempts/{int:attempt_id}",
    response=answers(AttemptDetail),
    summary="One attempt",
    tags=["attempts"],
)
def attempt(request: HttpRequest, attempt_id: int) -> AttemptDetail:
    """Return one attempt with its nodes and what it took of each device's memory."""
    caller = caller_of(request)
    found = attempt_for(caller.user, attempt_id)
    caller.see(found.scene.run.team_id)
    return AttemptDetail.of(found)


@router.get(
    "/activity", response=answers(Activity), summary="Activity, a page at a time", tags=["activity"]
)
def activity(request: HttpRequest, asked: Query[ActivityQuery]) -> Activity:
    """List what happened on the team's servers, newest first, a page at a time."""
    team = caller_of(request).team(asked.team)
    rows = ActivityEvent.objects.filter(team=team)
    rows = rows.filter(**_filters(asked, ACTIVITY_FILTERS, "at"))
    page, next_cursor = page_of(rows, "at", asked.cursor, asked.limit)
    return Activity(items=[ActivityOut.told(row) for row in page], next_cursor=next_cursor)

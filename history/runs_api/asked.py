"""What the routes about runs are asked: the filters of the page, times in place of days."""

from typing import Any, Literal

from django.db.models import QuerySet
from pydantic import Field

from history.api_shapes import LARGEST_PAGE, Id, Text
from history.explore.filters import narrowed
from history.models import Run
from telemetry.api_shapes import Moment, TeamQuery
from telemetry.callers import Caller
from telemetry.clock import now
from telemetry.models import Membership

NO_NUL = r"^[^\x00]*$"
# What a run came to; without an outcome it goes on, or nobody knows.
Ended = Literal[
    "success",
    "partial",
    "failed",
    "timeout",
    "skipped",
    "cancelled",
    "lost",
    "open",
    "unknown",
]
# How history/explore/filters.py calls what its page calls otherwise than the API does.
STATUS_OF = {"success": "completed", "open": "executing"}
FILTERS = (
    *("server", "workload", "mine", "note", "source", "findings", "scene", "gpu", "archived"),
)


class RunQuery(TeamQuery):
    """Which runs are asked for; all that is given has to hold."""

    since: Moment | None = Field(None, description="That began then or later.")
    until: Moment | None = Field(None, description="That began before.")
    outcome: list[Ended] = Field(
        default=[],
        description="Any of them; may be given repeatedly. open: a scene is queued or executing. "
        "unknown: it is over, and nobody knows how.",
    )
    server: int | None = Id
    workload: str | None = Text
    mine: bool = Field(False, description="Submitted by who asks: user name, claimed client_ids.")
    note: str | None = Field(
        None, max_length=30, pattern=NO_NUL, description="With a fallback warning of this kind."
    )
    source: str | None = Field(
        None, max_length=80, pattern=NO_NUL, description="Whose external_ids they have."
    )
    findings: Literal["any", "errors", "warnings", "none"] | None = Field(
        None,
        description="By what was found in the files that told of them. none: files told of them, "
        "and nothing was found.",
    )
    scene: str | None = Field(
        None,
        max_length=200,
        pattern=NO_NUL,
        description="That hold a scene of exactly this external_id or title.",
    )
    gpu: str | None = Field(
        None, max_length=60, pattern=NO_NUL, description="All of whose scenes ran on this model."
    )
    archived: Literal["no", "only"] | None = Field(
        None, description="Without archived runs, or only those; both unless given."
    )


class RunPageQuery(RunQuery):
    """Which page of a list of runs is asked for."""

    limit: int = Field(50, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=200, description="The page before told it.")


def runs_of(caller: Caller, asked: RunQuery) -> "QuerySet[Run]":
    """Return the runs that are asked for, of the caller's team, in no order; no deleted ones."""
    member = caller.member(asked.team)
    return runs_for(member, asked)


def runs_for(member: Membership, asked: RunQuery) -> "QuerySet[Run]":
    """Return the runs of a member's team that are asked for."""
    wanted: dict[str, Any] = {name: getattr(asked, name) for name in FILTERS}
    wanted["began_from"], wanted["began_before"] = asked.since, asked.until
    wanted["status"] = [STATUS_OF.get(one, one) for one in asked.outcome]
    chosen = {name: value for name, value in wanted.items() if value}
    return narrowed(Run.objects.kept().filter(team=member.team), chosen, now(), member)

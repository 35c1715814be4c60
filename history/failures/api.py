"""The API's route about families of failures, and what it answers. history/api.py takes it in."""

from datetime import datetime
from typing import Any, Literal, Self

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from history.api_shapes import Named, PageQuery, Text
from history.failures.lists import families_of, most, names_of
from history.keyset import page_of
from history.models import FailureFamily
from history.words import FailureState
from telemetry.api_errors import answers
from telemetry.api_shapes import Shape
from telemetry.callers import caller_of
from telemetry.words import Outcome

router = Router()

ORDERS = {"last_seen": "last_seen_at", "count": "count"}
FILTERS = {
    "state": "state__in",
    "error_type": "error_type",
    "node_type": "node_type",
    "since": "last_seen_at__gte",
    "until": "last_seen_at__lt",
}


class FailureQuery(PageQuery):
    """Which families are asked for; since and until are of when they were seen last."""

    by: Literal["last_seen", "count"] = Field(
        "last_seen", description="Which order: seen last first, or seen most often first."
    )
    state: list[FailureState] = Field(
        default=[], description="Any of them; may be given repeatedly."
    )
    error_type: str | None = Text
    node_type: str | None = Text


class OnServer(Named):
    """A server and how many of the failures were there."""

    count: int


class Counted(Shape):
    """A GPU's model or a node's id and how many of the failures were there; null: not known."""

    name: str | None
    count: int


class FailureOut(Shape):
    """Attempts that failed alike. Counts are of all that was ever seen; times by ComfyUI's clock.

    `pattern` is the message without its particulars, `message` the newest one's.
    """

    id: int
    error_type: str | None
    node_type: str | None
    outcome: Outcome
    pattern: str | None
    message: str | None
    state: FailureState
    state_at: datetime | None
    state_who: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    run_count: int
    servers: list[OnServer]
    gpus: list[Counted]
    nodes: list[Counted]

    @classmethod
    def of(cls, row: FailureFamily, names: dict[str, str]) -> Self:
        """Return a family, with the servers' names by their ids as text."""
        servers = [
            OnServer(id=int(key), name=names[key], count=n)
            for key, n in most(row.servers)
            if key in names
        ]
        return cls.told(row, servers=servers, gpus=_counted(row.gpus), nodes=_counted(row.nodes))


def _counted(counts: dict[str, int]) -> list[Counted]:
    named = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [Counted(name=name or None, count=n) for name, n in named]


class Failures(Shape):
    """A page of families of failures; next_cursor is null on the last one."""

    items: list[FailureOut]
    next_cursor: str | None


@router.get(
    "/failures", response=answers(Failures), summary="Failures by family", tags=["failures"]
)
def failures(request: HttpRequest, asked: Query[FailureQuery]) -> Failures:
    """List families of failures, a page at a time."""
    team = caller_of(request).team(asked.team)
    wanted: dict[str, Any] = {column: getattr(asked, name) for name, column in FILTERS.items()}
    rows = families_of(team).filter(**{k: v for k, v in wanted.items() if v not in (None, [])})
    page, next_cursor = page_of(rows, ORDERS[asked.by], asked.cursor, asked.limit)
    names = names_of(page)
    return Failures(items=[FailureOut.of(row, names) for row in page], next_cursor=next_cursor)

"""Paging by key: a page begins behind the last row of the one before, not at a count of rows.

So the thousandth page costs what the first does, and rows that come meanwhile move nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import QueryDict

from telemetry.api_errors import Refusal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What fits into a row's id, and into the years that a datetime knows.
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a list: its value of the column `by`, newest or most first, then its id."""

    by: str
    at: datetime | int
    pk: int

    def cursor(self) -> str:
        """Return the place as an opaque text."""
        at = self.at if isinstance(self.at, int) else (self.at - _EPOCH) // _MICROSECOND
        key = msgspec.json.encode([self.by, at, self.pk])
        return base64.urlsafe_b64encode(key).decode().rstrip("=")

    def before(self) -> Q:
        """Return what holds of the rows behind it; the time is compared alone for the index."""
        older = Q(**{f"{self.by}__lt": self.at})
        return Q(**{f"{self.by}__lte": self.at}) & (older | Q(pk__lt=self.pk))


def place_of(cursor: str, by: str, is_time: bool = True) -> Place:
    """Return the place that a cursor tells; raises Refusal for one that is none of this list's."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[str, int, int])
        told_by, at, pk = key
        place = Place(told_by, _EPOCH + at * _MICROSECOND if is_time else at, pk)
        if told_by == by and 0 <= pk <= _LARGEST_ID and abs(at) <= _LARGEST_ID:
            return place
    except (binascii.Error, msgspec.DecodeError, OverflowError, ValueError):
        pass
    raise Refusal(
        400,
        "The cursor is none of this list's.",
        hint="Take next_cursor as it was told, with the same other parameters; or begin without.",
        where="cursor",
    )


def page_of(
    rows: QuerySet[Any], by: str, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Return at most `limit` rows behind the cursor, newest first, and the next page's cursor.

    That is None on the last page. No rows are counted, and none are skipped. Rows without a value
    of the column `by`, which holds times or whole numbers, are not in the list.
    """
    rows = rows.filter(**{f"{by}__isnull": False})
    if cursor is not None:
        is_time = isinstance(rows.model._meta.get_field(by), DateTimeField)
        rows = rows.filter(place_of(cursor, by, is_time).before())
    found: list[Model] = list(rows.order_by(f"-{by}", "-pk")[: limit + 1])
    page = found[:limit]
    if len(found) <= limit:
        return page, None
    return page, Place(by, getattr(page[-1], by), page[-1].pk).cursor()


def page_or_first(
    rows: QuerySet[Any], by: str, cursor: str | None, limit: int
) -> tuple[list[Any], str | None, str]:
    """Return a page as `page_of` does, and what is wrong with its cursor: then it is the first."""
    try:
        return *page_of(rows, by, cursor or None, limit), ""
    except Refusal:
        problem = "The address names a place that is none of this list's: this is its beginning."
        return *page_of(rows, by, None, limit), problem


def query_at(asked: QueryDict, **place: str) -> str:
    """Return an address's query at another place of its list; without one at its beginning."""
    query = asked.copy()
    query.pop("cursor", None)
    for name, value in place.items():
        query[name] = value
    return query.urlencode()

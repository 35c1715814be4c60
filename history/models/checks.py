"""What the database itself refuses: words that are none of a column's, amounts below zero.

One constraint a table for each of the two: SQLite copies a table for every one that is added.
Unknown passes. Times need not be in order: a clock may have been turned back, and files tell what
they tell (docs/history.md).
"""

from collections.abc import Iterable

from django.db.models import CheckConstraint, Q


def words(table: str, **columns: Iterable[tuple[object, object]]) -> CheckConstraint:
    """Return that columns hold one of their choices."""
    condition = Q()
    for column, choices in columns.items():
        condition &= Q(**{f"{column}__in": [value for value, _ in choices]})
    return CheckConstraint(condition=condition, name=f"{table}_words")


def not_negative(table: str, *columns: str) -> CheckConstraint:
    """Return that columns without a sign of their own hold none below zero."""
    condition = Q()
    for column in columns:
        condition &= Q(**{f"{column}__gte": 0})
    return CheckConstraint(condition=condition, name=f"{table}_not_negative")

"""Sort into families what failed before there were any, without holding up who writes.

Walked by id in short transactions (history/pace.py). What is sorted already is passed over, so that
it may be stopped and run again, also while others write.
"""

from collections.abc import Callable, Iterator
from functools import partial

from django.db.models import QuerySet

from history.failures.keeping import keep
from history.failures.told import FAILED
from history.models import Attempt
from history.pace import Pace, in_transaction, persistently


def unsorted(again: bool = False) -> QuerySet[Attempt]:
    """Return the failures on record that are in no family; all that failed or did, if again."""
    failed = Attempt.objects.filter(FAILED)
    return failed | Attempt.objects.exclude(failure=None) if again else failed.filter(failure=None)


def sort(pace: Pace, done: Callable[[int], None], again: bool = False) -> int:
    """Sort them; `done` hears how many each batch held. Return how many came into a family."""
    return sum(_batch(ids, pace, done) for ids in _walk(unsorted(again), pace))


def _walk(rows: QuerySet[Attempt], pace: Pace) -> Iterator[list[int]]:
    after = 0
    while ids := list(_behind(rows, after)[: pace.size]):
        after = ids[-1]
        yield ids


def _behind(rows: QuerySet[Attempt], after: int) -> "QuerySet[Attempt, int]":
    return rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)


def _batch(ids: list[int], pace: Pace, done: Callable[[int], None]) -> int:
    work = partial(in_transaction, partial(keep, ids), lambda seconds: None)
    fresh = persistently(work, pace)
    done(len(ids))
    return fresh

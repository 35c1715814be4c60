"""Families of failures while many write at once: nothing is counted twice, and nothing is lost."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from history.failures.keeping import keep
from history.models import Attempt, FailureFamily, FailureOccurrence
from telemetry.words import Outcome, Status
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS, EACH, KINDS = 6, 5, 4


def at_once(work: Callable[[int], Any]) -> None:
    """Do work in so many threads, which begin together."""
    gate = threading.Barrier(WRITERS)

    def one(number: int) -> None:
        try:
            gate.wait(20)
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(WRITERS)))


def fail(server: Any, number: int) -> Attempt:
    return cast.make_attempt(
        server,
        status=Status.ENDED,
        outcome=Outcome.FAILED,
        error_type=f"Error{'abcd'[number % KINDS]}",
        ended_at=cast.NOON + timedelta(seconds=number),
    )


def test_writers_of_one_team_make_each_family_once_and_count_every_failure() -> None:
    team = cast.make_team("Northlight")
    servers = [cast.make_server(team) for _ in range(WRITERS)]

    def record(writer: int) -> None:
        for batch in range(EACH):
            with transaction.atomic():
                numbers = [writer + batch + kind for kind in range(KINDS)]
                keep([fail(servers[writer], number).pk for number in numbers])

    at_once(record)

    counts = FailureFamily.objects.values_list("count", "run_count")
    assert list(counts) == [(WRITERS * EACH, WRITERS * EACH)] * KINDS
    assert FailureOccurrence.objects.count() == WRITERS * EACH * KINDS


def test_the_same_attempts_told_by_many_at_once_are_counted_once() -> None:
    server = cast.make_server(cast.make_team("Northlight"))
    ids = [fail(server, number).pk for number in range(EACH * KINDS)]

    def tell(writer: int) -> None:
        with transaction.atomic():
            keep(ids if writer % 2 else reversed(ids))

    at_once(tell)

    assert list(FailureFamily.objects.values_list("count", flat=True)) == [EACH] * KINDS

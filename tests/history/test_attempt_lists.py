"""history/attempt_lists.py: where a team's attempts are."""

from datetime import timedelta

import pytest
from django.db import connection

from history.attempt_lists import attempts_of, extent_of
from tests.cast import NOON, make_attempt, make_cast, make_server

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_it_tells_from_when_to_when_a_team_has_attempts() -> None:
    cast = make_cast()
    first, second = make_server(cast.northlight), make_server(cast.northlight)
    for server, hours in ((first, 1), (second, 3), (first, 2)):
        make_attempt(server, seen_at=NOON + hours * HOUR)
    make_attempt(make_server(cast.southdark), seen_at=NOON)

    extent = extent_of(cast.northlight, "seen_at")

    assert sorted(extent.server_ids) == [first.pk, second.pk]
    assert (extent.oldest, extent.newest) == (NOON + HOUR, NOON + 3 * HOUR)


def test_what_has_not_ended_has_no_place_among_what_has() -> None:
    cast = make_cast()
    server = make_server(cast.northlight)
    make_attempt(server)

    assert extent_of(cast.northlight, "ended_at").newest is None
    assert not attempts_of(cast.northlight, "ended_at")


def test_a_team_without_servers_has_no_attempts() -> None:
    assert not attempts_of(make_cast().northlight, "seen_at")


# What each database says of a walk along an index, and of reading a whole table.
PLANS = {"postgresql": ("Index Scan", "Seq Scan"), "sqlite": ("USING INDEX", "TREE FOR ORDER BY")}


@pytest.mark.parametrize("by", ["seen_at", "ended_at"])
def test_a_page_walks_an_index_and_sorts_no_table(by: str) -> None:
    cast = make_cast()
    server = make_server(cast.northlight)
    for n in range(20):
        make_attempt(server, seen_at=NOON + n * HOUR, ended_at=NOON + n * HOUR)
    if connection.vendor == "postgresql":  # to which twenty rows are not worth an index
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")

    walk, whole = PLANS[connection.vendor]
    plan = attempts_of(cast.northlight, by).order_by(f"-{by}", "-pk")[:5].explain()

    assert walk in plan
    assert whole not in plan

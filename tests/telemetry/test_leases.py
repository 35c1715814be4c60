"""One collector per server, by a row with a fence."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from telemetry import leases
from telemetry.models import Lease, Server, Team
from tests.processes import until

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def later(seconds):
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def server():
    team = Team.objects.create(name="Northlight", slug="northlight")
    return Server.objects.create(team=team, name="kino-01", url="http://kino-01:8188")


def test_it_gives_a_free_server_to_who_asks_first(server):
    (mine,) = leases.claim("me", NOON)

    assert (mine.server_id, mine.fence, mine.unwatched_since) == (server.pk, 1, None)
    assert leases.claim("you", NOON) == []


def test_it_renews_without_raising_the_fence(server):
    leases.claim("me", NOON)

    (mine,) = leases.claim("me", later(10))

    assert mine.fence == 1
    assert leases.claim("you", later(settings.LEASE_S + 5)) == []


def test_it_lets_another_take_over_once_the_lease_has_run_out(server):
    leases.claim("me", NOON)

    (yours,) = leases.claim("you", later(settings.LEASE_S))

    assert (yours.fence, yours.unwatched_since) == (2, NOON)
    assert leases.claim("me", later(settings.LEASE_S + 1)) == []


def test_it_leaves_the_others_a_beat_to_take_over_before_the_lease_time_is_over(server):
    leases.claim("me", NOON)
    beat = settings.LEASE_S / 4

    assert leases.claim("you", later(settings.LEASE_S - 2 * beat)) == []
    assert len(leases.claim("you", later(settings.LEASE_S - beat))) == 1


def test_it_gives_a_released_server_at_once_to_the_next(server):
    leases.claim("me", NOON)
    leases.release("me", later(3))

    (yours,) = leases.claim("you", later(4))

    assert (yours.fence, yours.unwatched_since) == (2, later(3))


def test_it_keeps_the_fence_of_an_owner_that_was_away_while_nobody_took_over(server):
    leases.claim("me", NOON)

    (mine,) = leases.claim("me", later(60))

    assert mine.fence == 1


def test_it_does_not_stumble_over_a_server_that_is_deleted_meanwhile(server, monkeypatch):
    monkeypatch.setattr(leases, "_make_rows", lambda watched, have: Server.objects.all().delete())

    assert leases.claim("me", NOON) == []


def test_it_says_whether_a_fence_still_holds(server):
    (mine,) = leases.claim("me", NOON)
    with transaction.atomic():
        assert leases.held({server.pk}) == {server.pk: mine.fence}
    leases.claim("you", later(60))

    with transaction.atomic():
        assert leases.held({server.pk}) != {server.pk: mine.fence}


def test_it_follows_no_disabled_server(server):
    leases.claim("me", NOON)
    Server.objects.update(enabled=False)

    assert leases.claim("me", later(1)) == []
    assert leases.watched_among([server.pk]) == set()


def test_it_frees_every_lease_for_a_fresh_serve(server):
    leases.claim("killed", NOON)
    leases.break_all(later(1))

    (mine,) = leases.claim("me", later(1))

    assert (mine.fence, mine.unwatched_since) == (2, NOON)
    assert Lease.objects.get().owner == "me"


def test_it_tells_from_where_a_server_moved_until_that_is_settled(server):
    leases.claim("me", NOON)
    Server.objects.update(url="http://kino-01:9999")

    (mine,) = leases.claim("me", later(1))
    (again,) = leases.claim("me", later(2))
    assert mine.moved_from == again.moved_from == "http://kino-01:8188"
    Lease.objects.update(url="http://kino-01:9999")

    (settled,) = leases.claim("me", later(3))
    assert settled.moved_from == ""


def test_it_takes_the_present_address_for_the_known_one_where_none_was_noted(server):
    Lease.objects.create(server=server)

    (mine,) = leases.claim("me", NOON)

    assert mine.moved_from == ""
    assert Lease.objects.get().url == server.url


def test_it_follows_no_deleted_server(server):
    server.retire(NOON)

    assert leases.claim("me", NOON) == []
    assert leases.watched_among([server.pk]) == set()


def test_a_new_name_takes_no_new_connection_and_all_else_does(server):
    (before,) = leases.claim("me", NOON)
    for field, anew in [
        ("name", False),
        ("simulated", False),
        ("position", False),
        ("url", True),
        ("bearer_encrypted", True),
        ("basic_encrypted", True),
        ("authorities", True),
    ]:
        old = getattr(server, field)
        Server.objects.update(**{field: "x" if isinstance(old, str) else 1})
        (after,) = leases.claim("me", NOON)
        Server.objects.update(**{field: old})
        assert (after.address != before.address) is anew, field


# --- An owner that was stopped while it wrote --------------------------------------------------


@contextmanager
def stopped_while_writing(leased):
    """Have another connection sit in a transaction that has locked the lease, and say nothing."""
    locked, done, errors = threading.Event(), threading.Event(), []

    def write():
        try:
            with transaction.atomic():
                leases.held({leased.server_id})
                locked.set()
                done.wait(30)
                Lease.objects.filter(owner="me").update(backfilling=True)
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert locked.wait(10)
    yield errors
    done.set()
    thread.join(10)


if connection.vendor == "postgresql":  # SQLite has one machine and locks no rows

    @pytest.mark.django_db(transaction=True)
    def test_it_does_not_wait_for_an_owner_that_stopped_while_it_wrote(server):
        other = Server.objects.create(team=server.team, name="kino-02", url="http://kino-02:8188")
        first, _ = leases.claim("me", NOON)
        with stopped_while_writing(first):
            (yours,) = leases.claim("you", later(60))

        assert yours.server_id == other.pk

    @pytest.mark.django_db(transaction=True)
    def test_it_takes_the_lock_from_an_owner_that_stopped_while_it_wrote(server, settings):
        (mine,) = leases.claim("me", NOON)
        settings.LEASE_S = 1
        with stopped_while_writing(mine) as errors:
            until(lambda: leases.claim("you", later(60)), "the lease")

        assert errors
        assert not Lease.objects.get().backfilling

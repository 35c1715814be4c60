"""One collector per server: a database row with a fence that only grows.

A collector claims a server whose lease is free or run out, and renews it while it lives. The fence
rises with every claim, so that what a paused old owner still wants to write can be told apart.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from telemetry.models import Lease, Server


@dataclass(frozen=True, slots=True)
class Leased:
    """A server that this collector follows, under this fence.

    `unwatched_since` is when the owner before was last known to live, None for the first ever.
    """

    server_id: int
    team_id: int
    name: str
    url: str
    bearer_encrypted: str
    simulated: bool
    fence: int
    unwatched_since: datetime | None = None
    backfilling: bool = False

    @property
    def address(self) -> tuple[str, str, str, bool]:
        """Return what a change of takes a new connection."""
        return self.url, self.bearer_encrypted, self.name, self.simulated


def claim(owner: str, now: datetime, limit: int = 1000) -> list[Leased]:
    """Return the watched servers that `owner` holds from now on, freshly claimed and renewed.

    At most `limit` are newly claimed. A lease that somebody else took meanwhile is not in the
    list: stop following that server.
    """
    watched = list(Server.objects.watched())
    _make_rows(watched)
    until = now + timedelta(seconds=settings.LEASE_S)
    leased: list[Leased] = []
    taken = 0
    for server in watched:
        found = _renewed(server, owner, now, until)
        if found is None and taken < limit:
            found = _claimed(server, owner, now, until)
            taken += found is not None
        if found is not None:
            leased.append(found)
    return leased


def _make_rows(servers: list[Server]) -> None:
    have = set(Lease.objects.values_list("server_id", flat=True))
    missing = [Lease(server=server) for server in servers if server.pk not in have]
    Lease.objects.bulk_create(missing, ignore_conflicts=True)


def _renewed(server: Server, owner: str, now: datetime, until: datetime) -> Leased | None:
    """Renew a lease that owner holds, also one that ran out: while nobody took it, it is ours.

    A new fence would refuse what still waits to be written after a long outage of the database.
    """
    held = Lease.objects.filter(server=server, owner=owner)
    if not held.update(expires_at=until, renewed_at=now):
        return None
    lease = held.first()
    return _leased(server, lease) if lease else None


def _claimed(server: Server, owner: str, now: datetime, until: datetime) -> Leased | None:
    before = Lease.objects.filter(server=server).first()
    if before is None:
        return None  # the server was deleted a moment ago
    free = Lease.objects.filter(Q(owner="") | Q(expires_at__lte=now), server=server)
    won = free.filter(fence=before.fence).update(
        owner=owner, fence=F("fence") + 1, expires_at=until, renewed_at=now
    )
    if not won:
        return None
    return replace(
        _leased(server, before), fence=before.fence + 1, unwatched_since=before.renewed_at
    )


def _leased(server: Server, lease: Lease) -> Leased:
    return Leased(
        server.pk,
        server.team_id,
        server.name,
        server.url,
        server.bearer_encrypted,
        server.simulated,
        lease.fence,
        backfilling=lease.backfilling,
    )


def release(owner: str, now: datetime) -> None:
    """Give back all leases of owner: the next collector need not wait until they run out."""
    Lease.objects.filter(owner=owner).update(owner="", expires_at=now, renewed_at=now)


def watched_among(server_ids: list[int]) -> set[int]:
    """Return those of the servers that exist and are to be watched."""
    watched = Server.objects.watched().filter(pk__in=server_ids) if server_ids else ()
    return {server.pk for server in watched}


def break_all(now: datetime) -> None:
    """Free every lease: for `serve`, which holds the lock on the data, so no other owner lives."""
    Lease.objects.filter(expires_at__gt=now).update(expires_at=now)


def holds(leased: Leased) -> bool:
    """Say whether the fence is still the newest, and lock the row until the transaction ends.

    Must be called inside a transaction: what is written in it is safe from a newer owner.
    """
    assert transaction.get_connection().in_atomic_block
    rows = Lease.objects.select_for_update().filter(server_id=leased.server_id)
    return rows.filter(fence=leased.fence).exists()


def hold_off(team_ids: set[int]) -> None:
    """Have the collectors of these teams wait with their writes until the transaction ends.

    Must be called inside a transaction, and that must be short. On SQLite writers wait anyway.
    """
    assert transaction.get_connection().in_atomic_block
    rows = Lease.objects.select_for_update(of=("self",)).filter(server__team_id__in=team_ids)
    list(rows.order_by("pk").values_list("pk"))

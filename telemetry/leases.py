"""One collector per server: a database row with a fence that only grows.

A collector claims a server whose lease is free or run out, and renews it while it lives. The fence
rises with every claim, so that what a paused old owner still wants to write can be told apart.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from telemetry.database import end_when_idle, idle_limit
from telemetry.models import Lease, Server

# The part of LEASE_S that a lease holds. The rest is for the others, who look at every beat (at
# most LEASE_S / 4 apart): a take-over ends, and does not begin, within LEASE_S of a death.
HELD = 0.7


@dataclass(frozen=True, slots=True)
class Leased:
    """A server that this collector follows, under this fence.

    `unwatched_since` is when the owner before was last known to live, None for the first ever.
    `moved_from` is the address that the record is of, where that is another than `url`. Since
    `paused_at` it is disconnected by hand: nothing is asked of it. Until `silenced_until` it is
    watched, but not among what needs attention.
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
    basic_encrypted: str = ""
    authorities: str = ""
    moved_from: str = ""
    paused_at: datetime | None = None
    silenced_until: datetime | None = None

    @property
    def address(self) -> tuple[str | bool, ...]:
        """Return what a change of takes a new connection, or ends the one that there is."""
        secrets = self.bearer_encrypted, self.basic_encrypted
        return self.url, *secrets, self.authorities, self.paused_at is not None

    @property
    def called(self) -> tuple[str, bool, datetime | None]:
        """Return what a change of is shown without a new connection."""
        return self.name, self.simulated, self.silenced_until


def called_as(known: Leased, told: Leased) -> Leased:
    """Return a followed server as it is called now; all else is as it was."""
    name, simulated, silenced_until = told.called
    return replace(known, name=name, simulated=simulated, silenced_until=silenced_until)


def claim(owner: str, now: datetime, limit: int = 1000) -> list[Leased]:
    """Return the watched servers that `owner` holds from now on, freshly claimed and renewed.

    Each is held for HELD of LEASE_S from `now`, unless renewed. At most `limit` are newly claimed.
    A lease that somebody else took meanwhile is not in the list: stop following that server.
    """
    watched = {server.pk: server for server in Server.objects.watched()}
    until = now + timedelta(seconds=HELD * settings.LEASE_S)
    held = Lease.objects.filter(server_id__in=watched)
    # Renewed is also what ran out: while nobody took it, it is ours. A new fence would refuse what
    # still waits to be written after a long outage of the database.
    held.filter(owner=owner).update(expires_at=until, renewed_at=now)
    leases = list(held)
    if _make_rows(watched, {row.server_id for row in leases}):
        leases = list(held.all())
    mine = [_leased(watched[row.server_id], row) for row in leases if row.owner == owner]
    free = [row for row in leases if row.owner != owner and _is_free(row, now)]
    claimed = (_claimed(watched[row.server_id], row, owner, now, until) for row in free[:limit])
    return [*mine, *(leased for leased in claimed if leased is not None)]


def _make_rows(servers: dict[int, Server], have: set[int]) -> bool:
    """Make the leases of new servers; say whether there were any."""
    missing = [
        Lease(server=server, url=server.url)
        for server_id, server in servers.items()
        if server_id not in have
    ]
    if missing:
        Lease.objects.bulk_create(missing, ignore_conflicts=True)
    return bool(missing)


def _is_free(lease: Lease, now: datetime) -> bool:
    return not lease.owner or lease.expires_at <= now


def _claimed(
    server: Server, before: Lease, owner: str, now: datetime, until: datetime
) -> Leased | None:
    """Take a free lease over; None where somebody else was quicker, or the server is gone.

    One that is locked is skipped until the next beat: an old owner that was stopped while it wrote
    holds it, and whoever waits for that renews none of its own leases meanwhile.
    """
    free = Lease.objects.filter(Q(owner="") | Q(expires_at__lte=now), server=server)
    with transaction.atomic():
        end_when_idle(settings.LEASE_S / 2)
        if not free.filter(fence=before.fence).select_for_update(skip_locked=True).first():
            return None
        Lease.objects.filter(server=server).update(
            owner=owner,
            fence=F("fence") + 1,
            expires_at=until,
            renewed_at=now,
            url=before.url or server.url,
        )
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
        basic_encrypted=server.basic_encrypted,
        authorities=server.authorities,
        moved_from=lease.url if lease.url != server.url else "",
        paused_at=server.paused_at,
        silenced_until=server.silenced_until,
    )


def release(owner: str, now: datetime) -> None:
    """Give back all leases of owner: the next collector need not wait until they run out."""
    Lease.objects.filter(owner=owner).update(owner="", expires_at=now, renewed_at=now)


def let_go(owner: str, server_ids: list[int], now: datetime) -> None:
    """Give these leases of owner back: the next to follow the servers knows since when none did."""
    held = Lease.objects.filter(owner=owner, server_id__in=server_ids)
    held.update(owner="", expires_at=now, renewed_at=now)


def watched_among(server_ids: list[int]) -> set[int]:
    """Return those of the servers that exist and are to be watched."""
    watched = Server.objects.watched().filter(pk__in=server_ids) if server_ids else ()
    return {server.pk for server in watched}


def break_all(now: datetime) -> None:
    """Free every lease: for `serve`, which holds the lock on the data, so no other owner lives."""
    Lease.objects.filter(expires_at__gt=now).update(expires_at=now)


def held(server_ids: set[int]) -> dict[int, int]:
    """Return the newest fence of each server, and lock the rows until the transaction ends.

    Must be called inside a transaction: what is written in it under these fences is safe from a
    newer owner. Locked in one order, so that no two writers wait for each other. A process that
    stops meanwhile loses the locks, and all that it wrote, in time for the next owner.
    """
    assert transaction.get_connection().in_atomic_block
    if transaction.get_connection().vendor == "postgresql":
        return _held_in_postgresql(sorted(server_ids))
    rows = Lease.objects.filter(server_id__in=server_ids)
    return dict(rows.values_list("server_id", "fence"))


def _held_in_postgresql(server_ids: list[int]) -> dict[int, int]:
    """Ask for fences, locks and the limit at once: this opens every transaction of the record."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "SELECT server_id, fence, set_config(%s, %s, true) FROM telemetry_lease"
            " WHERE server_id = ANY(%s) ORDER BY server_id FOR UPDATE",
            [*idle_limit(settings.LEASE_S / 2), server_ids],
        )
        return {server_id: fence for server_id, fence, _ in cursor.fetchall()}


def hold_off(team_ids: set[int]) -> None:
    """Have the collectors of these teams wait with their writes until the transaction ends.

    Must be called inside a transaction, and that must be short. On SQLite writers wait anyway.
    """
    assert transaction.get_connection().in_atomic_block
    rows = Lease.objects.select_for_update(of=("self",)).filter(server__team_id__in=team_ids)
    list(rows.order_by("pk").values_list("pk"))

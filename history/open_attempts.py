"""What runs and waits on servers, from the record, for whoever reckons when it should end."""

from collections.abc import Iterable

from history.forecast import Open
from history.models import Attempt
from telemetry.words import Status

# A longer queue has no ETA: nobody waits for its end.
OPEN_LIMIT = 5000
OPEN = (Status.QUEUED, Status.RUNNING)
COLUMNS = (
    *("pk", "server", "scene", "scene__run", "scene__run__source"),
    *("status", "number", "started_at", "workload"),
)


def open_on(servers: Iterable[int]) -> list[Open]:
    """Return what runs or waits on these servers, OPEN_LIMIT at most, in no order."""
    found = Attempt.objects.filter(server__in=servers, status__in=OPEN).order_by()
    return [Open(*row) for row in found.values_list(*COLUMNS)[:OPEN_LIMIT]]


def few(attempts: list[Open]) -> bool:
    """Say whether these are all there are."""
    return len(attempts) < OPEN_LIMIT

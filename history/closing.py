"""End what nobody will ever tell the end of: attempts on servers that were deleted."""

from datetime import datetime, timedelta

from django.db import transaction

from history.failures.keeping import keep
from history.models import Attempt, Scene
from history.settling import settle
from telemetry.words import Grade, Outcome, Status

# The collector that followed the server lets go within 2 s, and what it had seen may wait longer.
SETTLED_AFTER = timedelta(seconds=60)


def close_deleted(now: datetime) -> int:
    """End the open attempts of servers that were deleted as lost; return how many there were."""
    settled = Attempt.objects.open().filter(server__deleted_at__lt=now - SETTLED_AFTER)
    with transaction.atomic():
        ids = list(settled.values_list("pk", flat=True)[:10_000])
        Attempt.objects.filter(pk__in=ids).update(
            status=Status.ENDED,
            outcome=Outcome.LOST,
            outcome_grade=Grade.POLLED,
            reason="its server was deleted",
            ended_at=now,
        )
        settle(Scene.objects.filter(attempts__in=ids).values_list("pk", flat=True).distinct())
        keep(ids)
    return len(ids)

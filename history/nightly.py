"""The purge that nobody has to think of: once a day, by beat (config/tasks.py)."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings

from history import retention, storage, turn
from history.purge import Purge, Stopped
from history.tally import table

log = logging.getLogger(__name__)


def is_due(now: datetime) -> bool:
    """Say whether no purge has ended since PURGE_HOUR last struck (UTC)."""
    struck = now.replace(hour=settings.PURGE_HOUR, minute=0, second=0, microsecond=0)
    if struck > now:
        struck -= timedelta(days=1)
    finished_at = turn.finished_at()
    return finished_at is None or finished_at < struck


def purge(now: datetime, stopping: Callable[[], bool]) -> None:
    """Purge if it is due and nobody else is at it; raises OperationalError after its retries."""
    mine = turn.take() if is_due(now) else None
    if mine is None:
        return
    work = Purge(retention.due(now), mine, stopping=stopping)
    finished_at = None
    try:
        work.run()
        storage.measure(now)
        finished_at = now
    except Stopped as reason:
        log.info("purge: %s", reason)
    finally:
        mine.give_back(finished_at)
        log.info("purge:\n%s", table(work.tally, "deleted"))

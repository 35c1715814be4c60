"""Whose turn it is to purge: one row, held for a while and renewed; never two are at it.

A row and not a lock of PostgreSQL or of the cache: it holds in every mode, also between the site
and `manage.py purge`, and a process that died loses it by itself.
"""

import time
import uuid
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest

from history.models import PurgeState
from telemetry.clock import now

HELD_S = 120.0
RENEW_S = 10.0
_ROW = 1


class Turn:
    """The right to purge, from `take` to `give_back`."""

    def __init__(self, owner: uuid.UUID) -> None:
        self._mine = PurgeState.objects.filter(pk=_ROW, owner=owner)
        self._renewed = time.monotonic()

    def renew(self) -> bool:
        """Hold it for longer, now and then; False once somebody else has it."""
        if time.monotonic() - self._renewed < RENEW_S:
            return True
        self._renewed = time.monotonic()
        return bool(self._mine.update(expires_at=now() + timedelta(seconds=HELD_S)))

    def forget_runs(self, before: datetime) -> None:
        """Say, before the first one goes, that runs older than this may be gone."""
        self._mine.update(runs_before=Greatest(Coalesce(F("runs_before"), before), before))

    def give_back(self, finished_at: datetime | None = None) -> None:
        """Let others have it; `finished_at` where the purge came to its end."""
        told = {} if finished_at is None else {"finished_at": finished_at}
        self._mine.update(owner=None, expires_at=now(), **told)


def take() -> Turn | None:
    """Return the turn, or None while somebody else has it."""
    PurgeState.objects.get_or_create(pk=_ROW)
    owner, at = uuid.uuid4(), now()
    free = PurgeState.objects.filter(Q(owner=None) | Q(expires_at__lte=at), pk=_ROW)
    taken = free.update(owner=owner, expires_at=at + timedelta(seconds=HELD_S))
    return Turn(owner) if taken else None


def finished_at() -> datetime | None:
    """Return when the last whole purge ended, None before the first."""
    return PurgeState.objects.filter(pk=_ROW).values_list("finished_at", flat=True).first()


def runs_before() -> datetime | None:
    """Return the time before which runs may have been deleted, None while none ever was."""
    return PurgeState.objects.filter(pk=_ROW).values_list("runs_before", flat=True).first()

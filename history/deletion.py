"""Archive, delete and restore runs: who did it stays on record.

A deleted run is gone from lists, figures and baselines at once, and can come back until the purge
empties it (`SCENEWATCH_KEEP_DELETED_RUNS_DAYS`). What is new of it brings it back as well: a
prompt that is submitted to it, a file that tells something else of it.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet

from history.models import Run, RunDecision, RunWatch
from history.words import RunChange
from telemetry.models import Membership, Role
from telemetry.wall_page import names_of

# What an emptied run is: its key, its times, and nothing else.
NOTHING: dict[str, Any] = {
    **dict.fromkeys(("story_id", "title", "submitter", "outcome", "ended_at", "told_at")),
    **dict.fromkeys(("duration_s", "work_s", "success_rate", "workload", "gpu_model", "work")),
    **{f"{name}_count": 0 for name in ("scene", "success", "partial", "failed", "timeout")},
    **{f"{name}_count": 0 for name in ("skipped", "cancelled", "lost", "attempt", "retried")},
    **{f"{name}_count": 0 for name in ("cached", "fallback_note", "forced_copy")},
    **{"finding_count": 0, "error_count": 0, "revision": 0, "policy": None, "archived_at": None},
}


class InUse(Exception):
    """The run goes on: it can be deleted once it ended. The text is for people."""


def may_delete(membership: Membership, run: Run) -> bool:
    """Say whether a member may delete a run, and restore it: an admin; an operator their own."""
    if membership.may(Role.ADMIN):
        return True
    return membership.may(Role.OPERATOR) and run.submitter in names_of(membership)


def archive(run: Run, who: AbstractBaseUser, at: datetime, archived: bool = True) -> None:
    """Archive a run, or take it out of the archive; one that is there already stays as it is.

    Archived runs are in lists and figures, and in no baseline.
    """
    with transaction.atomic():
        others = Run.objects.kept().filter(pk=run.pk, archived_at__isnull=archived)
        if others.update(archived_at=at if archived else None):
            what = RunChange.ARCHIVED if archived else RunChange.UNARCHIVED
            _note([run.pk], what, at, who)
    run.refresh_from_db(fields=["archived_at"])


def delete(run: Run, who: AbstractBaseUser, at: datetime) -> None:
    """Delete a run, so that it can be restored; raises InUse while a scene of it is open."""
    with transaction.atomic():
        if Run.objects.kept().filter(pk=run.pk, open_count=0).update(deleted_at=at):
            RunWatch.objects.filter(run=run).delete()
            _note([run.pk], RunChange.DELETED, at, who)
    run.refresh_from_db(fields=["deleted_at", "open_count"])
    if run.deleted_at is None:
        raise InUse(
            f"{run} goes on: wait until its {run.open_count} open scenes end, or cancel their "
            "prompts. Nothing was deleted."
        )


def restore(run: Run, who: AbstractBaseUser, at: datetime) -> bool:
    """Have a deleted run back, whole; False where it was emptied, or not deleted."""
    with transaction.atomic():
        whole = Run.objects.filter(pk=run.pk, emptied_at=None).exclude(deleted_at=None)
        done = bool(whole.update(deleted_at=None))
        if done:
            _note([run.pk], RunChange.RESTORED, at, who)
    run.refresh_from_db(fields=["deleted_at", "emptied_at"])
    return done


def come_back(run_ids: Collection[int], at: datetime, why: str) -> None:
    """Have deleted runs back because something new is known of them; in the caller's transaction.

    One that was emptied comes back with what is new alone.
    """
    deleted = Run.objects.filter(pk__in=run_ids).exclude(deleted_at=None)
    found = list(deleted.values_list("pk", flat=True))
    if found:
        Run.objects.filter(pk__in=found).update(deleted_at=None, emptied_at=None)
        _note(found, RunChange.RESTORED, at, why=why)


def empty(run_ids: Collection[int], at: datetime) -> None:
    """Forget what deleted runs were; the purge deletes what they held, in the same transaction."""
    anew = Run.objects.filter(pk__in=run_ids, emptied_at=None)
    _note(anew.values_list("pk", flat=True), RunChange.EMPTIED, at)
    Run.objects.filter(pk__in=run_ids).update(emptied_at=at, **NOTHING)


def restorable(membership: Membership) -> "QuerySet[Run]":
    """Return the deleted runs that a member may have back, deleted last first."""
    deleted = Run.objects.filter(team=membership.team, emptied_at=None).exclude(deleted_at=None)
    own = Q() if membership.may(Role.ADMIN) else Q(submitter__in=names_of(membership))
    return deleted.filter(own).order_by("-deleted_at", "-pk")


def emptied_from(deleted_at: datetime) -> datetime | None:
    """Return from when on the purge may empty a run that was deleted then; None: never."""
    days = settings.KEEP_DAYS["deleted-runs"]
    return deleted_at + timedelta(days=days) if days else None


def _note(
    run_ids: Iterable[int],
    what: RunChange,
    at: datetime,
    who: AbstractBaseUser | None = None,
    why: str = "",
) -> None:
    name = who.get_username()[:150] if who is not None else ""
    by = who.pk if who is not None else None
    RunDecision.objects.bulk_create(
        RunDecision(run_id=pk, what=what, at=at, user_id=by, who=name, why=why) for pk in run_ids
    )

"""What may be done with a run as a whole: archive it, delete it, have it back."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from history import deletion
from history.access import deleted_run_in, run_in
from history.explore.listing import names_of_runs, title_of_run
from history.models import Run, RunDecision
from history.words import RunChange
from telemetry.access import team_for
from telemetry.models import Membership, Role
from telemetry.text import plural

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted run as a row: who deleted it and when, and from when on it is gone for good."""

    run: Run
    name: str
    of: str
    who: str
    scenes: str
    until: datetime | None


@require_POST
@login_required
def archive_run(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Archive a run, or take it out of the archive."""
    membership = team_for(request.user, slug, Role.OPERATOR)
    run = run_in(membership, pk)
    archived = request.POST.get("do") != "unarchive"
    deletion.archive(run, membership.user, timezone.now(), archived)
    messages.success(request, "Archived." if archived else "No longer archived.")
    return redirect("run_page", slug, pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_run(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete a run, once that was confirmed."""
    membership = team_for(request.user, slug, Role.OPERATOR)
    run = run_in(membership, pk)
    _check(membership, run)
    if request.method == "POST":
        return _deleted(request, membership, run)
    name, of = _name(run)
    until = deletion.emptied_from(timezone.now())
    context = {"team": membership.team, "run": run, "name": name, "of": of, "until": until}
    return render(request, "history/run/delete.html", context)


def _deleted(request: HttpRequest, membership: Membership, run: Run) -> HttpResponse:
    slug = membership.team.slug
    try:
        deletion.delete(run, membership.user, timezone.now())
    except deletion.InUse as error:
        messages.error(request, str(error))
        return redirect("run_page", slug, run.pk)
    messages.success(request, f"{_name(run)[0]} is deleted. It can be restored here.")
    return redirect("deleted_runs", slug)


@require_safe
@login_required
def deleted_runs(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the deleted runs that a member may have back: an admin all, an operator their own."""
    membership = team_for(request.user, slug, Role.OPERATOR)
    found = list(deletion.restorable(membership)[: SHOWN + 1])
    context = {
        "team": membership.team,
        "rows": _rows(found[:SHOWN]),
        "more": len(found) > SHOWN,
        "shown": SHOWN,
        "all_of_them": membership.may(Role.ADMIN),
    }
    return render(request, "history/runs_deleted.html", context)


@require_POST
@login_required
def restore_run(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Have a deleted run back."""
    membership = team_for(request.user, slug, Role.OPERATOR)
    run = deleted_run_in(membership, pk)
    _check(membership, run)
    if deletion.restore(run, membership.user, timezone.now()):
        messages.success(request, "Restored, whole.")
        return redirect("run_page", slug, pk)
    messages.error(request, "It is removed for good. Hand its files in again, if you have them.")
    return redirect("deleted_runs", slug)


def _check(membership: Membership, run: Run) -> None:
    if not deletion.may_delete(membership, run):
        raise PermissionDenied


def _name(run: Run) -> tuple[str, str]:
    return names_of_runs([run]).get(run.pk) or title_of_run(run)


def _rows(runs: list[Run]) -> list[Deleted]:
    names = names_of_runs(runs)
    told = RunDecision.objects.filter(run__in=runs, what=RunChange.DELETED).order_by("at", "pk")
    who = dict(told.values_list("run", "who"))
    return [
        Deleted(
            run,
            *(names.get(run.pk) or title_of_run(run)),
            who.get(run.pk, ""),
            plural(run.scene_count, "scene"),
            deletion.emptied_from(run.deleted_at) if run.deleted_at else None,
        )
        for run in runs
    ]

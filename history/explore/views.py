"""The page of a team's runs."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.explore.figures import figures_of
from history.explore.filters import ARCHIVED, RANGES, STATUSES, RunFilters, chips
from history.explore.found import FOUND
from history.explore.listing import listed
from history.explore.panel import panel_of
from history.explore.report import report_of, rows_of, said_of
from history.explore.trends import success_line
from history.explore.workflows import gpus_of, newest_of, workflows_of
from history.keyset import page_or_first, query_at
from history.models import Run
from history.storage_page import warning_for
from telemetry.access import team_for
from telemetry.models import Membership, Role, Team
from telemetry.text import MISSING

PAGE_SIZE = 25


@require_safe
@login_required
def runs(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's runs, newest first, as the address filters them."""
    membership = team_for(request.user, slug)
    filters = RunFilters(request.GET, membership)
    chosen, newest = filters.chosen(), newest_of(membership.team)
    context = {
        "filters": filters,
        "ranges": RANGES,
        "statuses": [(name, label) for name, (label, _) in STATUSES.items()],
        "found": [(name, label) for name, (label, _) in FOUND.items()],
        "workflows": workflows_of(newest, chosen.get("workload")),
        "storage": warning_for(membership),
        "may_act": membership.may(Role.OPERATOR),
        "gpus": gpus_of(newest, chosen.get("gpu")),
        "archives": [(name, label) for name, (label, _) in ARCHIVED.items()],
        "query": request.GET.urlencode(),
        **_record(request, membership, filters),
    }
    return render(request, "history/runs.html", context)


@require_safe
@login_required
def runs_record(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the statistics and the list alone, for a page that is open."""
    membership = team_for(request.user, slug)
    filters = RunFilters(request.GET, membership)
    context = _record(request, membership, filters)
    return render(request, "history/runs.html#record", context)


@require_safe
@login_required
def runs_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the runs that the address leaves came to, as a sweep."""
    membership = team_for(request.user, slug)
    filters = RunFilters(request.GET, membership)
    wanted = filters.applied(Run.objects.kept().filter(team=membership.team), timezone.now())
    report = report_of(wanted)
    context = {
        "team": membership.team,
        "filters": filters,
        "chips": chips(filters, request.GET),
        "query": query_at(request.GET),
        "report": report,
        "said": said_of(report),
        "a_scene": MISSING if report.frames_a_scene is None else f"{report.frames_a_scene:.1f}",
        "rows": rows_of(wanted),
    }
    return render(request, "history/report.html", context)


def _record(request: HttpRequest, membership: Membership, filters: RunFilters) -> dict[str, Any]:
    """Return what the page tells from the record."""
    at, team = timezone.now(), membership.team
    wanted = filters.applied(Run.objects.kept().filter(team=team), at)
    cursor = request.GET.get("cursor")
    found, following, problem = page_or_first(wanted, "began_at", cursor, PAGE_SIZE)
    return {
        "team": team,
        # All of them: a template takes long to find that a name is not there.
        "chosen": dict.fromkeys(filters.fields, "") | filters.chosen(),
        "chips": chips(filters, request.GET),
        "panel": panel_of(figures_of(wanted)),
        "rows": listed(found, at),
        "filtered": query_at(request.GET),
        "success_line": success_line(found),
        "any": bool(found) or _has_any(team),
        "problem": problem,
        "following": following and query_at(request.GET, cursor=following),
        "first": query_at(request.GET) if "cursor" in request.GET else None,
    }


def _has_any(team: Team) -> bool:
    """Say whether a team has a run; in an order, for which the database looks into an index.

    Without one it looks through the table, which is long where the runs are other teams'.
    """
    return bool(Run.objects.kept().filter(team=team).order_by("-began_at").values("pk")[:1])

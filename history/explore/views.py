"""The page of a team's runs."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.explore.figures import figures_of
from history.explore.filters import RANGES, STATUSES, RunFilters, chips
from history.explore.listing import listed
from history.explore.panel import panel_of
from history.explore.workflows import workflows_of
from history.keyset import page_or_first, query_at
from history.models import Run
from telemetry.access import team_for
from telemetry.models import Membership

PAGE_SIZE = 25


@require_safe
@login_required
def runs(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's runs, newest first, as the address filters them."""
    membership = team_for(request.user, slug)
    filters = RunFilters(request.GET, membership)
    context = {
        "filters": filters,
        "chosen": filters.chosen(),
        "chips": chips(filters, request.GET),
        "ranges": RANGES,
        "statuses": [(name, label) for name, (label, _) in STATUSES.items()],
        "workflows": workflows_of(membership.team, filters.chosen().get("workload")),
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


def _record(request: HttpRequest, membership: Membership, filters: RunFilters) -> dict[str, Any]:
    """Return what the page tells from the record."""
    at, team = timezone.now(), membership.team
    wanted = filters.applied(Run.objects.filter(team=team), at)
    cursor = request.GET.get("cursor")
    found, following, problem = page_or_first(wanted, "began_at", cursor, PAGE_SIZE)
    return {
        "team": team,
        "panel": panel_of(figures_of(wanted)),
        "rows": listed(found, at),
        "any": bool(found) or Run.objects.filter(team=team).exists(),
        "problem": problem,
        "following": following and query_at(request.GET, cursor=following),
        "first": query_at(request.GET) if "cursor" in request.GET else None,
    }

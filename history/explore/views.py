"""The page of a team's runs."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.explore.filters import RANGES, STATUSES, RunFilters, chips
from history.explore.listing import listed
from history.keyset import page_of
from history.models import Run
from telemetry.access import team_for
from telemetry.api_errors import Refusal

PAGE_SIZE = 25


@require_safe
@login_required
def runs(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's runs, newest first, as the address filters them."""
    membership = team_for(request.user, slug)
    filters, at = RunFilters(request.GET, membership), timezone.now()
    wanted = filters.applied(Run.objects.filter(team=membership.team), at)
    found, following, problem = _page(wanted, request.GET.get("cursor"))
    context = {
        "team": membership.team,
        "filters": filters,
        "chosen": filters.chosen(),
        "chips": chips(filters, request.GET),
        "ranges": RANGES,
        "statuses": [(name, label) for name, (label, _) in STATUSES.items()],
        "rows": listed(found, at),
        "any": bool(found) or Run.objects.filter(team=membership.team).exists(),
        "problem": problem,
        "following": following and _query(request.GET, cursor=following),
        "first": _query(request.GET) if "cursor" in request.GET else None,
    }
    return render(request, "history/runs.html", context)


def _page(wanted: Any, cursor: str | None) -> tuple[list[Run], str | None, str]:
    """Return the runs behind a cursor, the next one, and what is wrong with this one."""
    try:
        return *page_of(wanted, "began_at", cursor or None, PAGE_SIZE), ""
    except Refusal:
        problem = "The address names a place that is none of this list's: this is its beginning."
        return *page_of(wanted, "began_at", None, PAGE_SIZE), problem


def _query(asked: QueryDict, **place: str) -> str:
    """Return the address's query at another place of the list, without one its beginning."""
    query = asked.copy()
    query.pop("cursor", None)
    query.update(place)
    return query.urlencode()

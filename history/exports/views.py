"""What a filter of the list of runs leaves, as files."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.explore.filters import RunFilters
from history.exports.lists import EXPORTS, exported
from history.models import Run
from telemetry.access import team_for


@require_safe
@login_required
def runs_export(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """Stream all runs that the address leaves, or their scenes, as a file."""
    membership = team_for(request.user, slug)
    if name not in EXPORTS:
        raise Http404
    filters = RunFilters(request.GET, membership)
    team = Run.objects.kept().filter(team=membership.team)
    return exported(request, name, filters.applied(team, timezone.now()))

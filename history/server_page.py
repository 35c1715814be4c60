"""The page of one server: what it does now, and what is on record of it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.resubmit import lost_on
from history.server_record import facts_of, record_of
from telemetry import wall_page
from telemetry.access import server_in, team_for
from telemetry.models import Membership, Role, Server


@require_safe
@login_required
def server_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a server: live above, the record below."""
    membership = team_for(request.user, slug)
    server = server_in(request.user, slug, pk)
    context = {"wall": wall_page.wall_of(server), **_record(membership, server)}
    return render(request, "history/server.html", context)


@require_safe
@login_required
def server_record(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Return the part of the page that comes from the record, for a page that is open."""
    membership = team_for(request.user, slug)
    server = server_in(request.user, slug, pk)
    return render(request, "history/_server_record.html", _record(membership, server))


def _record(membership: Membership, server: Server) -> dict[str, Any]:
    at = timezone.now()
    record = record_of(server, at)
    newest = record["changes"][0] if record["changes"] else None
    return {
        "team": membership.team,
        "server": server,
        "may_act": membership.may(Role.OPERATOR),
        "may_manage": membership.may(Role.ADMIN),
        "silenced": server.silenced_until is not None and server.silenced_until > at,
        "lost_count": lost_on(server, at).count() if membership.may(Role.OPERATOR) else 0,
        "newest": newest,
        "facts": facts_of(newest.environment) if newest else [],
        **record,
    }

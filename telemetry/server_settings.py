"""Settings > servers: a team's admins add, try, change, switch off and delete its servers."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from telemetry import audit, wall_page
from telemetry.access import server_in, team_for
from telemetry.checkup import check_up
from telemetry.condition import BADGES, Badge
from telemetry.models import Action, Environment, Role, Server, Team
from telemetry.secrets import state_of
from telemetry.server_form import TeamServerForm
from telemetry.settings_nav import groups_for

FORM = ("GET", "HEAD", "POST")
DISABLED = Badge("idle", "s-skipped", "Disabled")
UNHEARD = Badge("connecting", "s-reconnecting", "Not heard of yet")
# Reversed, so that of several badges of one state the first is taken.
BY_STATE = {badge.state: badge for badge in reversed(BADGES.values())}


@require_safe
@login_required
def server_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """List the team's servers, those that are switched off included."""
    team = team_for(request.user, slug, Role.ADMIN).team
    states = wall_page.states(team)
    servers = list(_listed(team))
    rows = [{"server": server, "badge": _badge(server, states)} for server in servers]
    return _page(request, "server_list", team, rows=rows)


def _listed(team: Team) -> QuerySet[Server]:
    newest = Environment.objects.filter(server=OuterRef("pk")).order_by("-since")
    version = Subquery(newest.values("comfyui_version")[:1])
    servers: QuerySet[Server] = Server.objects.kept().filter(team=team)
    return servers.annotate(comfyui_version=version).prefetch_related("devices")


def _badge(server: Server, states: dict[int, str]) -> Badge:
    if not server.enabled:
        return DISABLED
    return BY_STATE.get(states.get(server.pk, ""), UNHEARD)


@require_http_methods(FORM)
@login_required
def add_server(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a server, at the end of the wall unless it is given another place."""
    team = team_for(request.user, slug, Role.ADMIN).team
    last = Server.objects.kept().filter(team=team).aggregate(last=Max("position"))["last"]
    return _form(request, Server(team=team, position=0 if last is None else last + 1))


@require_http_methods(FORM)
@login_required
def edit_server(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change a server: its name, address, credentials, certificates, place."""
    return _form(request, server_in(request.user, slug, pk, Role.ADMIN))


def _form(request: HttpRequest, server: Server) -> HttpResponse:
    """Show the form, try what stands in it, or save it."""
    # The form writes what was typed into the server before it is known to be good.
    known = {"pk": server.pk, "name": server.name, **_secrets(server)}
    form = TeamServerForm(request.POST or None, instance=server)
    if request.method == "POST" and "test" in request.POST:
        return _tested(request, form, known)
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.note(request.user, server, Action.CHANGE if known["pk"] else Action.ADD)
        messages.success(request, f"{server.name} is saved. It takes effect within 2 seconds.")
        return redirect("server_settings", server.team.slug)
    return _page(request, "server_form", server.team, form=form, known=known)


def _secrets(server: Server) -> dict[str, str]:
    """Return all that is ever told of the secrets."""
    return {
        "bearer": state_of(server.bearer_encrypted),
        "basic": state_of(server.basic_encrypted),
    }


def _tested(request: HttpRequest, form: TeamServerForm, known: dict[str, Any]) -> HttpResponse:
    """Ask the server as the form has it; nothing is saved."""
    team = form.instance.team
    checkup = None
    if form.is_valid():
        checkup = async_to_sync(check_up)(form.unsaved())
    context = {"form": form, "known": known, "checkup": checkup, "tested": True}
    if getattr(request, "htmx", False):
        return render(request, "telemetry/_checkup.html", context)
    return _page(request, "server_form", team, **context)


@require_POST
@login_required
def switch_server(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Switch a server on or off: followed, or not followed with its history kept."""
    server = server_in(request.user, slug, pk, Role.ADMIN)
    server.enabled = request.POST.get("enabled") == "1"
    server.save(update_fields=["enabled"])
    audit.note(request.user, server, Action.ENABLE if server.enabled else Action.DISABLE)
    words = "followed again" if server.enabled else "no longer followed; its history stays"
    messages.success(request, f"{server.name} is {words}.")
    return redirect("server_settings", slug)


@require_http_methods(FORM)
@login_required
def delete_server(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Delete a server and keep its history, once its name was typed."""
    server = server_in(request.user, slug, pk, Role.ADMIN)
    if request.method == "POST":
        if request.POST.get("name", "").strip() == server.name:
            name = server.name
            server.retire(timezone.now())
            audit.note(request.user, server, Action.DELETE)
            messages.success(request, f"{name} is deleted. Its history stays.")
            return redirect("server_settings", slug)
        error = f'Type the name as it stands here: "{server.name}". Nothing was deleted.'
        return _page(request, "server_delete", server.team, server=server, error=error)
    return _page(request, "server_delete", server.team, server=server)


def _page(request: HttpRequest, name: str, team: Team, **context: Any) -> HttpResponse:
    """Return a page of the settings of a team."""
    frame = {
        "team": team,
        "nav": groups_for(request.user),
        "here": f"server_settings {team.slug}",
    }
    return render(request, f"telemetry/{name}.html", {**frame, **context})

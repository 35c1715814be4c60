"""The API's routes about what is: servers, and who asks. config/api.py puts them under /api/v1/."""

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.views.decorators.http import conditional_page
from ninja import Query, Router
from ninja.decorators import decorate_view

from telemetry.access import server_for
from telemetry.api_errors import answers
from telemetry.api_shapes import DeviceOut, Me, ServerOut, Servers, TeamQuery
from telemetry.callers import caller_of
from telemetry.clock import now
from telemetry.live_api import LiveNow, live_now
from telemetry.models import Environment, Server

router = Router()


@router.get("/me", response=answers(Me), summary="Who asks", tags=["me"])
def me(request: HttpRequest) -> Me:
    """Say who asks: the first thing to try with a new token."""
    caller = caller_of(request)
    user, token = caller.user.get_username(), caller.token
    if token is None:
        return Me(user=user)
    membership = token.membership
    return Me.told(
        token, user=user, team=membership.team.slug, role=membership.role, token=str(token)
    )


@router.get("/servers", response=answers(Servers), summary="All servers", tags=["servers"])
def servers(request: HttpRequest, asked: Query[TeamQuery]) -> Servers:
    """List the team's servers, also those that are switched off; deleted ones are gone."""
    team = caller_of(request).team(asked.team)
    rows = _told(Server.objects.kept().filter(team=team))
    return Servers(items=[_server(row) for row in rows])


@router.get(
    "/servers/{int:server_id}", response=answers(ServerOut), summary="One server", tags=["servers"]
)
def server(request: HttpRequest, server_id: int) -> ServerOut:
    """Return one server."""
    caller = caller_of(request)
    found = server_for(caller.user, server_id)
    caller.see(found.team_id)
    return _server(_told(Server.objects.filter(pk=found.pk)).get())


@router.get("/live", response=answers(LiveNow), summary="What servers do now", tags=["live"])
@decorate_view(conditional_page)
def live(request: HttpRequest, asked: Query[TeamQuery]) -> LiveNow:
    """Tell what the team's servers do now; answers 304 while nothing changed (If-None-Match)."""
    return live_now(caller_of(request).team(asked.team), now())


def _told(rows: "QuerySet[Server]") -> "QuerySet[Server]":
    """Add what the servers last said of themselves."""
    newest = Environment.objects.filter(server=OuterRef("pk")).order_by("-since")
    version = Subquery(newest.values("comfyui_version")[:1])
    return rows.annotate(comfyui_version=version).prefetch_related("devices")


def _server(row: Server) -> ServerOut:
    devices = [DeviceOut.told(device) for device in row.devices.all()]
    return ServerOut.told(row, devices=devices)

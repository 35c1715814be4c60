"""The wall as a page: what is retained of the team's topic, in the servers' fixed places."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from django.utils.safestring import SafeString, mark_safe
from redis.exceptions import RedisError

from telemetry.board import rendered
from telemetry.clock import now
from telemetry.envelope import team_topic
from telemetry.hot import filled
from telemetry.link_rows import link_of
from telemetry.live import SHOWN, render_part
from telemetry.machine import ServerState
from telemetry.models import ClientClaim, Membership, Server, Team
from telemetry.overview import Overview
from telemetry.places import Wanted
from telemetry.stores import Snapshot, Stamp, live_store

log = logging.getLogger(__name__)

NOTHING = Snapshot(Stamp("", 0), [], [], [])

RUN = re.compile(r"run-\d+-mini")


@dataclass(slots=True)
class ServerWall:
    """A server's place: its attributes, and its parts as they were last sent."""

    server: Server
    attrs: dict[str, str] = field(default_factory=dict)
    parts: dict[str, SafeString] = field(default_factory=dict)


def context(team: Team) -> dict[str, Any]:
    """Return the context of telemetry/live.html for a team."""
    snapshot = retained(team.pk)
    servers = list(Server.objects.watched().filter(team=team))
    return {
        "team": team,
        "walls": [_wall(server, snapshot) for server in servers],
        "feed": [_ready(line.html) for line in snapshot.feed],
        "chips": [_ready(f.html) for f in snapshot.fragments if f.id.endswith("-chip")],
        **_overview(snapshot),
        "topic": _topic(team, snapshot),
        "away": snapshot is NOTHING,
        "simulated": any(server.simulated for server in servers),
    }


def _topic(team: Team, snapshot: Snapshot) -> Wanted:
    """Return what the page follows, from the place on that it shows."""
    return Wanted(team_topic(team.pk), snapshot.stamp if snapshot is not NOTHING else None)


def viewer(membership: Membership) -> dict[str, Any]:
    """Return what the page knows of who looks: the names under which prompts are theirs."""
    names = names_of(membership)
    return {"client_ids": names[1:], "mine": json.dumps(names)}


def names_of(membership: Membership) -> list[str]:
    """Return the names under which prompts are a member's: the user's, then client_ids."""
    claims = ClientClaim.objects.filter(team=membership.team, user=membership.user)
    client_ids = claims.order_by("client_id").values_list("client_id", flat=True)
    return [membership.user.get_username(), *client_ids]


def retained(team_id: int) -> Snapshot:
    """Return what the team's viewers are shown; NOTHING while the store is away."""
    try:
        return async_to_sync(live_store().snapshot)(team_topic(team_id))
    except (RedisError, OSError) as error:
        log.warning("live: a page cannot show what happens: %s", error)
        return NOTHING


def wall_of(server: Server) -> ServerWall:
    """Return one server's place, as its collector told it last; with its channels in any case."""
    wall = _wall(server, retained(server.team_id))
    wall.parts.setdefault("link", _unheard(server.pk))
    return wall


def walls_of(team_id: int, servers: Iterable[Server]) -> list[ServerWall]:
    """Return some servers' places, as their collectors told them last."""
    wanted = list(servers)
    if not wanted:
        return []
    snapshot = retained(team_id)
    return [_wall(server, snapshot) for server in wanted]


def _unheard(server_id: int) -> SafeString:
    """Return the channels of a server that nobody told of."""
    link = link_of(ServerState(), server_id, measured=False)
    html = render_part("link", {"server_id": server_id, "link": link})
    return _ready(filled(html, [hot.patch for hot in link.hot]))


def states(team: Team) -> dict[int, str]:
    """Return the state of each server that a collector told of, by its key."""
    snapshot = retained(team.pk)
    told = {element: value for element, name, value in snapshot.patches if name == "data-state"}
    servers = Server.objects.watched().filter(team=team).values_list("pk", flat=True)
    return {pk: told[f"server-{pk}"] for pk in servers if f"server-{pk}" in told}


def _wall(server: Server, snapshot: Snapshot) -> ServerWall:
    base = f"server-{server.pk}"
    html = {fragment.id: fragment.html for fragment in snapshot.fragments}
    return ServerWall(
        server,
        {name: value for element, name, value in snapshot.patches if element == base},
        {part: _ready(html[f"{base}-{part}"]) for part in SHOWN if f"{base}-{part}" in html},
    )


def _overview(snapshot: Snapshot) -> dict[str, Any]:
    """Return the board as it is retained; what nobody told yet as unknown."""
    told = {fragment.id: fragment for fragment in snapshot.fragments}
    blank = {fragment.id: fragment for fragment in rendered(Overview(now()))}
    runs = sorted((key for key in told if RUN.fullmatch(key)), key=lambda key: int(key[4:-5]))
    return {
        "tiles": [_ready(told.get(key, f).html) for key, f in blank.items() if f.into == "summary"],
        "runs": [_ready(told[key].html) for key in runs],
        "more_runs": _ready(told.get("runs-more", blank["runs-more"]).html),
    }


def _ready(html: str) -> SafeString:
    """Mark HTML that our own templates rendered, and escaped, in the collector."""
    return mark_safe(html)

"""The wall as a page: what is retained of the team's topic, in the servers' fixed places."""

import logging
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from django.utils.safestring import SafeString, mark_safe
from redis.exceptions import RedisError

from telemetry.envelope import team_topic
from telemetry.live import SHOWN
from telemetry.models import Server, Team
from telemetry.stores import Snapshot, Stamp, live_store

log = logging.getLogger(__name__)

NOTHING = Snapshot(Stamp("", 0), [], [], [])


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
        "away": snapshot is NOTHING,
        "simulated": any(server.simulated for server in servers),
    }


def retained(team_id: int) -> Snapshot:
    """Return what the team's viewers are shown; NOTHING while the store is away."""
    try:
        return async_to_sync(live_store().snapshot)(team_topic(team_id))
    except (RedisError, OSError) as error:
        log.warning("live: a page cannot show what happens: %s", error)
        return NOTHING


def wall_of(server: Server) -> ServerWall:
    """Return one server's place, as its collector told it last."""
    return _wall(server, retained(server.team_id))


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


def _ready(html: str) -> SafeString:
    """Mark HTML that our own templates rendered, and escaped, in the collector."""
    return mark_safe(html)

"""The API's /live: what every server of a team does now, from what is retained for the wall."""

from datetime import datetime, timedelta

from asgiref.sync import async_to_sync

from telemetry.api_shapes import Shape
from telemetry.envelope import team_topic
from telemetry.facts import NAME, ServerFacts, element_of
from telemetry.models import Server, Team
from telemetry.stores import Snapshot, live_store

# Architecture, "truth about age".
STALE_AFTER = timedelta(seconds=60)


class Watched(Shape):
    """A server; `stale` says that it was not heard of for 60 s, and all may be different."""

    id: int
    name: str
    simulated: bool
    stale: bool


class LiveServer(ServerFacts, Watched):
    """A server, and what is known of it now."""


class LiveNow(Shape):
    """All servers that are watched, in the order of the wall.

    (epoch, seq) is where this stands in the topic's changes; a new epoch begins a new count.
    """

    epoch: str
    seq: int
    servers: list[LiveServer]


def live_now(team: Team, at: datetime) -> LiveNow:
    """Return what the team's servers do; nothing is asked of them for it."""
    snapshot = async_to_sync(live_store().snapshot)(team_topic(team.pk))
    servers = [_live(s, snapshot, at) for s in Server.objects.watched().filter(team=team)]
    return LiveNow(epoch=snapshot.stamp.epoch, seq=snapshot.stamp.seq, servers=servers)


def _live(server: Server, snapshot: Snapshot, at: datetime) -> LiveServer:
    told = snapshot.values.get((element_of(server.pk), NAME))
    facts = ServerFacts.model_validate_json(told) if told else ServerFacts()
    stale = facts.heard_at is None or at - facts.heard_at > STALE_AFTER
    return LiveServer.told(
        facts, id=server.pk, name=server.name, simulated=server.simulated, stale=stale
    )

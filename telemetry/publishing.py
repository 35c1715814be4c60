"""What changed of a topic, retained and sent to its viewers: the last step out of a collector."""

import asyncio
import contextlib
import logging

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from telemetry.clock import now
from telemetry.envelope import change_text, group_of, team_topic
from telemetry.stores import Change, Fragment, Part, Stamp, Stamped, live_store

log = logging.getLogger(__name__)

ANNOUNCE_S = 1.0


async def publish(topic: str, parts: list[Part]) -> Stamped | None:
    """Retain what servers changed and send it to the topic's viewers; return its place.

    None where the store or the channel layer is away: that costs viewers this change, never the
    collector its way.
    """
    try:
        stamped = await live_store().stamp(topic, parts)
        for server_id, fence in stamped.refused:
            if server_id > 0:  # an overview is refused where another collector read it later
                log.warning("live: %s refuses fence %d of server %d", topic, fence, server_id)
        if stamped.stamp is not None:
            await _send(topic, stamped.stamp, [p for p in parts if p.fence not in stamped.refused])
    except (RedisError, OSError) as error:
        log.warning("live: cannot publish to %s: %s", topic, error)
        return None
    return stamped


async def _send(topic: str, stamp: Stamp, parts: list[Part]) -> None:
    text = change_text(topic, stamp, merged(parts), now())
    place = {"topic": topic, "epoch": stamp.epoch, "seq": stamp.seq}
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(group_of(topic), {"type": "live", **place, "text": text})


def merged(parts: list[Part]) -> Change:
    """Return the changes of several servers as one."""
    whole = Change()
    for part in parts:
        whole.fragments.extend(part.change.fragments)
        whole.patches.extend(part.change.patches)
        whole.feed.extend(part.change.feed)
        whole.heard.extend(part.change.heard)
    return whole


async def announce(team_id: int, server_id: int, fence: int) -> None:
    """Have the store refuse a server's older fences from now on: its old owner may wake up."""
    with contextlib.suppress(TimeoutError):  # where the store hangs, what it holds is old anyway
        async with asyncio.timeout(ANNOUNCE_S):
            await publish(team_topic(team_id), [Part((server_id, fence), Change())])


async def remove(team_id: int, server_id: int, fence: int) -> None:
    """Take a server that is no longer followed off the wall."""
    topic, element = team_topic(team_id), f"server-{server_id}"
    gone = await live_store().forget(topic, element)
    fragments = [Fragment(key, "") for key in gone]
    await publish(topic, [Part((server_id, fence), Change(fragments))])

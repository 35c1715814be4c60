"""Topics that are parts of a team's: a server's, a run's. No collector knows of them.

The collector tells a team's topic once, for everybody. Who follows one server of fifty should not
be sent the other forty-nine: in each web process the hub reads what concerns it out of the team's
messages, while anybody follows it, and counts these by itself. So an excerpt costs the collector
and Redis nothing, and a place in it is known by one process only; another one sends a snapshot.
"""

import json
from dataclasses import replace
from typing import Any

from telemetry.envelope import VERSION, team_topic
from telemetry.stores import Fragment, Snapshot, Stamp

LISTS = ("fragments", "patches", "feed", "heard")


def source_of(topic: str, team_id: int) -> str:
    """Return the topic that collectors tell: the team's, of which all others are excerpts."""
    return topic if topic.startswith("team-") else team_topic(team_id)


def concerns(topic: str, element: str) -> bool:
    """Say whether an element, or a line of the feed, belongs to a server or run."""
    line_of = topic.replace("server-", "event-", 1)
    return any(element == about or element.startswith(f"{about}-") for about in (topic, line_of))


def excerpt(topic: str, message: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of a change with what concerns the topic, without those that are empty."""
    found = {
        name: [each for each in message.get(name, ()) if _about(topic, each)] for name in LISTS
    }
    return {name: items for name, items in found.items() if items}


def _about(topic: str, each: Any) -> bool:
    """Say whether an item of a list is of the topic: {"id"}, [id, …] or [server's number, …]."""
    element = each["id"] if isinstance(each, dict) else each[0]
    return concerns(topic, f"server-{element}" if isinstance(element, int) else element)


def excerpt_text(topic: str, stamp: Stamp, at: str, lists: dict[str, list[Any]]) -> str:
    """Return a change of an excerpt in the form that goes over the wire."""
    place = {"topic": topic, "epoch": stamp.epoch, "seq": stamp.seq}
    body = {"v": VERSION, "type": "change", "at": at, **place, **lists}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def excerpt_snapshot(topic: str, stamp: Stamp, whole: Snapshot) -> Snapshot:
    """Return what of a team's snapshot concerns the topic, at the excerpt's own place."""

    def ours(fragments: list[Fragment]) -> list[Fragment]:
        return [fragment for fragment in fragments if concerns(topic, fragment.id)]

    patches = [patch for patch in whole.patches if concerns(topic, patch[0])]
    return replace(
        whole,
        stamp=stamp,
        fragments=ours(whole.fragments),
        patches=patches,
        feed=ours(whole.feed),
    )

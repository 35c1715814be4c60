"""What goes over the wire to viewers, and the names it goes under."""

import json
from datetime import datetime
from typing import Any

from telemetry.hot import Patch, filled
from telemetry.stores import Change, Fragment, Snapshot, Stamp

VERSION = 1


def team_topic(team_id: int) -> str:
    """Return the topic of a team's wall."""
    return f"team-{team_id}"


def group_of(topic: str) -> str:
    """Return the channel layer's group of a topic."""
    return f"live.{topic}"


def change_text(topic: str, stamp: Stamp, change: Change, at: datetime) -> str:
    """Return a change in the form that goes over the wire."""
    return _envelope("change", topic, stamp, at, change.fragments, change.patches, change.feed)


def snapshot_text(topic: str, snapshot: Snapshot, at: datetime) -> str:
    """Return a snapshot in the form that goes over the wire."""
    return _envelope(
        "snapshot", topic, snapshot.stamp, at, snapshot.fragments, snapshot.patches, snapshot.feed
    )


def _envelope(
    kind: str,
    topic: str,
    stamp: Stamp,
    at: datetime,
    fragments: list[Fragment],
    patches: list[Patch],
    feed: list[Fragment],
) -> str:
    body: dict[str, Any] = {
        "v": VERSION,
        "type": kind,
        "topic": topic,
        "epoch": stamp.epoch,
        "seq": stamp.seq,
        "at": at.isoformat(timespec="milliseconds"),
        "fragments": [_plain(fragment) for fragment in fragments],
        "patches": patches,
        "feed": [{"id": line.id, "html": line.html} for line in feed],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _plain(fragment: Fragment) -> dict[str, str]:
    plain = {"id": fragment.id, "html": filled(fragment.html, fragment.hot)}
    return {**plain, "into": fragment.into} if fragment.into else plain

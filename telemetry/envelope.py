"""What goes over the wire to viewers, and the names it goes under."""

import json
from datetime import UTC, datetime
from typing import Any

from telemetry import __version__
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


def resumed_text(topic: str, stamp: Stamp, at: datetime) -> str:
    """Return what goes on from a place that the viewer has: nothing of it is sent again."""
    return _text({**_place("resumed", topic, stamp, at)})


def hello_text(beat_s: float, at: datetime) -> str:
    """Return the first words on a connection; a beat comes at least every `beat_s` seconds."""
    return _text({**_head("hello", at), "beat_s": beat_s, "build": __version__})


def beat_text(at: datetime, sent: float | None = None) -> str:
    """Return a sign of life; `sent` is the browser's own time, said back to it."""
    return _text({**_head("beat", at), **({} if sent is None else {"sent": sent})})


def error_text(code: int, reason: str, at: datetime, topic: str | None = None) -> str:
    """Return what could not be done, with the code that a socket would be closed with."""
    about = {} if topic is None else {"topic": topic}
    return _text({**_head("error", at), **about, "code": code, "reason": reason})


def _head(kind: str, at: datetime) -> dict[str, Any]:
    told = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"v": VERSION, "type": kind, "at": told}


def _place(kind: str, topic: str, stamp: Stamp, at: datetime) -> dict[str, Any]:
    return {**_head(kind, at), "topic": topic, "epoch": stamp.epoch, "seq": stamp.seq}


def _envelope(
    kind: str,
    topic: str,
    stamp: Stamp,
    at: datetime,
    fragments: list[Fragment],
    patches: list[Patch],
    feed: list[Fragment],
) -> str:
    """Return the message; a list that is empty is left out, for most messages are one patch."""
    lists: dict[str, list[Any]] = {
        "fragments": [_plain(fragment) for fragment in fragments],
        "patches": patches,
        "feed": [{"id": line.id, "html": line.html} for line in feed],
    }
    told = {name: items for name, items in lists.items() if items}
    return _text({**_place(kind, topic, stamp, at), **told})


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _plain(fragment: Fragment) -> dict[str, str]:
    plain = {"id": fragment.id, "html": filled(fragment.html, fragment.hot)}
    return {**plain, "into": fragment.into} if fragment.into else plain

"""What goes over the wire to viewers, and the names it goes under."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry import __version__
from telemetry.hot import TEXT, Patch, filled
from telemetry.stores import Change, Fragment, Heard, Snapshot, Stamp

VERSION = 1


def team_topic(team_id: int) -> str:
    """Return the topic of a team's wall."""
    return f"team-{team_id}"


def group_of(topic: str) -> str:
    """Return the channel layer's group of a topic."""
    return f"live.{topic}"


def change_text(topic: str, stamp: Stamp, change: Change, at: datetime) -> str:
    """Return a change in the form that goes over the wire."""
    return _envelope("change", topic, stamp, at, change)


def snapshot_text(topic: str, snapshot: Snapshot, at: datetime) -> str:
    """Return a snapshot in the form that goes over the wire."""
    return _envelope("snapshot", topic, snapshot.stamp, at, snapshot)


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


def _envelope(kind: str, topic: str, stamp: Stamp, at: datetime, told: Change | Snapshot) -> str:
    """Return the message; a list that is empty is left out, for most messages are one patch."""
    lists: dict[str, list[Any]] = {
        "fragments": [_plain(fragment) for fragment in told.fragments],
        "patches": [_short(patch) for patch in told.patches],
        "feed": [{"id": line.id, "html": line.html} for line in told.feed],
        "heard": [_ago(heard, at) for heard in told.heard] if isinstance(told, Change) else [],
    }
    filled_lists = {name: items for name, items in lists.items() if items}
    return _text({**_place(kind, topic, stamp, at), **filled_lists})


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _short(patch: Patch) -> list[str]:
    """Return a patch without the name where it is a text, as most are."""
    element, name, value = patch
    return [element, value] if name == TEXT else [element, name, value]


def _ago(heard: Heard, at: datetime) -> list[int]:
    """Return the server and how long before the message it was heard of, in whole ms."""
    return [heard.server_id, (_whole_ms(at) - _whole_ms(heard.at)) // timedelta(milliseconds=1)]


def _whole_ms(at: datetime) -> datetime:
    """Return a time as it is written: rounded by itself, the difference would be 1 ms off."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _plain(fragment: Fragment) -> dict[str, str]:
    plain = {"id": fragment.id, "html": filled(fragment.html, fragment.hot)}
    return {**plain, "into": fragment.into} if fragment.into else plain

"""From a server's state to its viewers: render what changed once, stamp it, retain it, send it.

Each server's card is cut into parts. A tick renders them all and sends those whose HTML is not what
was sent before; twenty progress frames become one fragment. The first change after quiet goes out
at once, further ones in windows of LIVE_WINDOW_MS (a throttle, not a debounce).

A change of the record is shown after its commit, or after PATIENCE_S marked "not yet recorded": the
live path never waits for the database longer than that.
"""

import asyncio
import json
import logging
import time
from concurrent.futures import Future
from datetime import datetime
from hashlib import blake2s
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.template.loader import get_template
from redis.exceptions import RedisError

from telemetry.activity import Happening
from telemetry.cards import Card, card_of
from telemetry.clock import now
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.stores import Change, Fragment, Snapshot, Stamp, live_store

log = logging.getLogger(__name__)

PAGE = "telemetry/live.html"
PARTS = ("head", "gpus", "notice", "exec", "next", "ended")
PATIENCE_S = 0.05
# The card says it was heard of this often even when nothing else changes, so that a collector that
# died does not look like a quiet farm.
HEARD_EVERY_S = 5.0
VERSION = 1


def team_topic(team_id: int) -> str:
    """Return the topic of a team's wall."""
    return f"team-{team_id}"


def group_of(topic: str) -> str:
    """Return the channel layer's group of a topic."""
    return f"live.{topic}"


def rendered(card: Card) -> dict[str, str]:
    """Return the HTML of each part of a card, and of its chip, by element id."""
    base = f"server-{card.server_id}"
    parts = {
        f"{base}-{part}": get_template(f"{PAGE}#{part}").render({"card": card}) for part in PARTS
    }
    parts[f"{base}-chip"] = get_template(f"{PAGE}#chip").render({"card": card})
    return {element: html.strip() for element, html in parts.items()}


def attributes(card: Card) -> dict[str, str]:
    """Return the attributes of a card's shell that change."""
    heard = card.heard_at.isoformat(timespec="milliseconds") if card.heard_at else ""
    return {"data-state": card.badge.state, "data-heard": heard}


def feed_line(item: Happening, leased: Leased) -> Fragment:
    """Return a happening as a line of the feed."""
    digest = blake2s(f"{leased.server_id}:{item.event_id}".encode(), digest_size=8).hexdigest()
    element = f"event-{digest}"
    html = get_template(f"{PAGE}#feed-item").render(
        {
            "item": item,
            "element_id": element,
            "server_name": leased.name,
            "server_id": leased.server_id,
        }
    )
    return Fragment(element, html.strip(), "feed")


def change_text(topic: str, stamp: Stamp, change: Change, at: datetime) -> str:
    """Return a change in the form that goes over the wire."""
    return _envelope("change", topic, stamp, at, change.fragments, change.attrs, change.feed)


def snapshot_text(topic: str, snapshot: Snapshot, at: datetime) -> str:
    """Return a snapshot in the form that goes over the wire."""
    return _envelope(
        "snapshot", topic, snapshot.stamp, at, snapshot.fragments, snapshot.attrs, snapshot.feed
    )


def _envelope(
    kind: str,
    topic: str,
    stamp: Stamp,
    at: datetime,
    fragments: list[Fragment],
    attrs: list[tuple[str, str, str]],
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
        "attrs": attrs,
        "feed": [{"id": line.id, "html": line.html} for line in feed],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _plain(fragment: Fragment) -> dict[str, str]:
    plain = {"id": fragment.id, "html": fragment.html}
    return {**plain, "into": fragment.into} if fragment.into else plain


async def publish(topic: str, fence: tuple[int, int], change: Change) -> Stamp | None:
    """Retain a change and send it to the topic's viewers; return its place.

    None where the fence is old, or where the store or the channel layer is away: that costs viewers
    this change, never the collector its way.
    """
    try:
        stamp = await live_store().stamp(topic, fence, change)
        if stamp is None:
            log.warning("live: %s refuses fence %d of server %d", topic, fence[1], fence[0])
            return None
        text = change_text(topic, stamp, change, now())
        place = {"topic": topic, "epoch": stamp.epoch, "seq": stamp.seq}
        message = {"type": "live", **place, "text": text}
        layer = get_channel_layer()
        assert layer is not None
        await layer.group_send(group_of(topic), message)
    except (RedisError, OSError) as error:
        log.warning("live: cannot publish to %s: %s", topic, error)
        return None
    return stamp


class Live:
    """The live side of one followed server; all calls on the collector's loop."""

    def __init__(self, leased: Leased, state: ServerState) -> None:
        self.leased = leased
        self.state = state
        self.topic = team_topic(leased.team_id)
        self.window_s = settings.LIVE_WINDOW_MS / 1000
        self._dirty = asyncio.Event()
        self._lines: list[Happening] = []
        self._unsaved: list[asyncio.Future[None]] = []
        self._sent: dict[str, str] = {}
        self._attrs: dict[str, str] = {}
        self._heard_sent = 0.0
        self._epoch: str | None = None

    def touch(self) -> None:
        """Note that the card may have changed."""
        self._dirty.set()

    def changed(self, lines: list[Happening], saved: "Future[None]") -> None:
        """Note what happened; it is shown once saved ends, or a little later as unrecorded."""
        self._lines += lines
        future = asyncio.wrap_future(saved)
        future.add_done_callback(self._saved)
        self._unsaved.append(future)
        self.touch()

    def _saved(self, future: "asyncio.Future[None]") -> None:
        if not future.cancelled():
            future.exception()  # the recorder has logged it
        self._unsaved.remove(future)
        self.touch()

    async def run(self) -> None:
        """Publish what changes until cancelled."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if self._unsaved:
                await asyncio.wait(self._unsaved, timeout=PATIENCE_S)
            began = time.monotonic()
            try:
                await self._publish()
            except Exception:
                # A card that cannot be shown must not end the recording of the server.
                log.exception('live: the card of "%s" cannot be shown', self.leased.name)
            await asyncio.sleep(max(0.0, self.window_s - (time.monotonic() - began)))

    async def _publish(self) -> None:
        change = self.change(now())
        if not change:
            return
        fence = (self.leased.server_id, self.leased.fence)
        stamp = await publish(self.topic, fence, change)
        epoch = stamp.epoch if stamp else None
        if epoch is None or self._epoch not in (None, epoch):
            # What was retained before is gone, or this was not: all of the card is due again.
            self._sent, self._attrs, self._heard_sent = {}, {}, 0.0
            self.touch()
        self._epoch = epoch

    def change(self, at: datetime) -> Change:
        """Return what is different from what was sent before, and take it as sent."""
        card = card_of(self.state, self.leased, at, unrecorded=bool(self._unsaved))
        shell = [] if self._sent else [self._shell(card)]
        parts = rendered(card)
        fragments = [
            Fragment(element, html, "attention" if element.endswith("-chip") else None)
            for element, html in parts.items()
            if self._sent.get(element) != html
        ]
        self._sent = parts
        lines = [feed_line(item, self.leased) for item in self._lines]
        self._lines = []
        return Change(shell + fragments, self._changed_attrs(attributes(card)), lines)

    def _shell(self, card: Card) -> Fragment:
        server = {"pk": card.server_id, "name": card.name, "simulated": card.simulated}
        context = {"server": server, "attrs": attributes(card), "parts": {}}
        html = get_template(f"{PAGE}#shell").render(context)
        return Fragment(f"server-{card.server_id}", html.strip(), "servers")

    def _changed_attrs(self, attrs: dict[str, str]) -> list[tuple[str, str, str]]:
        """Return the attributes to send: the time of the last word only now and then."""
        element = f"server-{self.leased.server_id}"
        due = time.monotonic() - self._heard_sent >= HEARD_EVERY_S
        changed = {
            name: value
            for name, value in attrs.items()
            if self._attrs.get(name) != value and (name != "data-heard" or due)
        }
        if "data-heard" in changed:
            self._heard_sent = time.monotonic()
        self._attrs |= changed
        return [(element, name, value) for name, value in changed.items()]


async def remove(team_id: int, server_id: int, fence: int) -> None:
    """Take a server that is no longer followed off the wall."""
    topic, element = team_topic(team_id), f"server-{server_id}"
    gone = await live_store().forget(topic, element)
    fragments = [Fragment(key, "") for key in gone]
    await publish(topic, (server_id, fence), Change(fragments))

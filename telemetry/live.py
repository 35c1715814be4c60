"""A server's state as what its viewers hold: parts of a card, rendered only where they changed.

A card is cut into parts. `Live.change` renders those whose values are not what was rendered before
and returns those whose HTML is other than what was sent; topics.py gathers the changes of a team's
servers and publishes them together.
"""

import asyncio
import time
from concurrent.futures import Future
from datetime import datetime
from hashlib import blake2s
from typing import Any

from django.template.loader import get_template

from telemetry.activity import Happening
from telemetry.cards import Card, card_of
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.stores import Change, Fragment
from telemetry.topics import Topic

PAGE = "telemetry/live.html"
# What of a card each of its parts shows. A part is given nothing else, and rendered only when one
# of these values changed.
PARTS: dict[str, tuple[str, ...]] = {
    "head": ("name", "badge", "version", "simulated", "unrecorded", "queue"),
    "gpus": ("devices", "last_known"),
    "notice": ("notice",),
    "exec": ("running", "last_known"),
    "next": ("next", "more"),
    "ended": ("ended",),
}
# The chip stands outside of the card, among what needs attention.
SHOWN = {**PARTS, "chip": ("name", "badge", "notice")}
# The card says it was heard of this often even when nothing else changes, so that a collector that
# died does not look like a quiet farm.
HEARD_EVERY_S = 5.0


def values_of(card: Card, part: str) -> dict[str, Any]:
    """Return what a part of the card shows."""
    return {name: getattr(card, name) for name in ("server_id", *SHOWN[part])}


def render_part(part: str, values: dict[str, Any]) -> str:
    """Return the HTML of one part of a card."""
    return get_template(f"{PAGE}#{part}").render({"card": values}).strip()


def rendered(card: Card) -> dict[str, str]:
    """Return the HTML of each part of a card, and of its chip, by element id."""
    return {
        f"server-{card.server_id}-{part}": render_part(part, values_of(card, part))
        for part in SHOWN
    }


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


class Live:
    """The live side of one followed server; all calls on the collector's loop."""

    def __init__(self, leased: Leased, state: ServerState, topic: Topic) -> None:
        self.leased = leased
        self.state = state
        self.topic = topic
        self.unsaved: list[asyncio.Future[None]] = []
        self._values: dict[str, dict[str, Any]] = {}
        self._html: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._attrs: dict[str, str] = {}
        self._heard_sent = 0.0

    @property
    def fence(self) -> tuple[int, int]:
        """Return the fence under which this side speaks."""
        return self.leased.server_id, self.leased.fence

    def feed_line(self, item: Happening) -> Fragment:
        """Return a happening as a line of the feed."""
        return feed_line(item, self.leased)

    def touch(self) -> None:
        """Note that the card may have changed."""
        self.topic.touch(self)

    def changed(self, lines: list[Happening], saved: "Future[None]") -> None:
        """Note what happened; it is shown once saved ends, or a little later as unrecorded."""
        self.topic.tell(self, lines)
        future = asyncio.wrap_future(saved)
        future.add_done_callback(self._saved)
        self.unsaved.append(future)
        self.touch()

    def _saved(self, future: "asyncio.Future[None]") -> None:
        if not future.cancelled():
            future.exception()  # the recorder has logged it
        self.unsaved.remove(future)
        self.touch()

    def forget_sent(self) -> None:
        """Take nothing as sent: viewers, or what is retained for them, lost it."""
        self._sent, self._attrs, self._heard_sent = {}, {}, 0.0

    def change(self, at: datetime) -> Change:
        """Return what is different from what was sent before, and take it as sent."""
        card = card_of(self.state, self.leased, at, unrecorded=bool(self.unsaved))
        shell = [] if self._sent else [self._shell(card)]
        self._render(card)
        fragments = [
            Fragment(element, html, "attention" if element.endswith("-chip") else None)
            for element, html in self._html.items()
            if self._sent.get(element) != html
        ]
        self._sent = dict(self._html)
        return Change(shell + fragments, self._changed_attrs(attributes(card)))

    def _render(self, card: Card) -> None:
        for part in SHOWN:
            values = values_of(card, part)
            if self._values.get(part) != values:
                self._values[part] = values
                self._html[f"server-{card.server_id}-{part}"] = render_part(part, values)

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

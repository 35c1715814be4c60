"""A server's state as what its viewers hold: parts of a card, rendered only where they changed.

A card is cut into parts. `Live.change` renders those whose values are not what was rendered before
and returns those whose HTML is other than what was sent; topics.py gathers the changes of a team's
servers and publishes them together.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from hashlib import blake2s
from typing import Any, get_args

from django.template.loader import get_template

from telemetry.activity import Happening
from telemetry.cards import Card, card_of
from telemetry.facts import facts_of, facts_patch
from telemetry.hot import Patch, filled
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.prompt_rows import running_row
from telemetry.protocol import frames as f
from telemetry.stores import HEARD, Change, Fragment, Heard
from telemetry.topics import Topic
from telemetry.transitions import Transition

PAGE = "telemetry/live.html"
# What of a card each of its parts shows. A part is given nothing else, and rendered only when one
# of these values changed.
PARTS: dict[str, tuple[str, ...]] = {
    "head": ("name", "badge", "version", "simulated", "unrecorded", "silenced", "queue"),
    "gpus": ("devices", "last_known"),
    "notice": ("notice",),
    "exec": ("running", "last_known"),
    "next": ("next", "more"),
    "ended": ("ended",),
}
# Outside of the card: the chip among what needs attention, the link on the server's own page. Where
# a page has no such element its fragments pass by.
APART: dict[str, tuple[str, ...]] = {
    "link": ("link",),
    "chip": ("name", "badge", "notice", "silenced"),
}
SHOWN = {**PARTS, **APART}
# The card says it was heard of this often even when nothing else changes, so that a collector that
# died does not look like a quiet farm. One at rest is looked at every 15 s (watch.py). With another
# message it goes earlier: there it costs twenty bytes, alone a hundred and more.
HEARD_EVERY_S = 5.0
HEARD_BESIDE_S = 2.5
# While a prompt samples, programs are told its step this often; of everything else at once.
FACTS_EVERY_S = 1.0
FRAMES = frozenset(get_args(f.Event))


def values_of(card: Card, part: str) -> dict[str, Any]:
    """Return what a part of the card shows."""
    return {name: getattr(card, name) for name in ("server_id", *SHOWN[part])}


def render_part(part: str, values: dict[str, Any]) -> str:
    """Return the HTML of one part of a card, with slots for what is hot."""
    return get_template(f"{PAGE}#{part}").render({"card": values}).strip()


def rendered(card: Card) -> dict[str, str]:
    """Return the HTML of each part of a card, and of its chip, by element id."""
    hot = [hot.patch for hot in card.hot]
    return {
        f"server-{card.server_id}-{part}": filled(render_part(part, values_of(card, part)), hot)
        for part in SHOWN
    }


def attributes(card: Card) -> dict[str, str]:
    """Return the attributes of a card's shell that change."""
    heard = Heard(card.server_id, card.heard_at).patch[2] if card.heard_at else ""
    return {"data-state": card.badge.state, HEARD: heard}


def feed_line(item: Happening, leased: Leased) -> Fragment:
    """Return a happening as a line of the feed."""
    digest = blake2s(f"{leased.server_id}:{item.event_id}".encode(), digest_size=8).hexdigest()
    element = f"event-{leased.server_id}-{digest}"  # by which excerpts.py finds a server's lines
    html = get_template(f"{PAGE}#feed-item").render(
        {
            "item": item,
            "element_id": element,
            "server_name": leased.name,
            "server_id": leased.server_id,
        }
    )
    return Fragment(element, html.strip(), "feed")


def is_step(event: Any, changes: list[Transition]) -> bool:
    """Say whether an event is seen at the prompt at work at most: a frame that changed no record.

    Then the rest of the card need not be looked at, five times a second for every busy server.
    """
    return not changes and type(event) in FRAMES


class Live:
    """The live side of one followed server; all calls on the collector's loop."""

    def __init__(
        self,
        leased: Leased,
        state: ServerState,
        topic: Topic,
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin; `settle` has the state take in what waits until somebody looks."""
        self.leased = leased
        self.state = state
        self.topic = topic
        self.settle = settle
        self.unsaved: list[asyncio.Future[None]] = []
        self._values: dict[str, dict[str, Any]] = {}
        self._html: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._told: dict[tuple[str, str], str] = {}
        self._card: Card | None = None
        self._whole = True
        self._heard_sent = 0.0
        self._facts_at = 0.0

    @property
    def fence(self) -> tuple[int, int]:
        """Return the fence under which this side speaks."""
        return self.leased.server_id, self.leased.fence

    @property
    def name(self) -> str:
        """Return what to call this side in the log."""
        return self.leased.name

    def feed_line(self, item: Happening) -> Fragment:
        """Return a happening as a line of the feed."""
        return feed_line(item, self.leased)

    def touch(self, step: bool = False) -> None:
        """Note that the card may have changed; `step` where only its prompt at work may have."""
        self._whole = self._whole or not step
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
        self._sent, self._told, self._heard_sent = {}, {}, 0.0

    def change(self, at: datetime) -> Change:
        """Return what is different from what was sent before, and take it as sent."""
        self.settle()
        step = self._step(at)
        if step is None:
            return self._with_facts(self._change(at), at)
        due = time.monotonic() - self._facts_at >= FACTS_EVERY_S
        return self._with_facts(step, at) if due else step

    def _with_facts(self, change: Change, at: datetime) -> Change:
        """Add the state as data for programs to a change, where there is one."""
        if not change:
            return change
        self._facts_at = time.monotonic()
        facts = facts_of(self.state, at, unrecorded=bool(self.unsaved))
        return replace(change, facts=[facts_patch(self.leased, facts)])

    def _step(self, at: datetime) -> Change | None:
        """Return a further step of the prompt at work; None where more may be different."""
        card, running = self._card, self.state.running_attempt()
        if self._whole or card is None or not self._sent or running is None:
            return None
        row = running_row(self.state, self.leased.server_id, running, at)
        if card.running != [row]:
            return None
        patches = self._news(each.patch for each in row.hot)
        return Change(patches=patches, heard=self._heard(beside=bool(patches)))

    def _change(self, at: datetime) -> Change:
        self._whole = False
        card = self._card = card_of(self.state, self.leased, at, unrecorded=bool(self.unsaved))
        shell = [] if self._sent else [self._shell(card)]
        self._render(card)
        fragments = [self._part(e, card) for e in self._html if self._sent.get(e) != self._html[e]]
        self._sent = dict(self._html)
        # What a fragment brings along needs no patch beside it.
        for fragment in fragments:
            self._news(fragment.hot)
        patches = self._news([*self._attributes(card), *(hot.patch for hot in card.hot)])
        new = any(name == "data-state" for _, name, _ in patches)
        heard = self._heard(beside=bool(fragments or patches), new=new)
        return Change(shell + fragments, patches, heard=heard)

    def _part(self, element: str, card: Card) -> Fragment:
        html = self._html[element]
        hot = tuple(hot.patch for hot in card.hot) if "<?" in html else ()
        return Fragment(element, html, "attention" if element.endswith("-chip") else None, hot)

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

    def _attributes(self, card: Card) -> list[Patch]:
        """Return the attributes of the card that are patched; its age is told by `_heard`."""
        never = {} if self.state.contact.heard_at else {HEARD: ""}
        told = {"data-state": card.badge.state, **never}
        return [(f"server-{card.server_id}", name, value) for name, value in told.items()]

    def _heard(self, beside: bool, new: bool = False) -> list[Heard]:
        """Return when the server was last heard of, now and then, and with a new state.

        Without the latter a card could say executing and have no age.
        """
        after_s = HEARD_BESIDE_S if beside else HEARD_EVERY_S
        at = self.state.contact.heard_at
        if at is None or not (new or time.monotonic() - self._heard_sent >= after_s):
            return []
        self._heard_sent = time.monotonic()
        heard = Heard(self.leased.server_id, at)
        return [heard] if self._news([heard.patch]) else []

    def _news(self, values: Iterable[Patch]) -> list[Patch]:
        """Return those of the values that are not what was told before, and take them as told."""
        news = [patch for patch in values if self._told.get(patch[:2]) != patch[2]]
        self._told |= {(element, name): value for element, name, value in news}
        return news

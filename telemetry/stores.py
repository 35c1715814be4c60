"""What viewers are shown, retained: the last fragment per element, the last value per field.

A snapshot is what is retained, read at once: no rendering, no query, and any web process can serve
it though only the collector knows the state. Each topic counts its changes in `seq`; the `epoch`
changes when that counter is lost, so that nobody mistakes an old count for a new one.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from telemetry.hot import Patch, filled

FEED_LIMIT = 50
HEARD = "data-heard"


@dataclass(frozen=True, slots=True)
class Fragment:
    """The HTML of one element; `into` names the container where it is new. "" removes it.

    Where the HTML has slots (hot.py), `hot` says what stands in them now.
    """

    id: str
    html: str
    into: str | None = None
    hot: tuple[Patch, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What one tick changed of a topic: elements, hot values and attributes, lines of the feed.

    Lines are oldest first; one whose id is in the feed already takes the old one's place. Facts
    (facts.py) are retained for programs and go to no viewer: they alone are no change. `heard` says
    when servers gave a sign of life: retained as attributes, told in fewer words (envelope.py).
    """

    fragments: list[Fragment] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    feed: list[Fragment] = field(default_factory=list)
    facts: list[Patch] = field(default_factory=list)
    heard: list["Heard"] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.fragments or self.patches or self.feed or self.heard)

    @property
    def values(self) -> list[Patch]:
        """Return every value that is new: in a fragment, as a patch, or as facts."""
        hot = (patch for fragment in self.fragments for patch in fragment.hot)
        return [*hot, *self.patches, *(heard.patch for heard in self.heard), *self.facts]


@dataclass(frozen=True, slots=True)
class Heard:
    """When a server was last heard of; the attribute of its card that says so."""

    server_id: int
    at: datetime

    @property
    def patch(self) -> Patch:
        """Return the attribute's new value."""
        return f"server-{self.server_id}", HEARD, self.at.isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A topic's place in its history of changes."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Part:
    """What changed of one server, under the fence (server, number) of who says so."""

    fence: tuple[int, int]
    change: Change


@dataclass(frozen=True, slots=True)
class Stamped:
    """Where a change is in its topic, None where all of it was refused; and the old fences."""

    stamp: Stamp | None
    refused: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything retained of a topic, and how far it counts. The feed is newest first.

    The last value of a slot stands in its fragment; patches are for what no slot holds. What
    neither shows is in `values`, by element and name.
    """

    stamp: Stamp
    fragments: list[Fragment]
    patches: list[Patch]
    feed: list[Fragment]
    values: dict[tuple[str, str], str] = field(default_factory=dict)


def snapshot_of(
    stamp: Stamp, fragments: list[Fragment], values: list[Patch], feed: list[Fragment]
) -> Snapshot:
    """Return what a store retained as a snapshot: each value in its fragment's slot.

    Patches remain of what is a fragment itself: its attributes.
    """
    whole = [Fragment(f.id, filled(f.html, values), f.into) for f in fragments]
    held = {fragment.id for fragment in fragments}
    patches = [patch for patch in values if patch[0] in held]
    others = {(element, name): value for element, name, value in values if element not in held}
    return Snapshot(stamp, whole, patches, feed, others)


class Store(Protocol):
    """Where what viewers are shown is retained."""

    async def stamp(self, topic: str, parts: list[Part]) -> Stamped:
        """Retain what changed under fences that hold, and return its place in the topic."""

    async def snapshot(self, topic: str) -> Snapshot:
        """Return all that is retained of a topic."""

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""

    async def retained(
        self, topic: str, fence: tuple[int, int], prefixes: tuple[str, ...]
    ) -> dict[str, str] | None:
        """Return the HTML of the elements that belong to the prefixes, by id.

        Older numbers of the fence are refused from now on, so that nothing older comes between
        this answer and a change that rests on it; None where this number is old itself.
        """

    async def answer(self) -> None:
        """Return while what is retained can be reached; raises RedisError or OSError."""


@dataclass(slots=True)
class _Topic:
    seq: int = 0
    fragments: "OrderedDict[str, Fragment]" = field(default_factory=OrderedDict)
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    feed: "OrderedDict[str, Fragment]" = field(default_factory=OrderedDict)

    def retain(self, change: Change) -> None:
        for fragment in change.fragments:
            if fragment.html:
                before = self.fragments.get(fragment.id)
                into = fragment.into or (before.into if before else None)
                self.fragments[fragment.id] = Fragment(fragment.id, fragment.html, into)
            else:
                self.fragments.pop(fragment.id, None)
        for element, name, value in change.values:
            self.values[element, name] = value
        for line in change.feed:
            self.feed[line.id] = line  # one that is told again keeps its place
        while len(self.feed) > FEED_LIMIT:
            self.feed.popitem(last=False)


class MemoryStore:
    """The store of the embedded mode: this process's memory, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = secrets.token_hex(4)
        self._topics: dict[str, _Topic] = {}
        self._fences: dict[int, int] = {}

    async def stamp(self, topic: str, parts: list[Part]) -> Stamped:
        """Retain what changed under fences that hold, and return its place in the topic."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            taken = [part for part in parts if self._holds(part.fence)]
            for part in taken:
                kept.retain(part.change)
            refused = frozenset(part.fence for part in parts) - {part.fence for part in taken}
            kept.seq += bool(taken)
            return Stamped(Stamp(self._epoch, kept.seq) if taken else None, refused)

    def _holds(self, fence: tuple[int, int]) -> bool:
        server_id, number = fence
        newest = self._fences.get(server_id, 0)
        self._fences[server_id] = max(number, newest)
        return number >= newest

    async def snapshot(self, topic: str) -> Snapshot:
        """Return all that is retained of a topic."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            values = [(element, name, value) for (element, name), value in kept.values.items()]
            stamp, feed = Stamp(self._epoch, kept.seq), list(reversed(kept.feed.values()))
            return snapshot_of(stamp, list(kept.fragments.values()), values, feed)

    async def forget(self, topic: str, prefix: str) -> list[str]:
        """Drop the elements whose id is prefix or begins with prefix-; return their ids."""
        with self._lock:
            kept = self._topics.setdefault(topic, _Topic())
            gone = [key for key in kept.fragments if _belongs(key, prefix)]
            for key in gone:
                del kept.fragments[key]
            for place in [place for place in kept.values if _belongs(place[0], prefix)]:
                del kept.values[place]
            return gone

    async def retained(
        self, topic: str, fence: tuple[int, int], prefixes: tuple[str, ...]
    ) -> dict[str, str] | None:
        """Return the HTML of the elements that belong to the prefixes; refuse older numbers."""
        with self._lock:
            if not self._holds(fence):
                return None
            kept = self._topics.setdefault(topic, _Topic())
            return {
                key: fragment.html
                for key, fragment in kept.fragments.items()
                if any(_belongs(key, prefix) for prefix in prefixes)
            }

    async def answer(self) -> None:
        """Return: this process's memory is always there."""


def _belongs(element: str, prefix: str) -> bool:
    return element == prefix or element.startswith(f"{prefix}-")


@cache
def live_store() -> Store:
    """Return this process's store, as the settings choose it."""
    store: Store = import_string(settings.LIVE_STORE)()
    return store

"""What one connection follows: the texts that are due, per topic in order and without a gap.

The same for a socket, an event stream and a poll; they differ only in how a text is sent.
"""

import time
from collections import deque
from typing import NamedTuple

from telemetry.clock import now
from telemetry.envelope import resumed_text, snapshot_text
from telemetry.excerpts import excerpt_snapshot, source_of
from telemetry.hub import LARGEST_BACKLOG, Text, Viewer, hub
from telemetry.places import Wanted
from telemetry.stores import Stamp, live_store

# Who acknowledges nothing of what was sent this long ago reads no more. Browsers do it every 5 s.
BEHIND_S = 10.0


class Following:
    """The topics that one connection follows, and how far it was sent and told of each."""

    def __init__(self) -> None:
        self.viewer = Viewer()
        self.places: dict[str, Stamp] = {}
        self._sources: dict[str, str] = {}
        self.unread = Unread()

    def __str__(self) -> str:
        return ",".join(str(Wanted(topic, place)) for topic, place in self.places.items())

    async def follow(self, wanted: Wanted, team_id: int) -> list[str]:
        """Follow a topic of a team; return what to begin with: what was missed, or all."""
        # Join first, then the snapshot: what changes in between is in the queue and, where the
        # snapshot already covers it, dropped by its seq.
        topic, place = wanted.topic, wanted.place
        self._sources[topic] = source_of(topic, team_id)
        await hub().join(topic, self.viewer, self._sources[topic])
        missed = hub().since(topic, place) if place else None
        if place is None or missed is None:
            first = await self._first(topic)
            # A page that nobody looked at before: no text is kept, and none was missed either.
            return [resumed_text(topic, place, now()) if self.places[topic] == place else first]
        self.places[topic] = missed[-1].stamp if missed else place
        return [resumed_text(topic, place, now()), *(each.text for each in missed)]

    async def _first(self, topic: str) -> str:
        try:
            return await self._snapshot(topic)
        except BaseException:
            await hub().leave(topic, self.viewer)
            raise

    async def leave(self, topic: str) -> None:
        """Follow a topic no longer."""
        if self.places.pop(topic, None) is not None:
            self.unread.forget(topic)
            await hub().leave(topic, self.viewer)

    async def close(self) -> None:
        """Follow nothing any more."""
        for topic in list(self.places):
            await self.leave(topic)

    async def due(self) -> str | None:
        """Wait for the next message; return the text to send for it, None where there is none."""
        message = await self.viewer.get()
        place = self.places.get(message.topic)
        if place is None:
            return None
        stamp = message.stamp
        if stamp.seq == place.seq + 1 and stamp.epoch == place.epoch:
            self.places[message.topic] = stamp
            self.unread.sent(message)
            return message.text
        if stamp.epoch == place.epoch and stamp.seq <= place.seq:
            return None
        # The layer dropped something, or the count was lost: what is retained is true.
        return await self._snapshot(message.topic)

    async def _snapshot(self, topic: str) -> str:
        source = self._sources[topic]
        # Before what is retained: what comes in between is then sent twice, rather than never.
        place = hub().place(topic)
        snapshot = await live_store().snapshot(source)
        if source != topic:
            snapshot = excerpt_snapshot(topic, place, snapshot)
        self.places[topic] = snapshot.stamp
        self.unread.forget(topic)
        return snapshot_text(topic, snapshot, now())

    def read(self, topic: object, seq: int) -> None:
        """Take a topic as read up to seq; without a name the only one, with several none."""
        if topic is None and len(self.places) == 1:
            topic = next(iter(self.places))
        self.unread.read(topic, seq)

    @property
    def behind(self) -> bool:
        """Say whether the other end is so far behind that it must be cut off."""
        return self.viewer.overrun or self.unread.too_much(time.monotonic())


class _Sent(NamedTuple):
    at: float
    length: int
    seq: int


class Unread:
    """What was sent and not acknowledged. The socket's buffer is unbounded and tells nothing.

    Snapshots are not counted: one may be larger than what is allowed of changes.
    """

    def __init__(self) -> None:
        self._sent: dict[str, deque[_Sent]] = {}
        self.length = 0

    def sent(self, message: Text) -> None:
        """Note a message as sent."""
        sent = _Sent(time.monotonic(), len(message.text), message.stamp.seq)
        self._sent.setdefault(message.topic, deque()).append(sent)
        self.length += sent.length

    def read(self, topic: object, seq: int) -> None:
        """Take what was sent of a topic, up to seq, as read; of an unknown one there is nothing."""
        sent = self._sent.get(topic) if isinstance(topic, str) else None
        while sent and sent[0].seq <= seq:
            self.length -= sent.popleft().length

    def forget(self, topic: str) -> None:
        """Count nothing of the topic that was sent so far."""
        self.length -= sum(sent.length for sent in self._sent.pop(topic, ()))

    def forget_all(self) -> None:
        """Count nothing that was sent so far."""
        self._sent.clear()
        self.length = 0

    def too_much(self, at: float) -> bool:
        """Say whether too much is unread, or something for too long, at a monotonic time."""
        oldest = min((sent[0].at for sent in self._sent.values() if sent), default=at)
        return self.length > LARGEST_BACKLOG or at - oldest > BEHIND_S

"""What changed of a team's servers, gathered and published together, once per window.

The first change after quiet goes out at once, further ones in windows of LIVE_WINDOW_MS (a
throttle, not a debounce): twenty progress frames of fifty servers become one message. A failure
does not wait for the window: it goes out with its card before the rest is rendered, URGENT_S after
the last message at the earliest, and so has the lower seq. A change of the record is shown after
its commit, or after PATIENCE_S marked "not yet recorded": the live path never waits for the
database longer than that.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

from telemetry.activity import Happening
from telemetry.board import Board
from telemetry.clock import now
from telemetry.envelope import team_topic
from telemetry.overview import Overview
from telemetry.publishing import publish
from telemetry.stores import FEED_LIMIT, Change, Part
from telemetry.transitions import AttemptEnded, AttemptSeen, AttemptStarted, Transition
from telemetry.words import Tone

if TYPE_CHECKING:
    from telemetry.live import Live

log = logging.getLogger(__name__)

PATIENCE_S = 0.05
# While the store is away, cards are rendered for nothing: not so often then.
STORE_AWAY_S = 1.0
# A server that fails and fails must not take the window away from everybody.
URGENT_S = 0.05
# Fifty would keep the sockets waiting; a card takes some tenths of a millisecond.
CARDS_AT_ONCE = 5
# What the overview of a team speaks of.
OF_RUNS = (AttemptSeen, AttemptStarted, AttemptEnded)

ReadOverview = Callable[[int], Awaitable[Overview]]


class Side(Protocol):
    """What has something to show on a team's wall: a server, or the board of all of them."""

    unsaved: list[asyncio.Future[None]]

    @property
    def name(self) -> str:
        """Return what to call this side in the log."""

    @property
    def fence(self) -> tuple[int, int]:
        """Return the fence under which this side speaks."""

    def change(self, at: datetime) -> Change:
        """Return what is different from what was sent before."""

    def forget_sent(self) -> None:
        """Take nothing as sent."""


class Topic:
    """A team's wall as this collector tells it; all calls on the collector's loop."""

    def __init__(self, name: str, paused: Callable[[], bool] = lambda: False) -> None:
        self.name = name
        self._paused = paused
        self.window_s = settings.LIVE_WINDOW_MS / 1000
        self.lives: list[Live] = []
        self.board: Board | None = None
        self._wake = asyncio.Event()
        self._dirty: dict[int, Side] = {}
        self._urgent: dict[int, Side] = {}
        self._hurry = asyncio.Event()
        # As many as the feed holds: a server may tell of thousands in one answer.
        self._lines: deque[tuple[Live, Happening]] = deque(maxlen=FEED_LIMIT)
        # What was told last, to tell it again where what is retained was lost.
        self._told: deque[tuple[Live, Happening]] = deque(maxlen=FEED_LIMIT)
        self._epoch: str | None = None
        self._published_at = 0.0

    @contextmanager
    def joined(self, live: "Live") -> Iterator[None]:
        """Have the server's changes published meanwhile."""
        self.lives.append(live)
        try:
            yield
        finally:
            self.lives.remove(live)
            self._dirty.pop(live.leased.server_id, None)
            self._urgent.pop(live.leased.server_id, None)

    def touch(self, side: Side) -> None:
        """Note that a side may have something new to show."""
        self._dirty[side.fence[0]] = side
        self._wake.set()

    def recorded(self, changes: list[Transition], saved: "Future[None]") -> None:
        """Note what is being recorded: the board shows it once that is done."""
        if self.board is not None and any(isinstance(change, OF_RUNS) for change in changes):
            self.board.recorded(saved)

    def tell(self, live: "Live", lines: list[Happening]) -> None:
        """Note lines for the feed, in the order in which things happened."""
        self._lines.extend((live, line) for line in lines)
        if any(line.tone is Tone.BAD for line in lines):
            self._urgent[live.leased.server_id] = live
            self._hurry.set()

    async def run(self) -> None:
        """Publish what changes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            dirty = self._due()
            unsaved = [future for side in dirty for future in side.unsaved]
            if unsaved:
                await asyncio.wait(unsaved, timeout=PATIENCE_S)
            told = await self._try_to_publish(dirty)
            pause_s = self.window_s if told else max(self.window_s, STORE_AWAY_S)
            await self._rest(pause_s, hurried=told)

    def _due(self) -> list[Side]:
        """Return the cards to publish now: only the urgent ones, where there are any."""
        urgent, self._urgent = self._urgent, {}
        self._hurry.clear()
        if not urgent:
            dirty, self._dirty = self._dirty, {}
            return list(dirty.values())
        for server_id in urgent:
            self._dirty.pop(server_id, None)
        if self._dirty:
            self._wake.set()
        return list(urgent.values())

    async def _rest(self, pause_s: float, hurried: bool) -> None:
        """Wait until the window is over, or something urgent may go out before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self._left_s(pause_s))):
                await (self._hurry.wait() if hurried else asyncio.Event().wait())
                await asyncio.sleep(max(0.0, self._left_s(URGENT_S)))

    def _left_s(self, pause_s: float) -> float:
        return self._published_at + pause_s - time.monotonic()

    async def _try_to_publish(self, dirty: list[Side]) -> bool:
        """Publish; whatever goes wrong must not end this task, on which all viewers depend."""
        try:
            return await self._publish(dirty)
        except Exception:
            log.exception("live: %s cannot be published", self.name)
            return False

    async def _publish(self, dirty: list[Side]) -> bool:
        """Publish what is dirty and the new lines; say whether the store took them."""
        parts = []
        for place, side in enumerate(dirty, start=1):
            parts += self._shown(side)
            if place % CARDS_AT_ONCE == 0:
                await asyncio.sleep(0)
        lines = list(self._lines)
        self._lines.clear()
        self._told.extend(lines)
        parts += [part for live, line in lines for part in self._line(live, line)]
        if not parts:
            return True
        # Last of all: a pause comes at any moment, and the store may not know the new owner yet.
        self._published_at = time.monotonic()
        stamped = None if self._paused() else await publish(self.name, parts)
        if stamped is None:
            self._tell_all_again()
        elif stamped.stamp is not None:
            if self._epoch not in (None, stamped.stamp.epoch):
                self._tell_all_again()
            self._epoch = stamped.stamp.epoch
        return stamped is not None

    def _shown(self, side: Side) -> list[Part]:
        """Return what changed of a side; one that cannot be shown must not take others along."""
        try:
            change = side.change(now())
        except Exception:
            log.exception('live: the card of "%s" cannot be shown', side.name)
            return []
        return [Part(side.fence, change)] if change else []

    def _line(self, live: "Live", line: Happening) -> list[Part]:
        try:
            return [Part(live.fence, Change(feed=[live.feed_line(line)]))]
        except Exception:
            log.exception('live: a line of "%s" cannot be shown', live.leased.name)
            return []

    def _tell_all_again(self) -> None:
        """Have all cards and the last lines told anew: what was retained of them is gone."""
        for live in self.lives:
            live.forget_sent()
            self.touch(live)
        if self.board is not None:
            self.board.forget_sent()
        self._lines.extendleft(list(reversed(self._told))[: FEED_LIMIT - len(self._lines)])
        self._told.clear()


class Topics:
    """The topics of a collector, each running from its first use on.

    While `paused` says so, nothing is published: the leases may be somebody else's by now.
    """

    def __init__(
        self, paused: Callable[[], bool] = lambda: False, read: ReadOverview | None = None
    ) -> None:
        """Begin; `read` reads the overview of a team, without which there is none."""
        self._paused = paused
        self._read = read
        self._topics: dict[int, Topic] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def of(self, team_id: int) -> Topic:
        """Return the topic of a team's wall."""
        if team_id not in self._topics:
            topic = self._topics[team_id] = Topic(team_topic(team_id), self._paused)
            self._begin(topic.run(), topic.name)
            if self._read is not None:
                topic.board = Board(team_id, topic, self._read)
                self._begin(topic.board.run(), topic.board.name)
        return self._topics[team_id]

    def servers_changed(self, team_id: int) -> None:
        """Have the team's board read anew: a server came or went."""
        board = self._topics[team_id].board if team_id in self._topics else None
        if board is not None:
            board.wake()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

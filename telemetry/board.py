"""The live side of a team's overview: tiles and runs at work, read when the record changed.

Each collector reads the overview after what it recorded itself. The reading's time is the number
of its fence: whichever collector read last is shown, and what it shows is compared with what is
retained, not with what this collector sent. Nothing is read while nothing is recorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError
from django.template.loader import get_template
from redis.exceptions import RedisError

from telemetry.clock import now
from telemetry.envelope import team_topic
from telemetry.overview import Overview
from telemetry.stores import Change, Fragment, live_store

if TYPE_CHECKING:
    from telemetry.topics import Topic

log = logging.getLogger(__name__)

PAGE = "telemetry/overview.html"
EVERY_S = 2.0
# After the database or the store was away.
AGAIN_S = 5.0
# The elements that are the board's.
OURS = ("summary", "run", "runs")
AWAY = (DatabaseError, InterfaceError, RedisError, OSError)


def rendered(overview: Overview) -> list[Fragment]:
    """Return the elements of an overview."""
    tile, run, more = (get_template(f"{PAGE}#{part}") for part in ("tile", "run", "more"))
    return [
        *(
            Fragment(f"summary-{shown.key}", tile.render({"tile": shown}).strip(), "summary")
            for shown in overview.tiles
        ),
        *(
            Fragment(f"run-{row.pk}-mini", run.render({"run": row}).strip(), "active-list")
            for row in overview.runs
        ),
        Fragment("runs-more", more.render({"more": overview.more}).strip(), "active-runs"),
    ]


class Board:
    """A team's overview as this collector shows it; all calls on the collector's loop."""

    def __init__(
        self, team_id: int, topic: Topic, read: Callable[[int], Awaitable[Overview]]
    ) -> None:
        self.team_id = team_id
        self.topic = topic
        self.unsaved: list[asyncio.Future[None]] = []  # it is read after the commit
        self._read = read
        self._read_at = datetime(1970, 1, 1, tzinfo=UTC)
        self._due_at: datetime | None = None
        self._change = Change()
        self._woken = asyncio.Event()
        self._woken.set()

    @property
    def name(self) -> str:
        """Return what to call this side in the log."""
        return f"overview of {team_topic(self.team_id)}"

    @property
    def fence(self) -> tuple[int, int]:
        """Return the fence under which this side speaks: the time of its reading, in µs."""
        return -self.team_id, round(self._read_at.timestamp() * 1_000_000)

    def recorded(self, saved: Future[None]) -> None:
        """Read anew once a change is recorded; also where it was refused, for then others did."""
        asyncio.wrap_future(saved).add_done_callback(self._saved)

    def _saved(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled():
            future.exception()  # the recorder has logged it
        self.wake()

    def wake(self) -> None:
        """Read anew, EVERY_S after the last time at the earliest."""
        self._woken.set()

    def forget_sent(self) -> None:
        """Read anew: what was retained is lost, or what was sent was not taken."""
        self.wake()

    def change(self, at: datetime) -> Change:
        """Return what is different from what was retained when it was read."""
        change, self._change = self._change, Change()
        return change

    async def run(self) -> None:
        """Read whenever something was recorded, until cancelled."""
        while True:
            await self._woken_or_due()
            self._woken.clear()
            pause_s = EVERY_S if await self._try_to_look() else AGAIN_S
            await asyncio.sleep(pause_s)

    async def _woken_or_due(self) -> None:
        left_s = (self._due_at - now()).total_seconds() if self._due_at else None
        try:
            async with asyncio.timeout(left_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _try_to_look(self) -> bool:
        """Look; whatever goes wrong must not end this task. Say whether nothing was away."""
        try:
            await self._look()
        except AWAY as error:
            log.warning("live: %s cannot be read: %s", self.name, error)
            self.wake()
            return False
        except Exception:
            log.exception("live: %s cannot be shown", self.name)
        return True

    async def _look(self) -> None:
        overview = await self._read(self.team_id)
        self._read_at, self._due_at = overview.read_at, overview.due_at
        held = await live_store().retained(self.topic.name, self.fence, OURS)
        if held is None:
            return  # somebody read it later
        self._change = Change(_difference(rendered(overview), held))
        self.topic.touch(self)


def _difference(fresh: list[Fragment], held: dict[str, str]) -> list[Fragment]:
    """Return what makes what is held equal to what is fresh."""
    ids = {fragment.id for fragment in fresh}
    gone = [Fragment(element, "") for element in held if element not in ids]
    return [*gone, *(f for f in fresh if held.get(f.id) != f.html)]

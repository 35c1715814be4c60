"""Follow one ComfyUI: its socket, its queue and history, its stats, until cancelled.

Every event passes `take`: state.apply -> record -> live. Six loops feed it:

    listening  /ws under an own clientId, the log stream, reconnect policy (listening.py)
    asking     /queue and /history when something hints at a change, and now and then (asking.py)
    _stats     /system_stats
    packs      which node packs it has, once in each of its lives (packs.py)
    _gpus      the driver of this host, where the server runs on it
    _pulse     once a second: time passed, a request hangs

A server that hangs costs nobody else anything: every wait has a limit, every loop is its own task.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from telemetry import contact
from telemetry.activity import happenings
from telemetry.asking import Asking
from telemetry.client import comfyui_of
from telemetry.clock import now
from telemetry.database import in_thread
from telemetry.gpu_feed import told_of
from telemetry.leases import Leased, called_as
from telemetry.listening import Listening
from telemetry.live import Live, is_step
from telemetry.machine import ServerState
from telemetry.moving import Moved
from telemetry.packs import Packs
from telemetry.protocol import frames as f
from telemetry.protocol import read_stats
from telemetry.protocol.wire import Unreadable
from telemetry.record import Record
from telemetry.sampler import Sampler
from telemetry.topics import Topics
from telemetry.transitions import AttemptEnded, AttemptSeen, Transition
from telemetry.unanswered import NoAnswer, Refused

log = logging.getLogger(__name__)

STATS_BUSY_S = 5.0
STATS_IDLE_S = 30.0
# Beside what happens to it a card is looked at as a whole every so many pulses.
BEATS_A_LOOK = 3
PAUSED = "nothing is asked of it or recorded until somebody connects it again"
# How long a server at rest goes without a pulse.
REST_S = 5.0


class Watch:
    """One followed server. `run` ends only by cancellation, or by an error of ours."""

    def __init__(
        self,
        leased: Leased,
        record: Record,
        topics: Topics,
        sampler: Sampler | None = None,
        look_up: Callable[..., Awaitable[Any]] = in_thread,
    ) -> None:
        """Begin; `look_up` runs a query of the record, off the loop."""
        self.leased = leased
        self.record = record
        self.sampler = sampler
        self.look_up = look_up
        self.state = ServerState()
        self.listening = Listening(self)
        self.asking = Asking(self)
        self.packs = Packs(self)
        topic = topics.of(leased.team_id)
        self.live = Live(leased, self.state, topic, settle=self.listening.settle)
        self._wanted_outlooks: set[str] = set()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Follow the server until cancelled."""
        memory = await in_thread(self.record.recall, self.leased.server_id)
        self.state = self.live.state = memory.state()
        self.state.backfilling = self.leased.backfilling
        if self.leased.moved_from:
            self.take(Moved(self.leased.url))
        self.comfyui = comfyui_of(self.leased)
        if self.leased.paused_at is not None:
            self.comfyui.barred = PAUSED
        if self.comfyui.barred:
            by_hand = self.leased.paused_at is not None
            self.take(contact.Barred(self.comfyui.barred, by_hand))
        if self.leased.unwatched_since is not None:
            self.take(contact.WatchResumed(self.leased.unwatched_since))
        self._want_outlooks([attempt.seen() for attempt in self.state.open_attempts()], None)
        try:
            with self.live.topic.joined(self.live):
                async with asyncio.TaskGroup() as group:
                    for loop in self._loops():
                        group.create_task(loop())
        finally:
            await self.comfyui.close()
            self.listening.frame_log.close()

    def _loops(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what feeds the server's events; one that is disconnected by hand has its card."""
        if self.leased.paused_at is not None:
            return [self._pulse]
        asked = [self.listening.run, self.asking.run, self._stats, self.packs.run]
        return [*asked, self._gpus, self._pulse]

    def rename(self, told: Leased) -> None:
        """Show the server as it is called from now on."""
        self.leased = self.live.leased = called_as(self.leased, told)
        self.live.touch()

    def take(self, event: Any, at: datetime | None = None, *, quiet: bool = False) -> None:
        """Take one event in: state, record, live; a `quiet` one shows nowhere by itself."""
        self.listening.settle()
        changes = self.state.apply(event, at or now())
        if isinstance(event, f.Malformed):
            self._tell_malformed()
        if changes:
            lines = happenings(self.state, changes)
            saved = self.record.record(self.leased, changes, lines)
            self.live.changed(lines, saved)
            self.live.topic.recorded(changes, saved)
            self._want_outlooks(changes, saved)
            self.packs.follow(changes)
        if changes or not quiet:
            self._woken.set()
            self.live.touch(is_step(event, changes))

    def _tell_malformed(self) -> None:
        """Log what cannot be used: the 1st, 10th, 100th …; a hostile server sends many."""
        count, last = self.state.malformed, self.state.last_malformed
        if count and str(count).strip("0") == "1":
            log.warning('server "%s": %d unusable so far; %s', self.leased.name, count, last)

    async def _stats(self) -> None:
        while True:
            try:
                answer = await self.comfyui.get("/system_stats")
                self.take(contact.StatsTold(read_stats(answer.body)))
            except Unreadable as error:
                self.take(f.Malformed("/system_stats", str(error)))
            except (Refused, NoAnswer):
                pass  # the referee tells that the server does not answer
            await asyncio.sleep(STATS_BUSY_S)
            await self._nothing_runs()

    async def _nothing_runs(self) -> None:
        """Wait while nothing runs, STATS_IDLE_S at most: what begins soon takes memory."""
        rested_s = STATS_BUSY_S
        while self.state.running_attempt() is None and rested_s < STATS_IDLE_S:
            await asyncio.sleep(STATS_BUSY_S)
            rested_s += STATS_BUSY_S

    async def _gpus(self) -> None:
        async for told in told_of(self.leased, self.sampler):
            self.take(told)

    async def _pulse(self) -> None:
        for beat in itertools.count():
            if self._rests():
                await self._woken_within(REST_S)
            else:
                await asyncio.sleep(1)
            self.take(contact.Passed(), quiet=not self._ticks(beat))

    def _rests(self) -> bool:
        """Say whether nothing goes on that time could change: fifty idle servers cost nothing."""
        state, book = self.state, self.state.logbook
        return state.contact.fine and not (
            state.attempts or state.gpus.due or book.waiting or book.orphaned
        )

    async def _woken_within(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _ticks(self, beat: int) -> bool:
        """Say whether a card changes by time alone: steps and ETAs age, and so does silence.

        Where all is well an ETA may be late by seconds, and an idle server only says that it is
        still heard of.
        """
        return not self.state.contact.fine or beat % BEATS_A_LOOK == 0

    def _want_outlooks(self, changes: list[Transition], saved: "Future[None] | None") -> None:
        """Look up how long a workload takes when it is first seen and after each of its ends."""
        for change in changes:
            if isinstance(change, AttemptSeen) and not change.found_later:
                if change.facts.workload not in self.state.outlooks:
                    self._want_outlook(change.facts.workload, saved)
            elif isinstance(change, AttemptEnded) and not change.found_later:
                ended = next((a for a in self.state.recent if a.key == change.key), None)
                self._want_outlook(ended.facts.workload if ended else None, saved)

    def _want_outlook(self, workload: str | None, saved: "Future[None] | None") -> None:
        if workload is None or workload in self._wanted_outlooks:
            return
        self._wanted_outlooks.add(workload)
        task = asyncio.create_task(self._look_up(workload, saved))
        task.add_done_callback(lambda _: self._wanted_outlooks.discard(workload))

    async def _look_up(self, workload: str, saved: "Future[None] | None") -> None:
        """Ask once the change is committed, so that the attempt that just ended counts."""
        if saved is not None:
            # Refused or failed: the recorder has logged it.
            await asyncio.gather(asyncio.wrap_future(saved), return_exceptions=True)
        outlook = await self.look_up(self.record.outlook, self.leased.server_id, workload)
        if outlook is not None:
            self.state.keep_outlook(workload, outlook)
            self.live.touch()

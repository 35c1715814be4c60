"""Follow one ComfyUI: its socket, its queue and history, its stats, until cancelled.

Every event passes `take`: state.apply -> record -> live. Five loops feed it:

    _socket   /ws under an own clientId, the log stream, reconnect policy
    _referee  /queue and /history when something hints at a change, and now and then anyway
    _stats    /system_stats
    _gpus     the driver of this host, where the server runs on it
    _pulse    once a second: time passed, a request hangs

A server that hangs costs nobody else anything: every wait has a limit, every loop is its own task.
"""

import asyncio
import logging
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
from django.conf import settings

from telemetry import contact
from telemetry.activity import happenings
from telemetry.backfill import page_back
from telemetry.backoff import GIVE_UP_AFTER, Backoff
from telemetry.client import comfyui_of
from telemetry.clock import now
from telemetry.comfyui import Answer, NoAnswer, Refused
from telemetry.database import in_thread
from telemetry.frame_log import FrameLog
from telemetry.gpu_feed import told_of
from telemetry.leases import Leased
from telemetry.live import Live
from telemetry.machine import ServerState
from telemetry.moving import Moved
from telemetry.protocol import HistoryAnswer, decode, read_history, read_queue, read_stats
from telemetry.protocol import frames as f
from telemetry.protocol.wire import Unreadable
from telemetry.record import Record
from telemetry.referee import HistoryTold, PagedBack, PagingBack, QueueTold, unjudged
from telemetry.sampler import Sampler
from telemetry.topics import Topics
from telemetry.transitions import AttemptEnded, AttemptSeen, Transition

log = logging.getLogger(__name__)

# A hint is followed by others within milliseconds ("status" twice, "got prompt"): one poll for all.
HINT_SETTLE_S = 0.03
# The queue changed, yet the socket has not said a word for this long: it is dead or stuck.
SILENT_SOCKET_S = 5.0
NEWEST = 8
RECHECK_S = 60.0
STATS_BUSY_S = 5.0
STATS_IDLE_S = 30.0
SINGLE_LOOKUPS = 20
# Entries carry whole graphs, images included: where a page is too much, smaller ones are tried.
PAGE_SIZES = (50, 10, 1)
CLOSE_S = 1.0


class Watch:
    """One followed server. `run` ends only by cancellation, or by an error of ours."""

    def __init__(
        self, leased: Leased, record: Record, topics: Topics, sampler: Sampler | None = None
    ) -> None:
        self.leased = leased
        self.record = record
        self.sampler = sampler
        self.state = ServerState()
        self.live = Live(leased, self.state, topics.of(leased.team_id))
        self.frame_log = FrameLog(leased.server_id)
        self._hint = asyncio.Event()
        self._ends_due = True
        self._resync_due = True
        self._frame_at = now()
        self._listed: frozenset[str] = frozenset()
        self._unexplained_since: datetime | None = None
        self._asking_since: datetime | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._silent = False
        # What was known when reading the history back began; None while none goes on.
        self._anchor: frozenset[str] | None = frozenset() if leased.backfilling else None
        self._wanted_outlooks: set[str] = set()

    async def run(self) -> None:
        """Follow the server until cancelled."""
        memory = await in_thread(self.record.recall, self.leased.server_id)
        self.state = self.live.state = memory.state()
        self.state.backfilling = self.leased.backfilling
        if self.leased.moved_from:
            self.take(Moved(self.leased.url))
        self.comfyui = comfyui_of(self.leased)
        if self.comfyui.barred:
            self.take(contact.Barred(self.comfyui.barred))
        if self.leased.unwatched_since is not None:
            self.take(contact.WatchResumed(self.leased.unwatched_since))
        self._want_outlooks([attempt.seen() for attempt in self.state.open_attempts()], None)
        try:
            with self.live.topic.joined(self.live):
                async with asyncio.TaskGroup() as group:
                    for loop in (self._socket, self._referee, self._stats, self._pulse):
                        group.create_task(loop())
                    group.create_task(self._gpus())
        finally:
            await self.comfyui.close()
            self.frame_log.close()

    def rename(self, name: str, simulated: bool) -> None:
        """Show the server under another name from now on."""
        self.leased = self.live.leased = replace(self.leased, name=name, simulated=simulated)
        self.live.touch()

    def take(self, event: Any, at: datetime | None = None, *, touch: bool = True) -> None:
        """Take one event in: state, record, live; `touch` False if it alone shows nowhere."""
        changes = self.state.apply(event, at or now())
        if isinstance(event, f.Malformed):
            self._tell_malformed()
        if changes:
            lines = happenings(self.state, changes)
            saved = self.record.record(self.leased, changes, lines)
            self.live.changed(lines, saved)
            self._want_outlooks(changes, saved)
        if changes or touch:
            self.live.touch()

    def _tell_malformed(self) -> None:
        """Log what cannot be used: the 1st, 10th, 100th …; a hostile server sends many."""
        count, last = self.state.malformed, self.state.last_malformed
        if count and str(count).strip("0") == "1":
            log.warning('server "%s": %d unusable so far; %s', self.leased.name, count, last)

    # --- The socket -----------------------------------------------------------------------------

    async def _socket(self) -> None:
        backoff = Backoff(settings.RECONNECT_DELAYS_S, settings.RECONNECT_STABLE_S)
        while True:
            reason = await self._hold_socket(backoff)
            delay = backoff.failed(now())
            self.take(
                contact.RetryPlanned(
                    min(backoff.failures, GIVE_UP_AFTER),
                    now() + timedelta(seconds=delay),
                    reason,
                    backoff.gave_up,
                )
            )
            log.info('server "%s": %s; next try in %.0f s', self.leased.name, reason, delay)
            await asyncio.sleep(delay)

    async def _hold_socket(self, backoff: Backoff) -> str:
        """Connect and read until the socket is gone; return why it is."""
        try:
            self._ws = ws = await self.comfyui.connect()
        except (Refused, NoAnswer) as error:
            return str(error)
        backoff.opened(now())
        self._silent, self._frame_at, self._unexplained_since = False, now(), None
        try:
            await self._read(ws)
            reason = self._closing_reason(ws)
        finally:
            self._ws = None
            await _close(ws)
        self.take(contact.SocketClosed(reason))
        self.hint()
        return reason

    def _closing_reason(self, ws: aiohttp.ClientWebSocketResponse) -> str:
        if self._silent:
            return "the socket fell silent while the queue moved on"
        return f"the WebSocket closed with {ws.close_code or 1006}"

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        """Take every frame in; always drain: who stops reading freezes ComfyUI for everybody."""
        subscription: asyncio.Task[None] | None = None
        count = 0
        async for message in ws:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                continue
            self._frame_at = self.state.contact.heard_at = now()
            self.frame_log.write(message.data)
            event = decode(message.data)
            # The first frame proves that the server knows our clientId.
            if subscription is None:
                subscription = asyncio.create_task(self._subscribe())
            self._notice_hint(event)
            self.take(event, self._frame_at)
            count += 1
            if count % 50 == 0:
                await asyncio.sleep(0)  # a flood must not starve the other servers
        if subscription is not None:
            subscription.cancel()

    async def _subscribe(self) -> None:
        agreed = await self.comfyui.subscribe_logs()
        self.take(contact.SocketOpened(agreed))
        self._resync_due = True
        self.hint(ends=True)

    def _notice_hint(self, event: f.Event) -> None:
        """Ask the referee where a frame hints that prompts came or ended."""
        if isinstance(event, f.Status):
            before = self.state.queue_remaining
            self.hint(ends=before is None or event.queue_remaining < before)
        elif isinstance(event, f.Logs) and any("rompt" in entry.m for entry in event.entries):
            executed = any("Prompt executed" in entry.m for entry in event.entries)
            self.hint(ends=executed)
        elif isinstance(event, f.ExecutionSuccess | f.ExecutionError | f.ExecutionInterrupted):
            self.hint(ends=True)

    def hint(self, *, ends: bool = False) -> None:
        """Have the referee ask soon; with `ends` also the history."""
        self._ends_due = self._ends_due or ends
        self._hint.set()

    # --- The referee ----------------------------------------------------------------------------

    async def _referee(self) -> None:
        rechecked_at = now()
        while True:
            try:
                async with asyncio.timeout(self._interval_s()):
                    await self._hint.wait()
                await asyncio.sleep(HINT_SETTLE_S)
            except TimeoutError:
                pass
            self._hint.clear()
            if (now() - rechecked_at).total_seconds() > RECHECK_S:
                self._ends_due, rechecked_at = True, now()
            try:
                await self._ask_referee()
            except (Refused, NoAnswer, Unreadable) as error:
                self._failed(error)

    def _interval_s(self) -> float:
        known = self.state.contact
        if known.offline:
            return settings.POLL_CUT_OFF_S
        busy = self.state.open_attempts() or known.unanswered_since or not known.socket_open
        return settings.POLL_BUSY_S if busy else settings.POLL_IDLE_S

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Unreadable):
            self.take(f.Malformed("answer", str(error)))
        since = self._asking_since or now()
        self._asking_since = None
        refused = isinstance(error, Refused)
        self.take(contact.Unanswered(str(error), refused, since))

    async def _ask_referee(self) -> None:
        quiet = not self.state.open_attempts() and not self._ends_due and not self._resync_due
        if quiet and self.state.contact.socket_open and await self._nothing_queued():
            return
        answer = await self._get("/queue")
        queue = read_queue(answer.body)
        self._check_silence({item.prompt_id for item in (*queue.running, *queue.pending)})
        self.take(QueueTold(queue, answer.asked_at))
        if self._resync_due:
            self._resync_due = False
            await self._page_back()
        if self._ends_due or unjudged(self.state):
            await self._ask_ends()

    async def _nothing_queued(self) -> bool:
        """Ask the cheapest question; say whether the queue is empty, as it was."""
        answer = await self._get("/prompt")
        return b'"queue_remaining": 0' in answer.body or b'"queue_remaining":0' in answer.body

    async def _ask_ends(self) -> None:
        """Ask how prompts ended: the newest few, further back if none is known, then one by one."""
        self._ends_due = False
        try:
            answer, known = await self._ask_history({"max_items": NEWEST})
            if not known and len(answer.entries) == NEWEST:
                await self._page_back()
        except (NoAnswer, Unreadable) as error:
            log.info('server "%s": its newest history: %s', self.leased.name, error)
        for prompt_id in unjudged(self.state)[:SINGLE_LOOKUPS]:
            try:
                self.take(await self._ask_one(prompt_id))
            except (NoAnswer, Unreadable) as error:
                log.info('server "%s": prompt %.10r: %s', self.leased.name, prompt_id, error)

    async def _ask_one(self, prompt_id: str) -> HistoryTold:
        """Ask how one prompt ended; an id that makes no address is in no history we could ask."""
        if prompt_id in ("", ".", ".."):
            return HistoryTold(HistoryAnswer(()), now(), only=prompt_id)
        single = await self._get(f"/history/{quote(prompt_id, safe='')}")
        return HistoryTold(read_history(single.body), single.asked_at, only=prompt_id)

    async def _page_back(self) -> None:
        """Read the history back to what was known before this began.

        The entries read on the way become known themselves; and a reading that broke off, even by
        a kill, must not pass for one that reached its end.
        """
        if self._anchor is None:
            self._anchor = frozenset(self.state.ended)
        for size in PAGE_SIZES:
            try:
                await page_back(self._ask_history, lambda: self.take(PagingBack()), size)
            except (NoAnswer, Unreadable) as error:
                log.info('server "%s": pages of %d: %s', self.leased.name, size, error)
                continue
            self._anchor = None
            self.take(PagedBack())
            return
        log.warning('server "%s": its history cannot be read back', self.leased.name)

    async def _ask_history(self, query: dict[str, int]) -> tuple[HistoryAnswer, bool]:
        answer = await self._get("/history", **query)
        history = read_history(answer.body)
        anchor = self._anchor if self._anchor is not None else self.state.ended
        known = any(entry.item.prompt_id in anchor for entry in history.entries)
        size = len(history.entries) + history.malformed
        complete = "offset" not in query and size < query["max_items"]
        self.take(HistoryTold(history, answer.asked_at, complete))
        return history, known

    async def _get(self, path: str, **query: int) -> Answer:
        self._asking_since = now()
        answer = await self.comfyui.get(path, **query)
        self._asking_since = None
        self.take(contact.Answered(answer.skew_s))
        return answer

    def _check_silence(self, listed: set[str]) -> None:
        """Close the socket if the queue changes while it says nothing.

        ComfyUI sends three `status` a prompt to everybody; a change that no frame explains by the
        next poll means that our socket hangs, perhaps behind another reader that is stuck.
        """
        changed, self._listed = frozenset(listed) != self._listed, frozenset(listed)
        if self._unexplained_since is not None and self._frame_at < self._unexplained_since:
            if self._ws is not None:
                self._silent = True
                self._ws._response.close()  # the peer may never answer a close frame
            self._unexplained_since = None
        elif changed and (now() - self._frame_at).total_seconds() > SILENT_SOCKET_S:
            self._unexplained_since = now()
        else:
            self._unexplained_since = None

    # --- The rest -------------------------------------------------------------------------------

    async def _stats(self) -> None:
        while True:
            try:
                answer = await self.comfyui.get("/system_stats")
                self.take(contact.StatsTold(read_stats(answer.body)))
            except Unreadable as error:
                self.take(f.Malformed("/system_stats", str(error)))
            except (Refused, NoAnswer):
                pass  # the referee tells that the server does not answer
            running = self.state.running_attempt() is not None
            await asyncio.sleep(STATS_BUSY_S if running else STATS_IDLE_S)

    async def _gpus(self) -> None:
        async for told in told_of(self.leased, self.sampler):
            self.take(told)

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(1)
            since = self._asking_since
            if since is not None and (now() - since).total_seconds() > contact.SLOW_S:
                self.take(contact.Waiting(since))
            self.take(contact.Passed(), touch=self._ticks())

    def _ticks(self) -> bool:
        """Say whether a card changes by time alone: steps and ETAs age, and so does silence.

        On an idle server nothing does; fifty of them would be drawn every second for nothing.
        """
        known = self.state.contact
        fine = known.socket_open and known.unanswered_since is None and not known.offline
        return bool(self.state.open_attempts()) or not fine

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
        outlook = await in_thread(self.record.outlook, self.leased.server_id, workload)
        if outlook is not None:
            self.state.keep_outlook(workload, outlook)
            self.live.touch()


async def _close(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Close a socket, if need be without the peer: one that floods us never comes to an end."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await ws.close()
    except TimeoutError:
        ws._response.close()

"""Ask one server what its frames leave open: its queue, how prompts ended, its whole history."""

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings

from telemetry import contact
from telemetry.backfill import page_back
from telemetry.clock import now, seconds
from telemetry.comfyui import Answer
from telemetry.protocol import HistoryAnswer, read_history, read_queue
from telemetry.protocol import frames as f
from telemetry.protocol.wire import Unreadable
from telemetry.referee import HistoryTold, PagedBack, PagingBack, QueueTold, unjudged
from telemetry.unanswered import NoAnswer, Refused

if TYPE_CHECKING:
    from telemetry.watch import Watch

log = logging.getLogger(__name__)

# A hint is followed by others within milliseconds ("status" twice, "got prompt"): one poll for all.
HINT_SETTLE_S = 0.03
# The queue changed, yet the socket has not said a word for this long: it is dead or stuck.
SILENT_SOCKET_S = 5.0
# How many of its turns the poll of a busy server may miss while the server talks.
UNASKED_POLLS = 3
NEWEST = 8
# A history carries whole graphs; of an idle server only what nobody told at all could be in it.
RECHECK_S = 60.0
RECHECK_IDLE_S = 300.0
SINGLE_LOOKUPS = 20
# Entries carry whole graphs, images included: where a page is too much, smaller ones are tried.
PAGE_SIZES = (50, 10, 1)


class Asking:
    """Ask a server's /queue and /history when something hints at a change, and now and then."""

    def __init__(self, watch: "Watch") -> None:
        self.watch = watch
        # Since when a request waits for its answer.
        self.since: datetime | None = None
        self._hint = asyncio.Event()
        self._ends_due = True
        self._resync_due = True
        self._listed: frozenset[str] = frozenset()
        self._unexplained_since: datetime | None = None
        # What was known when reading the history back began; None while none goes on.
        self._anchor: frozenset[str] | None = frozenset() if watch.leased.backfilling else None

    def hint(self, *, ends: bool = False) -> None:
        """Have the referee ask soon; with `ends` also the history."""
        self._ends_due = self._ends_due or ends
        self._hint.set()

    def resync(self) -> None:
        """Read the history back to what is known: nobody listened for a while."""
        self._resync_due = True
        self.hint(ends=True)

    def explain(self) -> None:
        """Take the socket as sound: it was just opened."""
        self._unexplained_since = None

    async def run(self) -> None:
        """Ask until cancelled."""
        rechecked_at = now()
        while True:
            try:
                async with asyncio.timeout(self._interval_s()):
                    await self._hint.wait()
                await asyncio.sleep(HINT_SETTLE_S)
            except TimeoutError:
                if self.hears_enough():
                    continue
            self._hint.clear()
            recheck_s = RECHECK_S if self.watch.state.open_attempts() else RECHECK_IDLE_S
            if (now() - rechecked_at).total_seconds() > recheck_s:
                self._ends_due, rechecked_at = True, now()
            try:
                await self._ask_referee()
            except (Refused, NoAnswer, Unreadable) as error:
                self._failed(error)

    def _interval_s(self) -> float:
        known = self.watch.state.contact
        if known.offline:
            return settings.POLL_CUT_OFF_S
        busy = self.watch.state.open_attempts() or known.unanswered_since or not known.socket_open
        return settings.POLL_BUSY_S if busy else settings.POLL_IDLE_S

    def hears_enough(self) -> bool:
        """Say whether a busy server may go on unasked: it talks, and tells each change by itself.

        One that falls silent, or leaves anything open, is asked within POLL_BUSY_S as ever.
        """
        state, at = self.watch.state, now()
        open_questions = self._ends_due or self._resync_due or unjudged(state)
        if open_questions or state.logbook.waiting or not state.contact.hears_all:
            return False
        heard = (at - self.watch.listening.frame_at).total_seconds() < settings.POLL_BUSY_S
        asked_s = seconds(at, state.contact.answered_at)
        return heard and asked_s is not None and asked_s < UNASKED_POLLS * settings.POLL_BUSY_S

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Unreadable):
            self.watch.take(f.Malformed("answer", str(error)))
        since = self.since or now()
        self.since = None
        refused = isinstance(error, Refused)
        self.watch.take(contact.Unanswered(str(error), refused, since))

    async def _ask_referee(self) -> None:
        quiet = not self.watch.state.open_attempts() and not self._ends_due and not self._resync_due
        if quiet and self.watch.state.contact.socket_open and await self._nothing_queued():
            return
        answer = await self._get("/queue")
        queue = read_queue(answer.body)
        self._check_silence({item.prompt_id for item in (*queue.running, *queue.pending)})
        self.watch.take(QueueTold(queue, answer.asked_at))
        if self._resync_due:
            self._resync_due = False
            await self._page_back()
        if self._ends_due or unjudged(self.watch.state):
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
            log.info('server "%s": its newest history: %s', self.watch.leased.name, error)
        for prompt_id in unjudged(self.watch.state)[:SINGLE_LOOKUPS]:
            try:
                self.watch.take(await self._ask_one(prompt_id))
            except (NoAnswer, Unreadable) as error:
                log.info('server "%s": prompt %.10r: %s', self.watch.leased.name, prompt_id, error)

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
            self._anchor = frozenset(self.watch.state.ended)
        for size in PAGE_SIZES:
            try:
                await page_back(self._ask_history, lambda: self.watch.take(PagingBack()), size)
            except (NoAnswer, Unreadable) as error:
                log.info('server "%s": pages of %d: %s', self.watch.leased.name, size, error)
                continue
            self._anchor = None
            self.watch.take(PagedBack())
            return
        log.warning('server "%s": its history cannot be read back', self.watch.leased.name)

    async def _ask_history(self, query: dict[str, int]) -> tuple[HistoryAnswer, bool]:
        answer = await self._get("/history", **query)
        history = read_history(answer.body)
        anchor = self._anchor if self._anchor is not None else self.watch.state.ended
        known = any(entry.item.prompt_id in anchor for entry in history.entries)
        size = len(history.entries) + history.malformed
        complete = "offset" not in query and size < query["max_items"]
        self.watch.take(HistoryTold(history, answer.asked_at, complete))
        return history, known

    async def _get(self, path: str, **query: int) -> Answer:
        self.since = since = now()
        late = asyncio.get_running_loop().call_later(contact.SLOW_S, self._wait_longer, since)
        try:
            answer = await self.watch.comfyui.get(path, **query)
        finally:
            late.cancel()
        self.since = None
        # That all is as fine as before shows nowhere.
        fine = self.watch.state.contact.fine
        took_s = (now() - since).total_seconds()
        self.watch.take(contact.Answered(answer.skew_s, took_s), quiet=fine)
        return answer

    def _wait_longer(self, since: datetime) -> None:
        self.watch.take(contact.Waiting(since))

    def _check_silence(self, listed: set[str]) -> None:
        """Close the socket if the queue changes while it says nothing.

        ComfyUI sends three `status` a prompt to everybody; a change that no frame explains by the
        next poll means that our socket hangs, perhaps behind another reader that is stuck.
        """
        changed, self._listed = frozenset(listed) != self._listed, frozenset(listed)
        listening, since = self.watch.listening, self._unexplained_since
        if since is not None and listening.frame_at < since:
            listening.drop()
            self._unexplained_since = None
        elif changed and (now() - listening.frame_at).total_seconds() > SILENT_SOCKET_S:
            self._unexplained_since = now()
        else:
            self._unexplained_since = None

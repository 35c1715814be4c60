"""Follow every server whose lease this worker holds; runs in a thread of the Celery worker.

Every BEAT_S the leases are claimed and renewed: a server that was added or changed is followed (or
followed anew) from then on, a renamed one goes on as it is, one that was disabled, deleted or taken
over is let go.
"""

import asyncio
import logging
import threading
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.urls import set_script_prefix

from telemetry import leases, publishing
from telemetry.clock import now
from telemetry.database import DatabaseThread
from telemetry.leases import Leased, called_as
from telemetry.nvml import Nvml
from telemetry.overview import Overview
from telemetry.pauses import Pauses
from telemetry.record import Record
from telemetry.sampler import Sampler
from telemetry.topics import Topics
from telemetry.watch import Watch

log = logging.getLogger(__name__)

BEAT_S = 2.0
# After an error of ours a server is followed anew, but not at once: it may happen again.
RESTART_S = 5.0
LET_GO_S = 3.0


class Collector:
    """The servers that this worker follows. One thread, one event loop, one task per server."""

    def __init__(self, owner: str, record: Record) -> None:
        self.owner = owner
        self.record = record
        self.sampler = Sampler(Nvml) if settings.GPU == "AUTO" else None
        self._watches: dict[int, tuple[Leased, asyncio.Task[None]]] = {}
        self._following: dict[int, Watch] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._halt: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)
        # Beside the threads that look up names: those may hang for long.
        self._leases = DatabaseThread("leases")
        self._lookups = DatabaseThread("lookups")

    def start(self) -> None:
        """Start following; returns once the collector's loop runs."""
        if self.sampler is not None:
            self.sampler.start()
        self._thread.start()
        self._ready.wait(10)

    def stop(self, timeout_s: float = 4.0) -> bool:
        """Stop following and give the leases back; say whether it ended in time."""
        if self._loop is not None and self._halt is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._halt.set)
            self._thread.join(timeout_s)
        if self.sampler is not None:
            self.sampler.stop()  # where the driver hangs, its thread ends with the process
        return not self._thread.is_alive()

    def _run(self) -> None:
        # Links in what is rendered here lead where those of pages do; Django tells requests alone.
        set_script_prefix(f"{settings.FORCE_SCRIPT_NAME or ''}/")
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._halt = asyncio.get_running_loop(), asyncio.Event()
        # Shorter than what is left of a lease just before it is renewed.
        self._pauses = Pauses(0.45 * settings.LEASE_S)
        self._topics = Topics(self._pauses.paused, self._read_overview)
        self._ready.set()
        try:
            while not self._halt.is_set():
                await self._try_to_beat()
                await self._pause(min(BEAT_S, settings.LEASE_S / 4))
        finally:
            await self._let_go(list(self._watches))
            await self._release()
            await self._leases.close()
            await self._lookups.close()

    async def _pause(self, seconds: float) -> None:
        assert self._halt is not None
        try:
            async with asyncio.timeout(seconds):
                await self._halt.wait()
        except TimeoutError:
            pass

    async def _try_to_beat(self) -> None:
        """Beat; whatever goes wrong must not end this thread, which follows all servers."""
        self._pauses.paused()
        began_at = self._pauses.clock()
        try:
            await self._beat()
        except (DatabaseError, InterfaceError) as error:
            # The live path goes on while the database is down; writes are fenced anyway.
            log.warning("collector: cannot renew the leases: %s", error)
        except Exception:
            log.exception("collector: a beat failed; again in %.0f s", BEAT_S)
        self._pauses.asked(began_at)

    async def _beat(self) -> None:
        held = await self._leases.run(leases.claim, self.owner, now())
        wanted = {leased.server_id: leased for leased in held}
        gone = [key for key, (known, _) in self._watches.items() if _is_other(known, wanted)]
        departed = [self._watches[key][0] for key in gone if key not in wanted]
        await self._let_go(gone)
        await self._take_off(departed)
        for server_id, leased in wanted.items():
            if server_id not in self._watches:
                self._follow(leased)
            else:
                self._rename(leased)

    async def _take_off(self, departed: list[Leased]) -> None:
        """Take off the wall what nobody follows any more; not what another worker took over."""
        ids = [leased.server_id for leased in departed]
        if ids:
            await self._leases.run(leases.let_go, self.owner, ids, now())
        watched = await self._leases.run(leases.watched_among, ids)
        for leased in departed:
            if leased.server_id not in watched:
                await publishing.remove(leased.team_id, leased.server_id, leased.fence)
                self._topics.servers_changed(leased.team_id)

    def _follow(self, leased: Leased) -> None:
        log.info('following "%s" at %s (fence %d)', leased.name, leased.url, leased.fence)
        task = asyncio.create_task(self._watch(leased), name=f"watch-{leased.server_id}")
        self._watches[leased.server_id] = (leased, task)
        self._topics.servers_changed(leased.team_id)

    async def _read_overview(self, team_id: int) -> Overview:
        return await self._lookups.run(self.record.overview, team_id)

    def _rename(self, leased: Leased) -> None:
        """Take over what of a followed server needs no new connection: how it is called."""
        known, task = self._watches[leased.server_id]
        if known.called == leased.called:
            return
        self._watches[leased.server_id] = (called_as(known, leased), task)
        if leased.server_id in self._following:
            self._following[leased.server_id].rename(leased)

    async def _watch(self, leased: Leased) -> None:
        # First of all: until the store knows this fence, it takes what a paused old owner sends.
        await publishing.announce(leased.team_id, leased.server_id, leased.fence)
        while True:
            watch = Watch(leased, self.record, self._topics, self.sampler, self._lookups.run)
            self._following[leased.server_id] = watch
            try:
                await watch.run()
            except Exception:
                # Whatever it is, it must not end the other servers' watches, nor this one for good.
                log.exception('server "%s": following it failed; again in 5 s', leased.name)
            leased = replace(
                watch.leased,
                unwatched_since=now(),
                backfilling=watch.state.backfilling,
                moved_from=leased.moved_from if watch.state.move else "",
            )
            await asyncio.sleep(RESTART_S)

    async def _let_go(self, server_ids: list[int]) -> None:
        tasks = [self._watches.pop(server_id)[1] for server_id in server_ids]
        for server_id in server_ids:
            self._following.pop(server_id, None)
        for task in tasks:
            task.cancel()
        if tasks:
            # A server that floods us must not hold up the beat, on which all leases depend.
            await asyncio.wait(tasks, timeout=LET_GO_S)

    async def _release(self) -> None:
        try:
            await self._leases.run(leases.release, self.owner, now())
        except (DatabaseError, InterfaceError) as error:
            log.warning("collector: cannot give the leases back: %s", error)


def _is_other(known: Leased, wanted: dict[int, Any]) -> bool:
    """Say whether a server is to be let go: no longer ours, under a new fence, or changed."""
    now_wanted = wanted.get(known.server_id)
    if now_wanted is None or now_wanted.fence != known.fence:
        return True
    return bool(now_wanted.address != known.address)

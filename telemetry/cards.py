"""A server's state as its card on the wall shows it: finished words and numbers. Pure.

Templates only place what stands here. Times are aware; the browser shows them in the viewer's zone
and ticks what has a `since`. None means unknown and is shown as "–" or left out, never as 0.
"""

from dataclasses import dataclass
from datetime import datetime

from telemetry.condition import BADGES, Badge, Notice, condition, notice_of
from telemetry.device_rows import DeviceRow, device_rows
from telemetry.hot import Hot
from telemetry.leases import Leased
from telemetry.link_rows import LinkRow, link_of
from telemetry.machine import ServerState
from telemetry.outlook import queue_etas
from telemetry.prompt_rows import EndedRow, NextRow, RunningRow, ended_row, next_row, running_row
from telemetry.text import MISSING, plural

NEXT_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Card:
    """One server on the wall."""

    server_id: int
    name: str
    simulated: bool
    badge: Badge
    version: str
    queue: str
    devices: list[DeviceRow]
    notice: Notice | None
    running: list[RunningRow]
    next: list[NextRow]
    more: str
    ended: list[EndedRow]
    last_known: bool
    unrecorded: bool
    heard_at: datetime | None
    silenced: bool = False
    link: LinkRow | None = None

    @property
    def hot(self) -> list[Hot]:
        """Return what changes with every step, and how late channels are."""
        of_link = self.link.hot if self.link else []
        return [hot for row in self.running for hot in row.hot] + of_link


def card_of(state: ServerState, leased: Leased, at: datetime, unrecorded: bool = False) -> Card:
    """Return the card of a server as it stands at `at`."""
    key = condition(state, at)
    waiting = state.queued_attempts()
    etas = queue_etas(state, waiting, at)
    running = state.running_attempt()
    devices = device_rows(state, at)
    return Card(
        server_id=leased.server_id,
        name=leased.name,
        simulated=leased.simulated,
        badge=BADGES[key],
        version=_version(state),
        queue=_queue(state, len(waiting)),
        devices=devices,
        notice=notice_of(state, key),
        running=[running_row(state, leased.server_id, running, at)] if running else [],
        next=[next_row(state, a, etas.get(a.key.prompt_id)) for a in waiting[:NEXT_LIMIT]],
        more=_more(len(waiting) - NEXT_LIMIT),
        ended=[ended_row(a) for a in list(state.recent)[:2]],
        last_known=key in ("slow", "reconnecting", "offline", "barred", "disconnected"),
        unrecorded=unrecorded,
        link=link_of(state, leased.server_id, any(device.sensors for device in devices)),
        silenced=leased.silenced_until is not None and at < leased.silenced_until,
        heard_at=state.contact.heard_at,
    )


def _version(state: ServerState) -> str:
    version = state.stats.comfyui_version if state.stats else None
    return f"ComfyUI {version}" if version else "ComfyUI"


def _queue(state: ServerState, waiting: int) -> str:
    if not state.queue_known:
        return MISSING
    return f"{waiting} queued" if waiting else "queue empty"


def _more(rest: int) -> str:
    return plural(rest, "more prompt") if rest > 0 else ""

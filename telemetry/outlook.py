"""What earlier attempts of the same workload say about the length of this one. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telemetry.attempt import AttemptState
    from telemetry.machine import ServerState


@dataclass(frozen=True, slots=True)
class Outlook:
    """Durations of the last `count` completed attempts of a workload, in seconds.

    `low_s` and `high_s` are the least and the greatest of them.
    """

    count: int
    median_s: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Eta:
    """When an attempt should end: the middle, and the range.

    `overdue` says that it took longer than each of the earlier ones: nobody can tell any more.
    """

    middle: datetime
    earliest: datetime
    latest: datetime
    count: int
    overdue: bool = False


def running_eta(state: "ServerState", attempt: "AttemptState", at: datetime) -> Eta | None:
    """Return when the running attempt should end, None for the first of its kind."""
    outlook = state.outlooks.get(attempt.facts.workload or "")
    if outlook is None or attempt.started_at is None:
        return None
    return eta_of(attempt.started_at - timedelta(seconds=state.skew_s or 0.0), outlook, at)


def eta_of(began: datetime, outlook: Outlook, at: datetime) -> Eta:
    """Return when an attempt should end that began at `began` and is at work at `at`.

    Past the middle of the earlier ones it is the longest of them that tells.
    """
    middle, earliest, latest = (
        began + timedelta(seconds=s) for s in (outlook.median_s, outlook.low_s, outlook.high_s)
    )
    if at > middle:
        middle = earliest = latest
    return Eta(middle, min(earliest, middle), latest, outlook.count, overdue=at > latest)


def queue_etas(
    state: "ServerState", waiting: list["AttemptState"], at: datetime
) -> dict[str, Eta | None]:
    """Return, by prompt_id, when each of the attempts that wait should end, next first.

    Everything behind an attempt of unknown or surprising length is unknown too.
    """
    running = state.running_attempt()
    clear = Eta(at, at, at, 0) if running is None else running_eta(state, running, at)
    if clear is not None and clear.overdue:
        clear = None
    etas: dict[str, Eta | None] = {}
    for attempt in waiting:
        outlook = state.outlooks.get(attempt.facts.workload or "")
        clear = after(clear, outlook) if clear is not None and outlook is not None else None
        etas[attempt.key.prompt_id] = clear
    return etas


def start_windows(clear: Eta | None, waiting: list[Outlook | None]) -> list[Eta | None]:
    """Return when each of those that wait, next first, should begin.

    `clear` is when what runs now should end. Behind what is of unknown length all is unknown.
    """
    windows: list[Eta | None] = []
    for outlook in waiting:
        windows.append(clear)
        clear = after(clear, outlook) if clear is not None and outlook is not None else None
    return windows


def after(clear: Eta, outlook: Outlook) -> Eta | None:
    """Return when a workload should end that begins at `clear`, None past the year 9999.

    A server whose clock jumps tells of attempts that took centuries.
    """
    try:
        return Eta(
            clear.middle + timedelta(seconds=outlook.median_s),
            clear.earliest + timedelta(seconds=outlook.low_s),
            clear.latest + timedelta(seconds=outlook.high_s),
            outlook.count if clear.count == 0 else min(clear.count, outlook.count),
        )
    except OverflowError:
        return None

"""The times below which a strip is drawn: round ones of the viewer's time zone. Pure but for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from history.timeline.window import Window

# In seconds: clocks' steps, then days, weeks and months of thirty days.
STEPS = (
    *(10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600, 2592000, 7776000, 15552000, 31536000, 63072000),
)
DAY_S = 86400
TICKS = 8
# A label beyond it would stick out.
LAST = 94.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment on the axis; of days only the day is told."""

    x: float
    at: datetime
    is_day: bool


def ticks_of(window: Window) -> list[Tick]:
    """Return at most TICKS round moments of a window."""
    step = next((s for s in STEPS if window.span_s / s <= TICKS - 1), STEPS[-1])
    is_day = step >= DAY_S
    moment = _first(window.since, step)
    ticks = []
    while moment < window.until:
        if (x := window.place(moment)) <= LAST:
            ticks.append(Tick(x, moment, is_day))
        moment = _local(moment, step)
    return ticks


def _first(since: datetime, step: int) -> datetime:
    """Return the first round moment in or behind `since`, counted from its local midnight."""
    midnight = timezone.localtime(since).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight
    while moment < since:
        moment = _local(moment, step if step < DAY_S else DAY_S)
    return moment


def _local(moment: datetime, step: int) -> datetime:
    """Return the moment a step on; days are of the calendar, with the hours that they have."""
    if step % DAY_S:
        return timezone.localtime(moment + timedelta(seconds=step))
    naive = moment.replace(tzinfo=None) + timedelta(seconds=step)
    return timezone.make_aware(naive, moment.tzinfo)

"""Which time a strip shows, as its address says, and the addresses of those next to it.

`since` and `until` are moments (2026-11-22T07:00Z) or days of the viewer's time zone; `range` is
that of the list of runs. With none of them it is the time of the newest NEWEST runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from history.explore.filters import ALL, DAYS, TODAY
from history.models import Run

NEWEST = 500
# Beyond all runs: further out windows next to one would be beyond the years that a datetime knows.
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LEAST, MOST = timedelta(minutes=1), timedelta(days=3660)
FACTOR = 2
# So much of what is shown lies before the first run and behind the last, where nobody chose.
MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, from LEAST to MOST long; `at` is the present."""

    since: datetime
    until: datetime
    at: datetime

    @property
    def span_s(self) -> float:
        """Return how long it is, in seconds."""
        return (self.until - self.since).total_seconds()

    def place(self, moment: datetime) -> float:
        """Return where a moment lies, in percent of the width; within 0 and 100."""
        share = (moment - self.since).total_seconds() / self.span_s
        return round(100 * min(1.0, max(0.0, share)), 3)

    def moment(self, share: float) -> datetime:
        """Return the moment at a share of the width."""
        return self.since + timedelta(seconds=share * self.span_s)

    def zoomed(self, factor: float) -> "Window | None":
        """Return the window so many times as long about the same middle; None at the limits.

        One that would reach into what is yet to come lies before it.
        """
        length = (self.until - self.since) * factor
        until = min(self.moment(0.5) + length / 2, max(self.at, self.until))
        return _within(until - length, until, self)

    def moved(self, share: float) -> "Window | None":
        """Return the window moved by a share of its length; None into what is yet to come."""
        by = (self.until - self.since) * share
        if share > 0 and self.until >= self.at:
            return None
        return _within(self.since + by, self.until + by, self)


def _within(since: datetime, until: datetime, of: Window) -> Window | None:
    return Window(since, until, of.at) if LEAST <= until - since <= MOST else None


def window_of(
    asked: Mapping[str, str], runs: "QuerySet[Run]", at: datetime
) -> tuple[Window, str | None]:
    """Return the window that an address asks for, and what is wrong with that, if anything is."""
    try:
        since, until = _moment(asked.get("since")), _moment(asked.get("until"), timedelta(days=1))
    except (ValueError, OverflowError):
        return _usual(asked, runs, at), NO_TIME
    if since is None and until is None:
        return _usual(asked, runs, at), None
    until = until or at
    since = since or until - timedelta(days=DAYS.get(asked.get("range", ""), 30))
    if not LEAST <= until - since <= MOST:
        return _usual(asked, runs, at), NO_SPAN
    return Window(since, until, at), None


NO_TIME = (
    "“since” and “until” have to be days or moments from 1900 to 2200, like 2026-11-22 or"
    " 2026-11-22T07:00Z. The usual time is shown instead."
)
NO_SPAN = (
    "From “since” to “until” has to be from a minute to ten years. The usual time is shown instead."
)


def _moment(text: str | None, day: timedelta = timedelta(0)) -> datetime | None:
    """Return the moment that a text names; of a day its midnight, and `day` after it.

    Raises ValueError or OverflowError for what is none, or none of a run.
    """
    told = _told(text, day) if text else None
    if told is not None and not FIRST <= told <= LAST:
        raise ValueError(text)
    return told


def _told(text: str, day: timedelta) -> datetime:
    if len(text) == len("2026-11-22"):
        midnight = datetime.combine(date.fromisoformat(text) + day, time.min)
        return timezone.make_aware(midnight).astimezone(UTC)
    told = datetime.fromisoformat(text)
    return (timezone.make_aware(told) if told.tzinfo is None else told).astimezone(UTC)


def _usual(asked: Mapping[str, str], runs: "QuerySet[Run]", at: datetime) -> Window:
    """Return the window of a range, else that of the newest runs."""
    name = asked.get("range", "")
    if name == TODAY:
        midnight = datetime.combine(timezone.localtime(at).date(), time.min)
        return Window(min(timezone.make_aware(midnight), at - LEAST), at, at)
    if name in DAYS:
        return Window(at - timedelta(days=DAYS[name]), at, at)
    rows = runs.order_by("-began_at").values_list("began_at", "ended_at")[:NEWEST]
    began = [began_at for began_at, _ in rows]
    if name == ALL and began:
        began += runs.order_by("began_at").values_list("began_at", flat=True)[:1]
    # One that goes on reaches to the present.
    ends = [ended_at or at for _, ended_at in rows]
    return _around(min(began), max(ends), at) if began else Window(at - timedelta(days=1), at, at)


def _around(first: datetime, last: datetime, at: datetime) -> Window:
    last = min(at, last)
    margin = max((last - first) * MARGIN, LEAST)
    until = min(at, last + margin)
    return Window(max(first - margin, until - MOST), until, at)

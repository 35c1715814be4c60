"""What is usual for a team at this hour: the same hour on the 28 days before, as far as on record.

A day counts where anything ended on it: nobody can tell a day without work from one on which
nobody watched. With fewer than DAYS_NEEDED such days nothing is usual yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles

from django.db.models import Count, Q

from history.models import Attempt
from telemetry.overview import Trend
from telemetry.text import plural
from telemetry.words import Outcome

DAYS = 28
DAYS_NEEDED = 4
DAY = timedelta(days=1)
# Who was at work at a moment is found by when it ended; what took longer is not counted.
LONGEST = timedelta(hours=6)

Servers = Iterable[int]


@dataclass(frozen=True, slots=True)
class Day:
    """Scenes on which anything ended in 24 hours: how many, completed, and skipped."""

    scenes: int
    completed: int
    skipped: int

    @property
    def rate(self) -> float | None:
        """Return the share of the scenes that completed, of those that were not skipped."""
        tried = self.scenes - self.skipped
        return self.completed / tried if tried > 0 else None


@dataclass(frozen=True, slots=True)
class Usual:
    """What each tile showed at this hour on the days that count."""

    values: dict[str, list[float]] = field(default_factory=dict)


def day_before(servers: Servers, at: datetime) -> Day:
    """Return what ended in the 24 hours before a time."""
    ended = Attempt.objects.filter(server__in=servers, ended_at__gt=at - DAY, ended_at__lte=at)
    ended = ended.filter(scene__run__deleted_at=None)
    scene = Q(scene__outcome=Outcome.SUCCESS)
    told = ended.order_by().aggregate(
        scenes=Count("scene", distinct=True),
        completed=Count("scene", filter=scene, distinct=True),
        skipped=Count("scene", filter=Q(scene__outcome=Outcome.SKIPPED), distinct=True),
    )
    return Day(**told)


def usual_at(servers: Servers, at: datetime) -> Usual:
    """Return what was usual on the days before a time, at the same time of day."""
    values: dict[str, list[float]] = {}
    for moment in (at - days * DAY for days in range(1, DAYS + 1)):
        day = day_before(servers, moment)
        if day.scenes == 0:
            continue
        told = {"scenes": day.scenes, "rate": day.rate, **_moment(servers, moment)}
        for key, value in told.items():
            if value is not None:
                values.setdefault(key, []).append(value)
    return Usual(values)


def _moment(servers: Servers, at: datetime) -> dict[str, float]:
    """Return what was at work and what waited at a moment of the past."""
    later = Attempt.objects.filter(server__in=servers, ended_at__gt=at, ended_at__lt=at + LONGEST)
    begun = Q(started_at__lte=at)
    told: dict[str, float] = later.order_by().aggregate(
        runs=Count("scene__run", filter=begun, distinct=True),
        servers=Count("server", filter=begun, distinct=True),
        queue=Count("pk", filter=Q(started_at__gt=at, submitted_at__lte=at)),
    )
    return told


@dataclass(frozen=True, slots=True)
class Kind:
    """How a tile compares: in which words, and whether more is good."""

    words: str
    better: str = ""


KINDS = {
    "runs": Kind("count"),
    "scenes": Kind("percent", "more"),
    "rate": Kind("points", "either"),
    "queue": Kind("count"),
    "servers": Kind("count"),
}
# What goes unsaid: less than one percent.
NOISE = 0.01
_TONES = {("more", True): "ok", ("either", True): "ok", ("either", False): "bad"}


def trend_of(key: str, value: float | None, usual: Usual) -> Trend | None:
    """Return how a tile's value stands against the usual; None where it has no value."""
    if value is None:
        return None
    days = usual.values.get(key, [])
    if len(days) < DAYS_NEEDED:
        title = f"no usual yet: {len(days)} of the {DAYS_NEEDED} days needed are on record"
        return Trend("", "", "no usual yet", title)
    middle, kind = median(days), KINDS[key]
    title = f"usual at this hour: {_value(middle, kind)}, the median of {plural(len(days), 'day')}"
    low, _, high = quantiles(days, n=4, method="inclusive")
    if low <= value <= high or abs(value - middle) < NOISE * abs(middle):
        return Trend("t-flat", "as usual", "at this hour", title)
    more = value > middle
    tone = _TONES.get((kind.better, more), "")
    note = f"{'more' if more else 'less'} than usual"
    return Trend("t-up" if more else "t-down", _difference(value, middle, kind), note, title, tone)


def _value(value: float, kind: Kind) -> str:
    return f"{100 * value:.1f}%" if kind.words == "points" else f"{value:,g}"


def _difference(value: float, usual: float, kind: Kind) -> str:
    distance = abs(value - usual)
    if kind.words == "points":
        return f"{100 * distance:.1f}\u00a0pt"
    if kind.words == "percent" and usual:
        return f"{100 * distance / usual:,.0f}%"
    return f"{distance:,g}"

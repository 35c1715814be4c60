"""GPUs over time: spans of ten seconds as the collector tells them, rolled up by minute and hour.

A mean over spans is weighted by their samples; of two grades the worse counts. Rolling up is safe
to repeat and begins a little before where it ended: words to the record may wait for minutes.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, FloatField, Max, Min, Q, Sum
from django.db.models.functions import Cast, TruncHour, TruncMinute

from history.models import GpuSample
from history.upsert import upsert
from history.words import Span
from telemetry import transitions as t
from telemetry.leases import Leased

KEY = ("server", "index", "span_s", "at")
COLUMNS = (
    *KEY,
    *("samples", "grade", "total_bytes", "free_lowest_bytes", "free_mean_bytes"),
    *("utilisation_mean_percent", "utilisation_highest_percent"),
    *("temperature_highest_c", "power_mean_w"),
)
# Longer than a collector keeps spans, and than most outages of a database.
LATE = timedelta(minutes=30)
# So much at once: a backlog of weeks is not one statement.
PART = timedelta(hours=6)
ROLLED: list[tuple[Span, Span, Callable[..., Any]]] = [
    (Span.RAW, Span.MINUTE, TruncMinute),
    (Span.MINUTE, Span.HOUR, TruncHour),
]


def sampled(leased: Leased, change: t.DevicesSampled) -> None:
    """Write spans of a server's devices; one that is told again takes over its newest figures."""
    rows = {(span.index, span.at): _values(leased.server_id, span) for span in change.spans}
    upsert(GpuSample, KEY, COLUMNS, rows.values())


def _values(server_id: int, span: t.DeviceSpan) -> tuple[Any, ...]:
    """Return a row's values, in the order of COLUMNS."""
    memory = span.total, span.free_lowest, span.free_mean
    use = span.utilisation_mean_percent, span.utilisation_highest_percent
    return (
        *(server_id, span.index, int(Span.RAW), span.at),
        *(span.samples, str(span.grade), *memory, *use),
        *(span.temperature_highest_c, span.power_mean_w),
    )


def roll_up(now: datetime) -> int:
    """Bring minutes and hours up to date; return how many rows were written."""
    return sum(_roll(source, target, trunc, now) for source, target, trunc in ROLLED)


def _roll(source: Span, target: Span, trunc: Callable[..., Any], now: datetime) -> int:
    spans = GpuSample.objects.filter(span_s=source).order_by("span_s", "at")
    rolled = GpuSample.objects.filter(span_s=target).aggregate(at=Max("at"))["at"]
    first = spans.values_list("at", flat=True).first()
    if first is None:
        return 0
    begin = first if rolled is None else max(first, rolled - LATE)
    begin, written = _floor(begin, target), 0
    while begin < now:
        end = min(begin + PART, now)
        written += _write(_floored(spans, trunc, begin, end), target)
        begin += PART
    return written


def _floor(at: datetime, span: Span) -> datetime:
    """Return the begin of the span that a time falls into."""
    return datetime.fromtimestamp(int(at.timestamp()) // span * span, UTC)


def _floored(spans: Any, trunc: Callable[..., Any], begin: datetime, end: datetime) -> Any:
    of_part = spans.filter(at__gte=begin, at__lt=end).order_by()
    grouped = of_part.annotate(begin=trunc("at", tzinfo=UTC)).values("server_id", "index", "begin")
    return grouped.annotate(
        n=Sum("samples"),
        worst=Max("grade"),
        total=Max("total_bytes"),
        lowest=Min("free_lowest_bytes"),
        mean=_mean("free_mean_bytes"),
        use=_mean("utilisation_mean_percent"),
        use_highest=Max("utilisation_highest_percent"),
        heat=Max("temperature_highest_c"),
        power=_mean("power_mean_w"),
    )


def _mean(column: str) -> Any:
    """Return the mean of a column, weighted by samples, of the rows that tell it."""
    weight = Sum(Cast("samples", FloatField()), filter=Q(**{f"{column}__isnull": False}))
    return Sum(Cast(F(column), FloatField()) * Cast("samples", FloatField())) / weight


def _write(groups: Any, target: Span) -> int:
    rows = [
        (
            *(told["server_id"], told["index"], int(target), told["begin"]),
            *(told["n"], told["worst"], told["total"], told["lowest"]),
            *(None if told["mean"] is None else round(told["mean"]),),
            *(told["use"], told["use_highest"], told["heat"], told["power"]),
        )
        for told in groups
    ]
    upsert(GpuSample, KEY, COLUMNS, rows)
    return len(rows)

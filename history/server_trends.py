"""How a server did lately, as small lines: times of prompts, what completed, use of its GPUs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean, median

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from history.charts.sparkline import Sparkline, sparkline_of
from history.explore.panel import percent
from history.models import Attempt, GpuSample
from history.words import Span
from telemetry.models import Server
from telemetry.text import MISSING, duration, plural
from telemetry.words import Outcome

DAYS = 14
HOURS = 24
# More GPUs than a server has: named, so that the index is walked by hours and not by servers.
GPUS = range(16)
# What somebody cancelled, or nobody saw end, says nothing of the server.
TRIED = (Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED, Outcome.TIMEOUT)

Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure and how it came about; `line` is None below two values, where there is none."""

    label: str
    value: str
    note: str
    line: Sparkline | None


def trends_of(server: Server, ended: Sequence[Attempt], at: datetime) -> list[Trend]:
    """Return what is known of a server's last prompts (newest first), days and hours."""
    use, memory = _gpus(server, at)
    told = [_times(ended), _completed(server, at), _use(use), _memory(memory)]
    return [trend for trend in told if trend.line is not None]


def _times(newest_first: Sequence[Attempt]) -> Trend:
    """Return how long prompts took; one that did not complete is a gap."""
    values: Values = [
        attempt.duration_s if attempt.outcome == Outcome.SUCCESS else None
        for attempt in reversed(newest_first)
    ]
    known = _known(values)
    value = duration(median(known)) if known else MISSING
    note = f"median of the last {plural(len(values), 'prompt')}; a gap did not complete"
    return Trend("Time of a prompt", value, note, sparkline_of(values))


def _completed(server: Server, at: datetime) -> Trend:
    """Return the share of prompts that completed, day by day; a day without any is a gap."""
    first = timezone.localtime(at).date() - timedelta(days=DAYS - 1)
    since = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    tried = server.attempts.filter(
        outcome__in=TRIED, ended_at__gte=since - timedelta(days=DAYS - 1), ended_at__lte=at
    ).order_by()
    days = tried.annotate(day=TruncDate("ended_at")).values("day")
    rows = days.annotate(n=Count("pk"), done=Count("pk", Q(outcome=Outcome.SUCCESS)))
    found = {row["day"]: (row["done"], row["n"]) for row in rows}
    values: Values = []
    for place in range(DAYS):
        done, n = found.get(first + timedelta(days=place), (0, 0))
        values.append(done / n if n else None)
    done, n = (sum(pair[place] for pair in found.values()) for place in range(2))
    note = f"{done:,} of {n:,} in {DAYS} days; a gap is a day without any"
    return Trend(
        "Prompts that completed", percent(done / n if n else None), note, sparkline_of(values)
    )


def _gpus(server: Server, at: datetime) -> tuple[Values, Values]:
    """Return hour by hour how busy the GPUs were and how full the fullest was, as shares."""
    newest = at.replace(minute=0, second=0, microsecond=0)
    hours = [newest - timedelta(hours=place) for place in reversed(range(HOURS))]
    samples = GpuSample.objects.filter(
        server=server, index__in=GPUS, span_s=Span.HOUR, at__gte=hours[0], at__lte=newest
    )
    use: defaultdict[datetime, list[float]] = defaultdict(list)
    memory: defaultdict[datetime, list[float]] = defaultdict(list)
    for sample in samples.order_by():
        if sample.utilisation_mean_percent is not None:
            use[sample.at].append(sample.utilisation_mean_percent / 100)
        if sample.total_bytes and sample.free_lowest_bytes is not None:
            memory[sample.at].append(1 - sample.free_lowest_bytes / sample.total_bytes)
    return (
        [mean(use[hour]) if hour in use else None for hour in hours],
        [max(memory[hour]) if hour in memory else None for hour in hours],
    )


def _use(values: Values) -> Trend:
    note = f"mean of the last {HOURS} h, hour by hour; in a gap nobody measured"
    return Trend("GPU use", _share(values, mean), note, sparkline_of(values))


def _memory(values: Values) -> Trend:
    note = f"most in the last {HOURS} h, of the fullest GPU; in a gap nobody measured"
    return Trend("VRAM in use", _share(values, max), note, sparkline_of(values))


def _share(values: Values, of: Callable[[list[float]], float]) -> str:
    known = _known(values)
    return f"{100 * of(known):.0f}%" if known else MISSING


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]

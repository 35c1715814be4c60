"""What the page of a family of failures tells: message, memory, where and when it was seen."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from history.failures.lists import most, names_of, state_of, title_of
from history.failures.memory import Shortage, shortage_of
from history.models import Attempt, FailureFamily, FailureOccurrence
from history.run_rows import PROMPT_SOURCE
from history.server_record import title_of_attempt
from telemetry.text import MISSING, gib, plural
from telemetry.titles import Title
from telemetry.words import OUTCOME_LABELS, Outcome

LATEST, DECISIONS, DAYS = 20, 10, 14
# What a message tells of memory, in the order in which it is read.
MEMORY = {
    "requested_bytes": "Asked for",
    "free_bytes": "Free then",
    "allocated_bytes": "Allocated",
    "reserved_bytes": "Reserved, not in use",
    "total_bytes": "In all",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One time that a family was seen."""

    attempt: Attempt
    title: Title
    run: int
    server: str
    gpu: str
    node: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar of the chart of the last days, in percent of its box."""

    x: str
    y: str
    width: str
    height: str


def page_of(family: FailureFamily, at: datetime, with_traceback: bool) -> dict[str, Any]:
    """Return what the page shows, as it is at a time; a traceback only for who may see it."""
    names = names_of([family])
    latest = [_seen(one, names) for one in _latest(family)]
    days = by_day(family, at)
    return {
        "title": title_of(family),
        "state": state_of(family),
        "outcome": OUTCOME_LABELS[Outcome(family.outcome)],
        "times": plural(family.count, "time"),
        "runs": plural(family.run_count, "run"),
        "memory": memory_of(family.error_type, family.message),
        "servers": [(names.get(key, key), n) for key, n in most(family.servers)],
        "gpus": most(family.gpus),
        "nodes": most(family.nodes),
        "latest": latest,
        "gone": family.count - len(latest) if len(latest) < min(LATEST, family.count) else 0,
        "bars": bars(days),
        "in_days": sum(days),
        "days": DAYS,
        "traceback": _traceback(family) if with_traceback else None,
        "decisions": family.decisions.all()[:DECISIONS],
    }


def memory_of(error_type: str, message: str) -> list[tuple[str, str]]:
    """Return what a message tells of memory, in GiB; nothing where that is not told."""
    told = shortage_of(error_type, message)
    if told is None:
        return []
    return [(label, _size(told, name)) for name, label in MEMORY.items()]


def _size(told: Shortage, name: str) -> str:
    """Return an amount in GiB, in MiB where that would be none."""
    size = getattr(told, name)
    if size is None:
        return MISSING
    if 0 < size < 1 << 29:
        return f"{size / (1 << 20):,.0f} MiB"
    return f"{gib(size)} GiB"


def _latest(family: FailureFamily) -> list[FailureOccurrence]:
    newest = family.occurrences.select_related("attempt__scene__run").defer("attempt__traceback")
    kept = newest.filter(attempt__scene__run__deleted_at=None)
    return list(kept.order_by("-at", "-pk")[:LATEST])


def _seen(one: FailureOccurrence, names: dict[str, str]) -> Seen:
    return Seen(
        attempt=one.attempt,
        title=_title(one.attempt),
        run=one.run_id,
        server=names.get(one.server, MISSING),
        gpu=one.gpu,
        node=one.node or MISSING,
        at=one.at,
    )


def _title(attempt: Attempt) -> Title:
    """Return what to call it: its scene and run where these have names, else its prompt."""
    scene, run = attempt.scene, attempt.scene.run
    if run.source == PROMPT_SOURCE:
        return title_of_attempt(attempt)
    return Title(scene.title or scene.external_id, run.title or run.story_id or run.external_id)


def _traceback(family: FailureFamily) -> str | None:
    """Return the newest traceback of the latest failures."""
    told = family.occurrences.order_by("-at", "-pk").values_list("attempt__traceback", flat=True)
    return next((text for text in told[:LATEST] if text), None)


def by_day(family: FailureFamily, at: datetime) -> list[int]:
    """Return how often it was seen on each of the last days of the viewer, oldest first."""
    today = timezone.localtime(at).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    since = at - timedelta(days=DAYS + 1)
    rows = family.occurrences.filter(at__gte=since).order_by().annotate(day=TruncDate("at"))
    told: Counter[date] = Counter(dict(rows.values_list("day").annotate(n=Count("pk"))))
    return [told[day] for day in days]


def bars(counts: list[int]) -> list[Bar]:
    """Return a bar for each count, the highest as high as the box."""
    width, top = 100 / len(counts), max(counts, default=0)
    return [
        Bar(
            f"{i * width:.2f}%",
            f"{100 - 100 * n / top:.1f}%",
            f"{width * 0.68:.2f}%",
            _high(n, top),
        )
        for i, n in enumerate(counts)
        if n
    ]


def _high(count: int, top: int) -> str:
    return f"{100 * count / top:.1f}%"

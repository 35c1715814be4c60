"""What may go, and from which age on: the rules as a table. history/purge.py carries them out.

Every rule is walked in windows of a bounded number of keys, each beginning where the one before
ended, so that no statement grows with a table. Most have an index on their age, and a walk touches
only what is due. Nodes and graphs are as old as their attempt's end, which no index of
theirs holds: their walk passes over all attempts that still have some, by the index that is there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet

from history.models import (
    ActivityEvent,
    Attempt,
    FailureDecision,
    FailureFamily,
    FailureOccurrence,
    GpuSample,
    Graph,
    NodeExecution,
    PollLog,
    Run,
    RunRevision,
    Scene,
    Workload,
)
from history.words import Span
from telemetry.models import AuditEntry, BlindWindow
from telemetry.words import Status

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rows go once they are old.

    `old` says what is old of `judged`; `by` is the column of `rows` that holds the judged row's
    id. `age` names the indexed time by which rows are walked, "" where they are walked by `by`;
    `age_is_all` says that nothing else decides, so that a walk meets none but old rows. `most`
    bounds a window beside its size: judging a run visits its attempts. `of` narrows the rows to
    one kind where a table holds several.
    """

    what: str
    rows: type[Model]
    judged: type[Model]
    old: Callable[[datetime], Q]
    by: str = "id"
    age: str = ""
    age_is_all: bool = False
    most: int = 5000
    of: Q = field(default_factory=Q)

    def window(self, after: Key | None, size: int, before: datetime) -> list[Key]:
        """Return the next keys behind `after`, at most `size`; each ends with a judged row's id."""
        key = (self.age, self.by) if self.age else (self.by,)
        rows = _all(self.rows).filter(self.of).order_by(*key)
        if self.age:
            rows = rows.filter(**{f"{self.age}__lt": before})
        if after is not None:
            rows = rows.filter(_behind(key, after))
        keys = rows.values_list(*key)
        return list((keys if self.judged is self.rows else keys.distinct())[: min(size, self.most)])

    def expired(self, ids: Iterable[int], before: datetime) -> list[int]:
        """Return the judged rows among `ids`, which a walk met, that are old."""
        if self.age_is_all:
            return list(ids)
        judged = _all(self.judged).filter(self.old(before), pk__in=ids)
        return list(judged.order_by().values_list("pk", flat=True))

    def count(self, ids: list[int], before: datetime) -> int:
        """Return how many rows go with these expired ones."""
        return len(ids) if self.judged is self.rows else int(self.going(ids, before).count())

    def going(self, ids: Iterable[int], before: datetime) -> QuerySet[Any]:
        """Return the rows that go with these expired ones; what became young meanwhile stays."""
        rows = _all(self.rows).filter(**{f"{self.by}__in": ids})
        return rows.filter(self.old(before)) if self.judged is self.rows else rows


@dataclass(frozen=True, slots=True)
class Due:
    """A rule and the time before which it applies."""

    rule: Rule
    before: datetime


def over(before: datetime) -> Q:
    """Return what holds of attempts that ended before a time; an open one is never old."""
    untold = Q(ended_at=None, seen_at__lt=before)
    return Q(status=Status.ENDED) & (Q(ended_at__lt=before) | untold)


def _run_over(before: datetime) -> Q:
    """Return what holds of runs that nobody touched since, and whose attempts all ended before."""
    others = Attempt.objects.filter(scene__run=OuterRef("pk")).exclude(over(before))
    return Q(~Exists(others), touched_at__lt=before)


def _to_empty(before: datetime) -> Q:
    """Return what holds of runs that were deleted before a time and still hold something.

    What ComfyUI remembers of one may be read back into it; then it goes again.
    """
    scenes = Scene.objects.filter(run=OuterRef("pk"))
    return Q(Q(emptied_at=None) | Exists(scenes), deleted_at__lt=before, open_count=0)


def _at(before: datetime) -> Q:
    return Q(at__lt=before)


def _filed_before(before: datetime) -> Q:
    return Q(filed_at__lt=before)


def _unused(before: datetime) -> Q:
    """Return what holds of old workloads of which no attempt is on record."""
    return Q(~Exists(Attempt.objects.filter(workload=OuterRef("pk"))), first_seen_at__lt=before)


def _superseded(before: datetime) -> Q:
    """Return what holds of old revisions of runs; the one in force goes with its run."""
    return Q(at__lt=before, number__lt=F("run__revision"))


def _forgotten(before: datetime) -> Q:
    """Return what holds of families of failures that nothing on record speaks of any more."""
    seen = FailureOccurrence.objects.filter(family=OuterRef("pk"))
    decided = FailureDecision.objects.filter(family=OuterRef("pk"))
    return Q(~Exists(seen), ~Exists(decided), last_seen_at__lt=before)


SPANS = {"gpu-samples": Span.RAW, "gpu-minutes": Span.MINUTE, "gpu-hours": Span.HOUR}
RULES = {
    rule.what: rule
    for rule in (
        Rule("activity", ActivityEvent, ActivityEvent, _at, "id", "at", True),
        Rule("nodes", NodeExecution, Attempt, over, by="attempt_id"),
        Rule("graphs", Graph, Attempt, over, by="attempt_id"),
        Rule("poll-logs", PollLog, PollLog, _filed_before, "attempt_id", "filed_at", True),
        Rule("revisions", RunRevision, RunRevision, _superseded, age="at"),
        *(
            Rule(f"gpu-{word}", GpuSample, GpuSample, _at, "id", "at", True, of=Q(span_s=span))
            for word, span in (
                ("samples", Span.RAW),
                ("minutes", Span.MINUTE),
                ("hours", Span.HOUR),
            )
        ),
        Rule("blind-windows", BlindWindow, BlindWindow, lambda t: Q(ended_at__lt=t)),
        Rule("audit", AuditEntry, AuditEntry, _at, "id", "at", True),
        Rule("workloads", Workload, Workload, _unused, "digest", "first_seen_at"),
        Rule("decisions", FailureDecision, FailureDecision, _at, "id", "at", True),
        Rule("failures", FailureFamily, FailureFamily, _forgotten, age="last_seen_at"),
        # Last: what the rules above leave of a run goes with it.
        Rule("runs", Run, Run, _run_over, age="touched_at", most=1000),
        Rule("deleted-runs", Run, Run, _to_empty, age="deleted_at", most=1000),
    )
}
RUNS = RULES["runs"]
# Their rows stay, empty.
DELETED = RULES["deleted-runs"]


def due(
    now: datetime, only: Iterable[str] = RULES, keep_days: Mapping[str, int] | None = None
) -> list[Due]:
    """Return the rules that apply, in the order to follow them; 0 days means to keep for ever.

    `only` names rules; `keep_days` overrules the settings for some.
    """
    days = {**settings.KEEP_DAYS, **(keep_days or {})}
    wanted = set(only)
    return [
        Due(rule, now - timedelta(days=days[what]))
        for what, rule in RULES.items()
        if what in wanted and days[what]
    ]


def _all(model: type[Model]) -> QuerySet[Any]:
    return model._base_manager.all()


def _behind(key: tuple[str, ...], after: Key) -> Q:
    """Return what holds of rows behind a key; its first column is compared alone for the index."""
    first, last = key[0], key[-1]
    if len(key) == 1:
        return Q(**{f"{first}__gt": after[0]})
    later = Q(**{f"{first}__gt": after[0]}) | Q(**{f"{last}__gt": after[-1]})
    return Q(**{f"{first}__gte": after[0]}) & later

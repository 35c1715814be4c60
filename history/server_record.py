"""What the page of a server tells from the record: queue, ends, activity, environment, gaps.

All lists are bounded. Times of prompts are ComfyUI's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django.db.models import Count, Q

from history.access import activity_on, attempts_on
from history.models import Attempt
from history.outlook import outlook
from history.server_trends import trends_of
from telemetry.identity import Identity
from telemetry.models import Environment, Server
from telemetry.outlook import Eta, Outlook, eta_of, start_windows
from telemetry.text import MISSING, duration, gib, model_of
from telemetry.titles import Title, title_of
from telemetry.transitions import Key
from telemetry.words import OUTCOME_LABELS, Outcome, Status

QUEUE_LIMIT = 100
# A queue of more kinds of work than these has start times up to the first of the others.
OUTLOOKS_LIMIT = 10
ENDED_LIMIT = 20
ACTIVITY_LIMIT = 30
CHANGES_LIMIT = 10
BLIND_LIMIT = 10
AUDIT_LIMIT = 20
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A prompt that runs (`begun`) or waits; `window` is when it should end, or begin."""

    attempt: Attempt
    title: Title
    begun: bool
    window: Eta | None


@dataclass(frozen=True, slots=True)
class EndedRow:
    """A prompt that ended, and why; `failure` is the family of its failure, if it has one."""

    attempt: Attempt
    title: Title
    status: str
    label: str
    why: str
    duration: str
    failure: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time that was not watched."""

    began_at: datetime
    ended_at: datetime | None
    duration: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a server ran on from then on, and in which points that was new."""

    environment: Environment
    points: list[str]


def record_of(server: Server, at: datetime) -> dict[str, Any]:
    """Return all that the record tells of a server, as it looks at `at`."""
    ended = attempts_on(server).filter(status=Status.ENDED).select_related("failure")
    newest = list(ended.order_by("-ended_at", "-pk")[:ENDED_LIMIT])
    queue = queue_of(server, at)
    return {
        "queue": queue[:QUEUE_LIMIT],
        "queue_more": len(queue) > QUEUE_LIMIT,
        "ended": [_ended(attempt) for attempt in newest],
        "trends": trends_of(server, newest, at),
        "activity": activity_on(server)[:ACTIVITY_LIMIT],
        "changes": changes_of(server),
        "gaps": [_gap(w.began_at, w.ended_at, w.reason) for w in _blind(server)[:BLIND_LIMIT]],
        "link": _link(server, at),
        "audit": server.audit.all()[:AUDIT_LIMIT],
    }


def queue_of(server: Server, at: datetime) -> list[QueueRow]:
    """Return what runs and what waits, next first, one more than QUEUE_LIMIT at most."""
    open_ = attempts_on(server).exclude(status=Status.ENDED).order_by("number", "pk")
    attempts = list(open_[: QUEUE_LIMIT + 1])
    begun = [a for a in attempts if a.status == Status.RUNNING]
    waiting = [a for a in attempts if a.status != Status.RUNNING]
    known = _outlooks(server, attempts)
    clear = _clear(server, begun, known, at)
    windows = start_windows(clear, [known.get(a.workload or "") for a in waiting])
    rows = [(a, True, clear) for a in begun]
    rows += [(a, False, window) for a, window in zip(waiting, windows, strict=True)]
    return [QueueRow(a, title_of_attempt(a), runs, window) for a, runs, window in rows]


def _outlooks(server: Server, attempts: Iterable[Attempt]) -> dict[str, Outlook]:
    workloads = list(dict.fromkeys(a.workload for a in attempts if a.workload))
    found = {name: outlook(server.pk, name) for name in workloads[:OUTLOOKS_LIMIT]}
    return {name: told for name, told in found.items() if told is not None}


def _clear(
    server: Server, begun: list[Attempt], known: dict[str, Outlook], at: datetime
) -> Eta | None:
    """Return when the server should be done with what runs, None where nobody can tell."""
    if not server.enabled or server.paused_at is not None:
        return None
    if not begun:
        return Eta(at, at, at, 0)
    last = begun[-1]
    told = known.get(last.workload or "")
    if told is None or last.started_at is None:
        return None
    eta = eta_of(last.started_at, told, at)
    return None if eta.overdue else eta


def title_of_attempt(attempt: Attempt) -> Title:
    """Return what to call an attempt: its scene and story where its submitter named them."""
    words = {key: value for key, value in attempt.extra_data.items() if isinstance(value, str)}
    return title_of(Key(attempt.prompt_id, attempt.repeat), Identity(words=words))


def _ended(attempt: Attempt) -> EndedRow:
    outcome = Outcome(attempt.outcome) if attempt.outcome else None
    told = (attempt.error_message or "").splitlines()[:1]
    fault = ": ".join(filter(None, (attempt.error_type, *told)))
    return EndedRow(
        attempt,
        title_of_attempt(attempt),
        "completed" if outcome is Outcome.SUCCESS else str(outcome or "queued"),
        OUTCOME_LABELS[outcome] if outcome else MISSING,
        (attempt.reason or fault)[:300],
        duration(attempt.duration_s),
        getattr(getattr(attempt, "failure", None), "family_id", None),
    )


def _blind(server: Server) -> Any:
    return server.blind_windows.order_by("-began_at")


def _gap(began_at: datetime, ended_at: datetime | None, reason: str) -> Gap:
    lasted = (ended_at - began_at).total_seconds() if ended_at else None
    return Gap(began_at, ended_at, duration(lasted), reason)


def _link(server: Server, at: datetime) -> dict[str, Any]:
    """Return what is on record of the last day's connection."""
    since = at - DAY
    counts: dict[str, Any] = server.activity.filter(at__gte=since).aggregate(
        drops=Count("pk", Q(kind="dropped")), outages=Count("pk", Q(kind="offline"))
    )
    gaps = server.blind_windows.filter(ended_at__gte=since)
    blind_s = sum((g.ended_at - max(g.began_at, since)).total_seconds() for g in gaps if g.ended_at)
    return {**counts, "blind": duration(blind_s) if blind_s else "none"}


def changes_of(server: Server) -> list[Change]:
    """Return what the server ran on, newest first, each with what was new in it."""
    rows = list(server.environments.order_by("-since")[: CHANGES_LIMIT + 1])
    told = [Change(new, _points(new, old)) for new, old in zip_longest(rows, rows[1:]) if new]
    return told[:CHANGES_LIMIT]


NO_PACKS, PACKS = "none", "Node packs"
POINTS: dict[str, Callable[[Environment], str | None]] = {
    "ComfyUI": lambda e: e.comfyui_version,
    "PyTorch": lambda e: e.pytorch_version,
    "Driver": lambda e: e.driver_version,
    "Python": lambda e: (e.python_version or "").partition(" ")[0] or None,
    "System": lambda e: e.os,
    "Memory": lambda e: f"{gib(e.ram_total_bytes)} GiB" if e.ram_total_bytes else None,
    "Devices": lambda e: ", ".join(_device(d) for d in e.devices) or None,
    "Packages": lambda e: _versions(e.packages),
    PACKS: lambda e: NO_PACKS if e.node_packs == {} else _versions(e.node_packs),
    "Started with": lambda e: " ".join(str(word) for word in e.argv[1:])[:300] or None,
}


def facts_of(environment: Environment) -> list[tuple[str, str]]:
    """Return what a server runs on, in words; "–" for what it does not tell."""
    return [(name, told(environment) or MISSING) for name, told in POINTS.items()]


def _points(new: Environment, old: Environment | None) -> list[str]:
    if old is None:
        return []
    before, after = dict(facts_of(old)), dict(facts_of(new))
    return [
        f"{name} {before[name]} → {after[name]}"
        for name in POINTS
        if before[name] != after[name]
        and (name != PACKS or MISSING not in (before[name], after[name]))
    ]


def _versions(told: Any) -> str | None:
    """Return packages with their versions."""
    pairs = told.items() if isinstance(told, dict) else ()
    return ", ".join(f"{name} {version}".strip() for name, version in pairs)[:600] or None


def _device(told: Any) -> str:
    """Return a device of an environment, as the recorder wrote it."""
    name = str(told.get("name") or "device") if isinstance(told, dict) else str(told)
    total = told.get("vram") if isinstance(told, dict) else None
    return f"{model_of(name)} with {gib(total)} GiB" if total else model_of(name)

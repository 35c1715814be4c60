"""Which runs a list shows: the filters of its address, read leniently and applied to a query.

The API asks by the same rules (`narrowed`), of times in place of days.

A filter that makes no sense is told, and not applied; the others are.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from history.explore.found import FOUND
from history.models import FallbackNote, Run, RunServer, Scene
from history.words import fallback_label
from telemetry.clock import LAST, in_utc
from telemetry.models import Membership, Server
from telemetry.wall_page import names_of

ALL = "all"
TODAY = "today"
DAYS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
RANGES = [
    (TODAY, "Today"),
    ("1d", "24 h"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    (ALL, "All"),
]
# What a run's status is called, and which rows have it. Each has an icon of the same name.
STATUSES: dict[str, tuple[str, Q]] = {
    "executing": ("In progress", Q(open_count__gt=0)),
    "completed": ("Completed", Q(outcome="success")),
    "partial": ("Partial", Q(outcome="partial")),
    "failed": ("Failed", Q(outcome="failed")),
    "timeout": ("Timed out", Q(outcome="timeout")),
    "cancelled": ("Cancelled", Q(outcome="cancelled")),
    "lost": ("Lost", Q(outcome="lost")),
    "skipped": ("Skipped", Q(outcome="skipped")),
    "unknown": ("Unknown", Q(outcome=None, open_count=0)),
}
ARCHIVED: dict[str, tuple[str, Q]] = {
    "no": ("Not archived", Q(archived_at=None)),
    "only": ("Archived", Q(archived_at__isnull=False)),
}


class RunFilters(forms.Form):
    """The filters of a list of runs, as they stand in its address."""

    range = forms.ChoiceField(choices=RANGES, required=False)
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    status = forms.MultipleChoiceField(
        choices=[(name, label) for name, (label, _) in STATUSES.items()], required=False
    )
    server = forms.ModelChoiceField(Server.objects.none(), required=False)
    workload = forms.CharField(max_length=64, required=False)
    mine = forms.BooleanField(required=False)
    note = forms.CharField(max_length=30, required=False)
    source = forms.CharField(max_length=80, required=False)
    findings = forms.ChoiceField(choices=[(n, one[0]) for n, one in FOUND.items()], required=False)
    scene = forms.CharField(max_length=200, required=False)
    gpu = forms.CharField(max_length=60, required=False, label="GPU")
    archived = forms.ChoiceField(
        choices=[(name, label) for name, (label, _) in ARCHIVED.items()], required=False
    )

    def __init__(self, data: Any, membership: Membership) -> None:
        """Read an address's parameters for a member."""
        super().__init__(data)
        self.membership = membership
        servers = Server.objects.filter(team=membership.team)
        field: Any = self.fields["server"]
        field.queryset = servers.order_by("deleted_at", "position", "name")

    def chosen(self) -> dict[str, Any]:
        """Return the filters that make sense, by name; nothing of those that are not set."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def applied(self, runs: "QuerySet[Run]", at: datetime) -> "QuerySet[Run]":
        """Return the runs of these that the filters leave, as it is at a time."""
        return narrowed(runs, self.chosen(), at, self.membership)


def narrowed(
    runs: "QuerySet[Run]", chosen: Mapping[str, Any], at: datetime, membership: Membership
) -> "QuerySet[Run]":
    """Return the runs of these that pass all that was chosen, by the names of APPLY."""
    for name, value in chosen.items():
        runs = runs.filter(APPLY[name](value, at, membership))
    return runs


def _range(value: str, at: datetime, _: Membership) -> Q:
    if value == ALL:
        return Q()
    if value == TODAY:
        return Q(began_at__gte=_midnight(timezone.localtime(at).date()))
    return Q(began_at__gte=at - timedelta(days=DAYS[value]))


def _midnight(day: date) -> datetime:
    """Return the first moment of a day in the viewer's time zone."""
    return in_utc(timezone.make_aware(datetime.combine(day, time.min)))


def _end(day: date) -> datetime:
    """Return the first moment behind a day in the viewer's time zone."""
    return LAST if day == date.max else _midnight(day + timedelta(days=1))


def _status(value: Iterable[str], _: datetime, __: Membership) -> Q:
    wanted = Q()
    for name in value:
        wanted |= STATUSES[name][1]
    return wanted


def _holding(scene: str, membership: Membership) -> Any:
    """Return the runs that hold a scene of this id or title, by an index of each."""
    scenes = Scene.objects.filter(team=membership.team)
    return scenes.filter(Q(external_id=scene) | Q(title=scene)).order_by().values("run")


def _on(server: Any) -> Any:
    return RunServer.objects.filter(server=server).order_by().values("run")


def _noted(kind: str, membership: Membership) -> Any:
    notes = FallbackNote.objects.filter(team=membership.team, category=kind)
    return notes.order_by().values("scene__run")


APPLY: dict[str, Callable[[Any, datetime, Membership], Q]] = {
    "range": _range,
    "since": lambda day, _, __: Q(began_at__gte=_midnight(day)),
    "until": lambda day, _, __: Q(began_at__lt=_end(day)),
    "status": _status,
    "server": lambda server, _, __: Q(pk__in=_on(server)),
    "workload": lambda workload, _, __: Q(workload=workload),
    "note": lambda kind, _, m: Q(pk__in=_noted(kind, m)),
    "source": lambda source, _, __: Q(source=source),
    "findings": lambda which, _, __: FOUND[which][1],
    "mine": lambda _, __, membership: Q(submitter__in=names_of(membership)),
    "scene": lambda scene, _, m: Q(pk__in=_holding(scene, m)),
    "gpu": lambda model, _, __: Q(gpu_model=model),
    "archived": lambda which, _, __: ARCHIVED[which][1],
    "began_from": lambda at, _, __: Q(began_at__gte=at),
    "began_before": lambda at, _, __: Q(began_at__lt=at),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, in words, and the address's query without it."""

    key: str
    value: str
    without: str


def chips(filters: RunFilters, query: Any) -> list[Chip]:
    """Return what is filtered by, each with the way to be rid of it."""
    return [
        Chip(LABELS[name], _words(name, value), _without(query, name))
        for name, value in filters.chosen().items()
        if (name, value) != ("range", ALL)
    ]


LABELS = {
    "range": "Started",
    "since": "From",
    "until": "To",
    "status": "Status",
    "server": "Server",
    "workload": "Workflow",
    "mine": "Submitted by",
    "note": "Fallback",
    "findings": "Its files",
    "source": "Source",
    "scene": "Scene",
    "gpu": "GPU",
    "archived": "Archive",
}


# How a value is said, where it does not say itself.
SAID: dict[str, Callable[[Any], str]] = {
    "range": lambda value: f"last {dict(RANGES)[value]}" if value in DAYS else "today",
    "status": lambda values: ", ".join(STATUSES[each][0].lower() for each in values),
    "note": fallback_label,
    "findings": lambda value: FOUND[value][0].lower(),
    "archived": lambda value: ARCHIVED[value][0].lower(),
    "mine": lambda _: "you",
    "workload": lambda value: str(value)[:8],
}


def _words(name: str, value: Any) -> str:
    return SAID.get(name, str)(value)


def _without(query: Any, name: str) -> str:
    rest = query.copy()
    for each in (name, "cursor"):
        rest.pop(each, None)
    return str(rest.urlencode())

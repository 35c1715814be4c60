"""Runs to compare with: the newest of the same work, else the team's newest."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from history.explore.listing import names_of_runs, status_of_run, title_of_run
from history.models import Run
from telemetry.models import Team

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A run that may be added."""

    pk: int
    name: str
    of: str
    status: str
    label: str
    began_at: datetime


def suggestions(team: Team, base: Run | None, chosen: Collection[int]) -> list[Suggestion]:
    """Return runs that are not chosen yet: like the base where that is known."""
    runs = Run.objects.kept().filter(team=team).exclude(pk__in=chosen).order_by("-began_at")
    if base is not None and base.work:
        runs = runs.filter(work=base.work)
    found = list(runs[:SHOWN])
    names = names_of_runs(found)
    return [
        Suggestion(
            run.pk,
            *(names.get(run.pk) or title_of_run(run)),
            *status_of_run(run, []),
            run.began_at,
        )
        for run in found
    ]

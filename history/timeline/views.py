"""The page of a team's past runs over time."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.explore.filters import RANGES, RunFilters, chips
from history.explore.listing import names_of_runs
from history.models import Run
from history.run_rows import PROMPT_SOURCE
from history.strip import LETTERS
from history.timeline.axis import ticks_of
from history.timeline.lanes import GAP, TOP, lanes_of, told
from history.timeline.parts import Lane, word
from history.timeline.reading import MOST, Read, read
from history.timeline.window import FACTOR, LEAST, Window, window_of
from telemetry.access import team_for
from telemetry.models import Server
from telemetry.text import plural

TIMES = ("since", "until", "range", "cursor")


@require_safe
@login_required
def runs_timeline(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team's runs over time, as the address filters them."""
    return render(request, "history/timeline.html", _context(request, slug))


@require_safe
@login_required
def runs_timeline_record(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the strip and its table alone, for a page that is open."""
    return render(request, "history/timeline.html#past", _context(request, slug))


def _context(request: HttpRequest, slug: str) -> dict[str, Any]:
    membership, at = team_for(request.user, slug), timezone.now()
    kept = request.GET.copy()
    for name in TIMES:
        kept.pop(name, None)
    filters = RunFilters(kept, membership)
    runs = filters.applied(Run.objects.kept().filter(team=membership.team), at)
    window, problem = window_of(request.GET.dict(), runs, at)
    found = read(runs, window)
    return {
        "team": membership.team,
        "filters": filters,
        "chips": chips(filters, request.GET),
        "problem": problem,
        "window": window,
        # What is past in all of its window is as it will be.
        "follows": "until" not in request.GET or window.until >= at,
        "query": request.GET.urlencode(),
        "ways": _ways(window, kept),
        "ranges": [(name, label, _query(kept, range=name)) for name, label in RANGES],
        "range": "" if {"since", "until"} & request.GET.keys() else request.GET.get("range"),
        "listed": _listed(window, kept),
        "most": f"{MOST:,}",
        **_drawn(found, window, kept),
        **({} if found.pieces else _nearest(runs, window, kept, membership.team.pk)),
    }


def _drawn(found: Read, window: Window, kept: QueryDict) -> dict[str, Any]:
    """Return what the strip and its table place."""
    ids = {piece.server for piece in found.pieces if piece.server}
    servers = dict(Server.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    lanes = lanes_of(found.pieces, servers, window)
    return {
        "lanes": told(lanes, _names(lanes), partial(address, kept=kept)),
        "ticks": ticks_of(window),
        "height": lanes[-1].y + lanes[-1].height + GAP if lanes else TOP,
        "now": window.place(window.at) if window.at <= window.until else None,
        "cut_at": found.cut_at,
        "cut": window.place(found.cut_at) if found.cut_at else None,
        "said": _said(found),
        "is_binned": any(lane.bins for lane in lanes),
    }


def _names(lanes: list[Lane]) -> dict[int, tuple[str, str]]:
    """Return what to call those of the drawn runs that are one prompt each."""
    ids = {bar.pk for lane in lanes for bar in lane.bars}
    alone = Run.objects.filter(pk__in=ids, source=PROMPT_SOURCE).only("pk", "source")
    return names_of_runs(list(alone)) if ids else {}


def _said(found: Read) -> str:
    """Return how many runs of each outcome there are; one on two servers is one."""
    ends = {piece.pk: piece.status for piece in found.pieces}
    counts = Counter(ends.values())
    ended = [f"{counts[s]:,} {word(s)}" for s in LETTERS if counts[s]]
    return f"{plural(len(ends), 'run')}: {', '.join(ended)}" if ends else "No run"


def _ways(window: Window, kept: QueryDict) -> dict[str, str | None]:
    """Return the addresses to zoom and to move; None where there is none further."""
    others = {
        "earlier": window.moved(-0.5),
        "later": window.moved(0.5),
        "closer": window.zoomed(1 / FACTOR),
        "wider": window.zoomed(FACTOR),
    }
    led = {
        name: address(other.since, other.until, kept) if other else None
        for name, other in others.items()
    }
    return {**led, "whole": kept.urlencode()}


def address(since: datetime, until: datetime, kept: QueryDict) -> str:
    """Return the query of a window of LEAST at the least, with the filters that are kept."""
    until = max(until, since + LEAST)
    return _query(kept, since=_text(since), until=_text(until))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _query(kept: QueryDict, **more: str) -> str:
    query = kept.copy()
    for name, value in more.items():
        query[name] = value
    return query.urlencode()


def _listed(window: Window, kept: QueryDict) -> str:
    """Return the query with which the list shows the days of a window."""
    days = [timezone.localtime(at).date().isoformat() for at in (window.since, window.until)]
    return _query(kept, since=days[0], until=days[1])


def _nearest(runs: "QuerySet[Run]", window: Window, kept: QueryDict, team: int) -> dict[str, Any]:
    """Return where the runs are, if none lies within the window."""
    before = runs.filter(began_at__lt=window.since).order_by("-began_at")
    behind = runs.filter(began_at__gte=window.until).order_by("began_at")
    half = (window.until - window.since) / 2
    near: dict[str, Any] = {"any": Run.objects.kept().filter(team=team).exists()}
    for name, found in (("before", before), ("behind", behind)):
        at = found.values_list("began_at", flat=True).first()
        near[name] = at and {"at": at, "query": address(at - half, at + half, kept)}
    return near

"""The page of a run, its part that comes from the record, and what members write about it."""

from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from history.access import run_for, run_in
from history.deletion import may_delete
from history.explore.found import found_in_words, found_tone
from history.explore.listing import names_of_runs, status_of_run, title_of_run
from history.freshness import freshness_of
from history.judged.words import compared_with
from history.models import Run, RunNote
from history.run_charts.views import places_of
from history.run_page import cards, earlier, fallbacks, footer, policy, scenes, timeline, whole
from history.run_page.ending import ending
from history.run_page.reading import FINDINGS, SCENES, Read, read_run, running_on
from history.run_page.told import told_of
from history.run_page.whole import reasons, scenes_now
from history.run_page.why import normality, why
from history.strip import sentence
from telemetry.access import team_for
from telemetry.models import Membership, Role
from telemetry.text import duration, plural
from telemetry.wall_page import walls_of
from telemetry.words import Status

NOTES = 100
DECISIONS = 10


@require_safe
@login_required
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to a run's page: what the wall shows is drawn once for everybody, and knows no team."""
    found = run_for(request.user, pk)
    return redirect("run_page", found.team.slug, found.pk)


@require_safe
@login_required
def run_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a run: what it does, what happened and why, and whether that was normal."""
    membership = team_for(request.user, slug)
    read = _read(request, membership, pk)
    context = {
        **_record(membership, read),
        "notes": list(read.run.notes.order_by("-pk")[:NOTES])[::-1],
        "may_act": membership.may(Role.OPERATOR),
        "may_delete": may_delete(membership, read.run),
        "decisions": read.run.decisions.all()[:DECISIONS],
        "told": told_of(read.run, membership.may(Role.OPERATOR)),
        "topics": " ".join([f"run-{read.run.pk}", *(f"server-{s}" for s in read.servers)]),
        "refresh_on": _refresh_on(read),
        "asked": _query(read.first, _warned_only(request)),
        "told_by": footer.told_by(read),
        "gaps": footer.gaps(read),
    }
    return render(request, "history/run/page.html", context)


def _read(request: HttpRequest, membership: Membership, pk: int) -> Read:
    found = run_in(membership, pk)
    return read_run(found, timezone.now(), _first(request), _warned_only(request))


@require_safe
@login_required
def run_record(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Return the part of the page that comes from the record, for a page that is open."""
    membership = team_for(request.user, slug)
    read = _read(request, membership, pk)
    return render(request, "history/run/_record.html", _record(membership, read))


class NoteForm(forms.Form):
    """What a member writes about a run."""

    text = forms.CharField(max_length=2000)


@require_POST
@login_required
def add_note(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep what an operator writes about a run."""
    membership = team_for(request.user, slug, Role.OPERATOR)
    found, form = run_in(membership, pk), NoteForm(request.POST)
    if form.is_valid():
        who, text = membership.user.get_username(), form.cleaned_data["text"]
        RunNote.objects.create(
            run=found, user=membership.user, who=who, at=timezone.now(), text=text
        )
    else:
        messages.error(request, "Write a note of 1 to 2,000 characters.")
    return redirect("run_page", slug, pk)


def _first(request: HttpRequest) -> int:
    """Return the first scene that the address asks for; the first of all if it makes no sense."""
    told = request.GET.get("scene", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 7 else 0


def _warned_only(request: HttpRequest) -> bool:
    """Say whether the address asks for the scenes alone that ask for attention."""
    return request.GET.get("warnings") == "1"


def _query(first: int, warned_only: bool) -> str:
    """Return the query of the page that begins with a scene, with its question mark; "" of all."""
    asked = {"warnings": 1 if warned_only else None, "scene": first or None}
    told = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"?{told}" if told else ""


def _refresh_on(read: Read) -> str:
    """Return the elements whose news may concern the run."""
    parts = ("exec", "next", "ended")
    return " ".join(
        [f"run-{read.run.pk}-mini", *(f"server-{s}-{part}" for s in read.servers for part in parts)]
    )


def _record(membership: Membership, read: Read) -> dict[str, Any]:
    rows = scenes.rows(read)
    return {
        "team": membership.team,
        "run": read.run,
        **_head(read),
        **_telemetry(read),
        "rows": rows,
        **_pages(read),
        "policy": policy.rows(read.run.policy) if read.run.policy else [],
        "impact": policy.impact(read.run, read.judged.earlier) if read.run.policy else [],
        "fallbacks": fallbacks.fallbacks_of(read),
        "no_fallbacks": fallbacks.without_any(read.run),
        "cards": cards.cards(read),
        "earlier": earlier.earlier(read),
        "charts": places_of(read.run, membership.team.slug),
        "compared": compared_with(read.judged.run),
        "timeline": timeline.timeline_of(read),
        "fresh": freshness_of(read.run, read.at, settings.STALE_AFTER_H),
        "findings": [one for one in read.findings if one.place < FINDINGS],
        "more_findings": max(0, read.run.finding_count - FINDINGS),
    }


def _head(read: Read) -> dict[str, Any]:
    run = read.run
    name, of = names_of_runs([run]).get(run.pk) or title_of_run(run)
    ordered = scenes_now(read)
    status, label = status_of_run(run, ordered)
    return {
        "name": name,
        "of": of,
        "status": status,
        "label": label,
        "tags": _tags(run),
        "found": found_in_words(run),
        "found_tone": found_tone(run),
        "why": why(run, read.all_scenes, reasons(read), len(read.running)),
        "normality": _normality(read),
        "strip": sentence(Counter(one.status for one in ordered)) if ordered else "",
        "where": ", ".join(sorted(server.name for server in read.servers.values())),
        "lasted": duration(_lasted(run, read.at)),
        "ending": ending(read),
        "compare_with": _compare_with(read),
    }


def _normality(read: Read) -> str:
    judged = read.judged
    return normality(judged.run, judged.scenes.values(), read.is_open, read.is_part)


def _compare_with(read: Read) -> str:
    """Return the runs to compare: the newest of its baseline as the base, and this one."""
    newest = [str(pk) for pk in read.judged.run.baseline.ids[-1:]]
    return ",".join([*newest, str(read.run.pk)])


def _tags(run: Run) -> list[str]:
    told = [run.gpu_model, "archived" if run.archived_at else None]
    return [tag for tag in told if tag]


def _lasted(of: Run, at: datetime) -> float | None:
    return (at - of.began_at).total_seconds() if of.open_count else of.duration_s


def _telemetry(read: Read) -> dict[str, Any]:
    """Return what happens now on the servers where prompts of the run are at work."""
    at_work = [read.servers[pk] for pk in running_on(read) if pk in read.servers]
    waiting = sum(attempt.status == Status.QUEUED for attempt in read.open)
    return {
        "walls": walls_of(read.run.team_id, at_work),
        "waiting": plural(waiting, "prompt") if waiting else "",
    }


def _pages(read: Read) -> dict[str, Any]:
    """Return which scenes are on this page, where the others are, and how many are warned of."""
    warned_only, count = read.listed is not read.all_scenes, len(read.listed)
    return {
        "problems": whole.problems(read),
        "warned": len(read.warned),
        "warned_only": warned_only,
        "all_count": len(read.all_scenes),
        "shown": _said(read, count, warned_only),
        "is_part": len(read.scenes) < count,
        "pages": _numbered(read, warned_only) if len(read.scenes) < count else [],
    }


def _said(read: Read, count: int, warned_only: bool) -> str:
    """Return "201 to 400 of 512", "2 of 3 with warnings"; how many where all are shown."""
    first, shown = read.first, len(read.scenes)
    of = f"{len(read.all_scenes):,} with warnings" if warned_only else ""
    if shown == count:
        return f"{shown:,} of {of}" if of else f"{shown:,}"
    which = f"{first + 1:,} to {first + shown:,}" if shown else "none"
    return f"{which} of {count:,}{' with warnings' if warned_only else ''}"


def _numbered(read: Read, warned_only: bool) -> list[tuple[str, str, bool]]:
    """Return the pages: which scenes, their query, and whether it is this one."""
    return [
        (
            f"{first + 1:,} to {min(first + SCENES, len(read.listed)):,}",
            _query(first, warned_only) or "?",
            first == read.first,
        )
        for first in range(0, len(read.listed), SCENES)
    ]

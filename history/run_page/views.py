"""The page of a run, its part that comes from the record, and what members write about it."""

from collections import Counter
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from history.access import run_for, run_in
from history.explore.listing import names_of_runs, status_of_run, title_of_run
from history.judged.words import compared_with
from history.models import Run, RunNote
from history.run_charts.views import places_of
from history.run_page import cards, fallbacks, footer, policy, scenes, timeline
from history.run_page.reading import FINDINGS, SCENES, Read, read_run, running_on
from history.run_page.told import told_of
from history.run_page.why import normality, reason_of, why
from history.strip import SceneNow, sentence
from telemetry.access import team_for
from telemetry.models import Membership, Role
from telemetry.text import duration, plural
from telemetry.wall_page import walls_of
from telemetry.words import Status

NOTES = 100


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
    read = read_run(run_in(membership, pk), timezone.now(), _first(request))
    context = {
        **_record(membership, read),
        "notes": list(read.run.notes.order_by("-pk")[:NOTES])[::-1],
        "may_act": membership.may(Role.OPERATOR),
        "told": told_of(read.run, membership.may(Role.OPERATOR)),
        "topics": " ".join([f"run-{read.run.pk}", *(f"server-{s}" for s in read.servers)]),
        "refresh_on": _refresh_on(read),
        "told_by": footer.told_by(read),
        "gaps": footer.gaps(read),
    }
    return render(request, "history/run/page.html", context)


@require_safe
@login_required
def run_record(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Return the part of the page that comes from the record, for a page that is open."""
    membership = team_for(request.user, slug)
    read = read_run(run_in(membership, pk), timezone.now(), _first(request))
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
    return int(told) if told.isdecimal() and len(told) < 7 else 0


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
        **_head(read, rows),
        **_telemetry(read),
        "rows": rows,
        **_pages(read, rows),
        "policy": policy.rows(read.run.policy) if read.run.policy else [],
        "impact": policy.impact(read.run, read.judged.earlier) if read.run.policy else [],
        "fallbacks": fallbacks.fallbacks_of(read.run, read.notes),
        "cards": cards.cards(read),
        "earlier": cards.earlier(read),
        "charts": places_of(read.run, membership.team.slug),
        "compared": compared_with(read.judged.run),
        "timeline": timeline.timeline_of(read),
        "findings": read.findings,
        "more_findings": max(0, read.run.finding_count - FINDINGS),
    }


def _head(read: Read, rows: list[scenes.SceneRow]) -> dict[str, Any]:
    run = read.run
    name, of = names_of_runs([run]).get(run.pk) or title_of_run(run)
    running = sum(row.status == "executing" for row in rows)
    ordered = [SceneNow(row.name, row.status) for row in rows]
    status, label = status_of_run(run, ordered)
    return {
        "name": name,
        "of": of,
        "status": status,
        "label": label,
        "tags": _tags(run),
        "why": why(run, read.all_scenes, _reasons(read), running),
        "normality": normality(read.judged.run, read.judged.scenes.values(), read.is_open),
        "strip": sentence(Counter(one.status for one in ordered)) if ordered else "",
        "where": ", ".join(sorted(server.name for server in read.servers.values())),
        "lasted": duration(_lasted(run, read.at)),
        "compare_with": _compare_with(read),
    }


def _compare_with(read: Read) -> str:
    """Return the runs to compare: the newest of its baseline as the base, and this one."""
    newest = [str(pk) for pk in read.judged.run.baseline.ids[-1:]]
    return ",".join([*newest, str(read.run.pk)])


def _tags(run: Run) -> list[str]:
    told = [run.gpu_model, "archived" if run.archived_at else None]
    return [tag for tag in told if tag]


def _lasted(of: Run, at: datetime) -> float | None:
    return (at - of.began_at).total_seconds() if of.open_count else of.duration_s


def _reasons(read: Read) -> dict[int, str]:
    told = {}
    for scene in read.scenes:
        attempts = read.attempts.get(scene.pk, [])
        told[scene.pk] = reason_of(scene, scenes.deciding(scene, attempts))
    return told


def _telemetry(read: Read) -> dict[str, Any]:
    """Return what happens now on the servers where prompts of the run are at work."""
    at_work = [read.servers[pk] for pk in running_on(read) if pk in read.servers]
    waiting = sum(attempt.status == Status.QUEUED for attempt in read.every_attempt)
    return {
        "walls": walls_of(read.run.team_id, at_work),
        "waiting": plural(waiting, "prompt") if waiting else "",
    }


def _pages(read: Read, rows: list[scenes.SceneRow]) -> dict[str, Any]:
    """Return where the scenes that are not on this page are."""
    first = (read.scenes[0].position or 0) if read.scenes else 0
    last = first + len(rows)
    problems = sum(row.is_problem for row in rows)
    return {
        "problems": problems,
        "before": max(0, first - SCENES) if first else None,
        "after": last if last < len(read.all_scenes) else None,
        "shown": f"{first + 1:,} to {last:,} of {len(read.all_scenes):,}"
        if len(read.all_scenes) > SCENES
        else f"{len(rows):,}",
    }

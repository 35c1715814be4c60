"""The page of a scene, and its part that comes from the record."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from history.access import scene_in
from history.explore.listing import names_of_runs, title_of_run
from history.failures.page import DAYS, bars, by_day
from history.freshness import freshness_of
from history.judged.words import trend_of
from history.models import Run
from history.run_page.script import Seen, entry_seen, memory_around, script_of
from history.scene_page import attempts, earlier, fault, nodes
from history.scene_page.answer import answer, health
from history.scene_page.charts import places_of
from history.scene_page.outputs import outputs_of
from history.scene_page.reading import Read, read_scene
from history.scene_page.told import told_of
from history.scene_page.trace import trace_of
from telemetry.access import team_for
from telemetry.models import Membership, Role, Server
from telemetry.text import MISSING
from telemetry.wall_page import walls_of


@require_safe
@login_required
def scene_page(request: HttpRequest, slug: str, run_pk: int, pk: int) -> HttpResponse:
    """Show a scene: why it failed, and whether it is healthy over time."""
    membership = team_for(request.user, slug)
    read = _read(request, membership, run_pk, pk)
    context = {
        **_record(membership, read),
        "topics": " ".join([f"run-{run_pk}", *(f"server-{s}" for s in read.server_ids)]),
        "refresh_on": _refresh_on(read),
        "told": told_of(read, membership.may(Role.OPERATOR)),
        "asked": f"?attempt={read.shown.pk}" if read.shown and _asked(request) else "",
    }
    return render(request, "history/scene/page.html", context)


@require_safe
@login_required
def scene_record(request: HttpRequest, slug: str, run_pk: int, pk: int) -> HttpResponse:
    """Return the part of the page that comes from the record, for a page that is open."""
    membership = team_for(request.user, slug)
    read = _read(request, membership, run_pk, pk)
    return render(request, "history/scene/_record.html", _record(membership, read))


def _read(request: HttpRequest, membership: Membership, run_pk: int, pk: int) -> Read:
    scene = scene_in(membership, run_pk, pk)
    return read_scene(scene, timezone.now(), _asked(request), membership.may(Role.OPERATOR))


def _asked(request: HttpRequest) -> int | None:
    """Return the attempt that the address asks for; None if it makes no sense."""
    told = request.GET.get("attempt", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 19 else None


def _refresh_on(read: Read) -> str:
    """Return the elements whose news may concern the scene."""
    parts = ("exec", "next", "ended")
    return " ".join(
        [f"run-{read.run.pk}-mini", *(f"server-{s}-{p}" for s in read.server_ids for p in parts)]
    )


def _record(membership: Membership, read: Read) -> dict[str, Any]:
    may_act = membership.may(Role.OPERATOR)
    return {
        "team": membership.team,
        "run": read.run,
        "scene": read.scene,
        "may_act": may_act,
        **_head(read),
        **_fault(read, may_act),
        "rows": attempts.rows(read),
        "used": attempts.used(read),
        "best": attempts.best_of(read),
        "untold": attempts.untold(read),
        "has_frames": attempts.has_frames(read),
        "waterfall": nodes.waterfall_of(read),
        "why_no_nodes": nodes.why_none(read),
        "trace": trace_of(read),
        "around": _around(read),
        "outputs": outputs_of(read),
        "fresh": freshness_of(read.run, read.at, settings.STALE_AFTER_H),
        "charts": places_of(read.scene, membership.team.slug),
        "earlier": earlier.rows(read),
        "usual": earlier.usual(read),
        "compared": read.judged.baseline.sentence(),
        "trend": trend_of(read.judged),
        "walls": _walls(read),
    }


def _head(read: Read) -> dict[str, Any]:
    scene = read.scene
    name, of = _name_of_run(read.run)
    status, label = earlier.status_of_scene(scene, read.running is not None)
    return {
        "name": scene.title or scene.external_id,
        "short": scene.external_id,
        "run_name": name,
        "run_of": of,
        "status": status,
        "label": label,
        "answer": answer(read),
        "health": health(read),
        "where": _where(read),
        "in_attempts": attempts.time_in_attempts(read) if read.attempts else MISSING,
        "before": read.before,
        "after": read.after,
        "shown": next((row for row in attempts.rows(read) if row.is_shown), None),
    }


def _name_of_run(run: Run) -> tuple[str, str]:
    return names_of_runs([run]).get(run.pk) or title_of_run(run)


def _where(read: Read) -> str:
    """Return the server and its GPU, as far as they are known."""
    on = read.shown.server if read.shown and read.shown.server else read.scene.server
    return ", ".join(filter(None, (on.name if on else "", read.scene.gpu_model)))


def _fault(read: Read, may_act: bool) -> dict[str, Any]:
    family = fault.family_of(read)
    days = by_day(family, read.at) if family else []
    return {
        "fault": fault.fault_of(read),
        "facts": fault.facts_of(read, may_act),
        "seen": fault.seen_of(read),
        "bars": bars(days) if any(days) else [],
        "in_days": sum(days),
        "days": DAYS,
    }


def _around(read: Read) -> list[Seen]:
    """Return the memory and the history around the attempt that is looked at."""
    if read.shown is None:
        return []
    script = script_of(read.shown)
    told = memory_around(read.memory.get(read.shown.pk), script), entry_seen(script)
    return [line for line in told if line is not None]


def _walls(read: Read) -> list[Any]:
    """Return what happens now on the server where it is at work."""
    running = read.running
    on: list[Server] = [running.server] if running and running.server else []
    return walls_of(read.run.team_id, on) if on else []

"""Bells: who wants to be told when a run or a prompt ends.

The server keeps no more than the wish. Who is there when it ends learns it from the wall itself, by
what stands in data-over (static/js/bell.js); who was away, from this list at the next visit. Either
takes the wish back once it is told.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from history.access import attempt_of, run_for, watches_of
from history.models import Attempt, Run, RunWatch
from history.run_rows import PROMPT_SOURCE
from history.strip import outcome_of, status_of
from telemetry.access import Person, team_for
from telemetry.identity import Identity
from telemetry.models import Membership
from telemetry.titles import title_of
from telemetry.transitions import Key
from telemetry.words import OUTCOME_LABELS, Outcome, Status

MOST = 100
# Scenes that are submitted one after the other: between two of them a run is not over. One that is
# a single prompt has no other.
SETTLE = timedelta(seconds=10)
TONES = {"completed": "ok", "failed": "bad", "unknown": "mute"}
LABELS = {"completed": OUTCOME_LABELS[Outcome.SUCCESS], "unknown": "Unknown"}

Target = tuple[Run, Attempt | None]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def bells(request: HttpRequest, slug: str) -> JsonResponse:
    """List the viewer's bells, with how it ended where it did; POST what=run:7 and on=1 or 0."""
    membership = team_for(request.user, slug)
    if request.method == "POST":
        return _set(request, membership)
    watches = watches_of(membership).select_related("run", "attempt__server")
    at = timezone.now()
    return JsonResponse({"bells": [_told(watch, at) for watch in watches]})


def _set(request: HttpRequest, membership: Membership) -> JsonResponse:
    what, on = request.POST.get("what", ""), request.POST.get("on") == "1"
    if not on:
        _take_back(membership, what)
        return JsonResponse({"what": what, "on": False})
    run, attempt = _target(request.user, what)
    if run.team_id != membership.team_id:
        raise Http404
    RunWatch.objects.get_or_create(user=membership.user, run=run, attempt=attempt)
    _keep_most(membership)
    return JsonResponse({"what": what, "on": True})


def _take_back(membership: Membership, what: str) -> None:
    kept = watches_of(membership).select_related("attempt")
    gone = [watch.pk for watch in kept if what_of(watch) == what]
    RunWatch.objects.filter(pk__in=gone).delete()


def _keep_most(membership: Membership) -> None:
    newest = RunWatch.objects.filter(user=membership.user).order_by("-pk")
    RunWatch.objects.filter(pk__in=list(newest.values_list("pk", flat=True)[MOST:])).delete()


def _run(user: Person, key: str) -> Target:
    return run_for(user, int(key)), None


def _prompt(user: Person, key: str) -> Target:
    server, _, prompt_id = key.partition(":")
    attempt = attempt_of(user, int(server), prompt_id)
    return attempt.scene.run, attempt


KINDS: dict[str, Callable[[Person, str], Target]] = {"run": _run, "prompt": _prompt}


def _target(user: Person, what: str) -> Target:
    """Return what "run:7" or "prompt:3:9f6b…" names; raises Http404 where it names nothing."""
    kind, _, key = what.partition(":")
    if kind not in KINDS or not key.partition(":")[0].isdecimal() or len(key) > 300:
        raise Http404
    return KINDS[kind](user, key)


def what_of(watch: RunWatch) -> str:
    """Return what a bell is on, as the page names it."""
    attempt = watch.attempt
    return f"prompt:{attempt.server_id}:{attempt.prompt_id}" if attempt else f"run:{watch.run_id}"


def _told(watch: RunWatch, at: datetime) -> dict[str, Any]:
    end = _attempt_end(watch.attempt) if watch.attempt else _run_end(watch.run, at)
    return {"what": what_of(watch), "name": _name(watch), "end": end}


def _name(watch: RunWatch) -> str:
    attempt = watch.attempt
    if attempt is None and watch.run.source == PROMPT_SOURCE:
        attempt = Attempt.objects.filter(scene__run=watch.run).order_by("-pk").first()
    if attempt is None:
        return watch.run.story_id or watch.run.external_id
    words = {k: v for k, v in attempt.extra_data.items() if isinstance(v, str)}
    return str(title_of(Key(attempt.prompt_id, attempt.repeat), Identity(words=words)))


def _attempt_end(attempt: Attempt) -> dict[str, Any] | None:
    if attempt.status != Status.ENDED or attempt.outcome is None:
        return None
    return _end(status_of(attempt.outcome, False, False), attempt.ended_at)


def _run_end(run: Run, at: datetime) -> dict[str, Any] | None:
    """Return how a run ended; None while anything of it is open, or might come at once."""
    attempts = Attempt.objects.filter(scene__run=run)
    last = attempts.aggregate(last=Max("ended_at"))["last"]
    settle = timedelta(0) if run.source == PROMPT_SOURCE else SETTLE
    if attempts.open().exists() or (last is not None and last > at - settle):
        return None
    scenes = run.scenes.values_list("outcome", "attempt_count")
    counts = Counter(status_of(one, False, False, bool(tries)) for one, tries in scenes)
    return _end(outcome_of(counts), last)


def _end(status: str, at: datetime | None) -> dict[str, Any]:
    label = LABELS.get(status) or OUTCOME_LABELS[Outcome(status)]
    tone = TONES.get(status, "warn")
    return {"status": status, "label": label, "tone": tone, "at": at and at.isoformat()}

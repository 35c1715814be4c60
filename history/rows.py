"""One function per transition: the rows that it makes or changes. Each may be repeated.

Called inside the writer's transaction, in the order in which things happened.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Coalesce

from history.models import ActivityEvent, Attempt, Graph, NodeExecution, Run, Scene
from telemetry import transitions as t
from telemetry.activity import Happening
from telemetry.clock import seconds
from telemetry.contact import lasting
from telemetry.graph import compressed
from telemetry.leases import Leased
from telemetry.models import BlindWindow, Device, Environment, Lease
from telemetry.transitions import Key, Transition
from telemetry.words import Outcome, Status

# The source of prompts without a run; what a submitter calls so counts as the default one.
PROMPT_SOURCE = "prompt"
DEFAULT_SOURCE = "default"


def write_rows(leased: Leased, changes: list[Transition], lines: list[Happening]) -> None:
    """Write a server's changes and its lines of activity."""
    for change in changes:
        writer = WRITERS.get(type(change))
        if writer is not None:
            writer(leased, change)
    _write_activity(leased, lines)


def _attempt(leased: Leased, key: Key) -> Any:
    return Attempt.objects.filter(
        server_id=leased.server_id, prompt_id=key.prompt_id, repeat=key.repeat
    )


def _seen(leased: Leased, change: t.AttemptSeen) -> None:
    scene = _scene(leased, change)
    known = _attempt(leased, change.key).first()
    identity, facts = change.identity, change.facts
    values: dict[str, Any] = {
        "scene": scene,
        "number": change.number,
        "attempt_number": identity.attempt_number,
        "client_id": identity.client_id,
        "submitter": identity.submitter,
        "workload": facts.workload,
        "node_count": facts.node_count or None,
        "extra_data": identity.kept,
        "submitted_at": change.submitted_at,
    }
    if known is None:
        known = Attempt(
            server_id=leased.server_id,
            prompt_id=change.key.prompt_id,
            repeat=change.key.repeat,
            seen_at=change.at,
            found_later=change.found_later,
            **values,
        )
    before = known.scene_id
    for name, value in values.items():
        if value is not None:
            setattr(known, name, value)
    known.waited_s = seconds(known.started_at, known.submitted_at)
    known.save()
    _drop_empty_scene(before, scene.pk)
    _keep_graph(known, change.graph)


def _keep_graph(attempt: Attempt, graph: bytes | None) -> None:
    small = compressed(graph) if graph else None
    if small is not None:
        Graph.objects.update_or_create(attempt=attempt, defaults={"compressed": small})


def _scene(leased: Leased, change: t.AttemptSeen) -> Scene:
    """Return the scene of a prompt: the one it names, else one of its own in a run of its own."""
    words = change.identity.words
    run_id = words.get("run_id")
    own = f"{leased.server_id}/{change.key.prompt_id}/{change.key.repeat}"[:200]
    began_at = change.submitted_at or change.at
    run, created = Run.objects.get_or_create(
        team_id=leased.team_id,
        source=_source(words) if run_id else PROMPT_SOURCE,
        external_id=run_id or own,
        defaults={
            "story_id": words.get("story_id"),
            "submitter": change.identity.submitter,
            "began_at": began_at,
            "touched_at": change.at,
        },
    )
    if not created:
        _touch(run, began_at, change.at)
    scene, _ = Scene.objects.get_or_create(
        run=run, external_id=words.get("scene_id") or change.key.prompt_id
    )
    return scene


def _source(words: dict[str, str]) -> str:
    source = words.get("source", DEFAULT_SOURCE)[:80]
    return DEFAULT_SOURCE if source == PROMPT_SOURCE else source


def _touch(run: Run, began_at: datetime, at: datetime) -> None:
    began_at, at = min(began_at, run.began_at), max(at, run.touched_at)
    # A run of many scenes is touched all the time; its row need not be written each time.
    if began_at < run.began_at or at - run.touched_at > timedelta(seconds=10):
        Run.objects.filter(pk=run.pk).update(began_at=began_at, touched_at=at)


def _drop_empty_scene(before: int | None, now: int) -> None:
    """Remove the scene that a prompt had before it said whose it was, with its run."""
    if before is None or before == now:
        return
    for scene in Scene.objects.filter(pk=before, attempts=None, run__source=PROMPT_SOURCE):
        Run.objects.filter(pk=scene.run_id).delete()


def _started(leased: Leased, change: t.AttemptStarted) -> None:
    for attempt in _attempt(leased, change.key).exclude(status=Status.ENDED):
        attempt.status, attempt.started_at = Status.RUNNING, change.started_at
        attempt.waited_s = seconds(attempt.started_at, attempt.submitted_at)
        attempt.save(update_fields=["status", "started_at", "waited_s"])


def _ended(leased: Leased, change: t.AttemptEnded) -> None:
    attempt = _attempt(leased, change.key).select_related("scene").first()
    if attempt is None:
        return
    fault = change.fault or t.Fault()
    attempt.status, attempt.outcome = Status.ENDED, change.outcome
    attempt.outcome_grade, attempt.reason = change.grade, change.reason
    attempt.started_at = change.started_at or attempt.started_at
    attempt.ended_at = change.ended_at
    attempt.duration_s = _length(change)
    attempt.waited_s = seconds(attempt.started_at, attempt.submitted_at)
    attempt.cached_nodes = change.cached_nodes
    attempt.error_type, attempt.error_message = fault.type, fault.message
    attempt.error_node, attempt.error_node_type = fault.node, fault.node_type
    # A correction may come without the traceback, which the collector does not remember.
    attempt.traceback = fault.traceback or (attempt.traceback if fault.type else None)
    attempt.save()
    _settle_scene(attempt)


def _length(change: t.AttemptEnded) -> float | None:
    """Return the duration in seconds; None where the end was not seen, only that it is gone."""
    if change.outcome is Outcome.LOST:
        return None
    return seconds(change.ended_at, change.started_at)


def _settle_scene(attempt: Attempt) -> None:
    """Give the scene the outcome of its attempts: one success is enough, else the newest tells."""
    ended = Attempt.objects.filter(scene_id=attempt.scene_id, outcome__isnull=False)
    newest_last = ended.order_by(Coalesce("submitted_at", "ended_at", "seen_at"), "pk")
    outcomes = list(newest_last.values_list("outcome", flat=True))
    outcome = Outcome.SUCCESS if Outcome.SUCCESS in outcomes else outcomes[-1]
    Scene.objects.filter(pk=attempt.scene_id).update(outcome=outcome)


def _node(leased: Leased, change: t.NodeFinished) -> None:
    attempt = _attempt(leased, change.key).only("pk").first()
    if attempt is None:
        return
    NodeExecution.objects.update_or_create(
        attempt=attempt,
        node=change.node,
        defaults={
            "class_type": change.class_type,
            "started_at": change.started_at,
            "ended_at": change.ended_at,
            "duration_s": seconds(change.ended_at, change.started_at),
            "cached": change.cached,
        },
    )


def _blind(leased: Leased, change: t.BlindWindowEnded) -> None:
    BlindWindow.objects.update_or_create(
        server_id=leased.server_id,
        began_at=change.began_at,
        defaults={"ended_at": change.ended_at, "reason": change.reason[:200]},
    )


def _backfill(leased: Leased, change: t.BackfillChanged) -> None:
    Lease.objects.filter(server_id=leased.server_id).update(backfilling=change.going_on)


def _address(leased: Leased, change: t.AddressChanged) -> None:
    Lease.objects.filter(server_id=leased.server_id).update(url=change.url)


def _environment(leased: Leased, change: t.EnvironmentChanged) -> None:
    stats = change.stats
    fingerprint = hashlib.sha256(json.dumps(lasting(stats), default=str).encode()).hexdigest()
    newest = Environment.objects.filter(server_id=leased.server_id).order_by("-since").first()
    if newest is None or newest.fingerprint != fingerprint:
        Environment.objects.create(
            server_id=leased.server_id,
            since=change.at,
            fingerprint=fingerprint,
            comfyui_version=stats.comfyui_version,
            python_version=stats.python_version,
            pytorch_version=stats.pytorch_version,
            os=stats.os,
            ram_total_bytes=stats.ram_total,
            argv=list(stats.argv),
            devices=[
                {"name": d.name[:120], "type": d.type, "index": d.index, "vram": d.vram_total}
                for d in stats.devices
            ],
        )
    _devices(leased, change)


def _devices(leased: Leased, change: t.EnvironmentChanged) -> None:
    places = range(len(change.stats.devices))
    Device.objects.filter(server_id=leased.server_id).exclude(index__in=places).delete()
    for place, device in enumerate(change.stats.devices):
        Device.objects.update_or_create(
            server_id=leased.server_id,
            index=place,
            defaults={
                "name": device.name[:120] or device.type[:120] or "device",
                "kind": device.type[:20],
                "vram_total_bytes": device.vram_total,
                "seen_at": change.at,
            },
        )


WRITERS: dict[type[Any], Callable[[Leased, Any], None]] = {
    t.AttemptSeen: _seen,
    t.AttemptStarted: _started,
    t.AttemptEnded: _ended,
    t.NodeFinished: _node,
    t.BlindWindowEnded: _blind,
    t.BackfillChanged: _backfill,
    t.EnvironmentChanged: _environment,
    t.AddressChanged: _address,
}


def _write_activity(leased: Leased, lines: list[Happening]) -> None:
    """Write the feed's lines; one that is told again takes over its newest words."""
    rows = {line.event_id: _activity(leased, line) for line in lines}
    ActivityEvent.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["server", "key"],
        update_fields=["kind", "tone", "text", "detail", "at"],
    )


def _activity(leased: Leased, line: Happening) -> ActivityEvent:
    attempt = _attempt(leased, line.key).only("pk").first() if line.key else None
    return ActivityEvent(
        team_id=leased.team_id,
        server_id=leased.server_id,
        attempt=attempt,
        key=line.event_id,
        kind=line.kind,
        tone=line.tone,
        text=line.text[:300],
        detail=line.detail[:300],
        at=line.at,
    )

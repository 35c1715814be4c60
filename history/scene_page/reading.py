"""What a scene's page reads: the same queries however many attempts, nodes and runs there are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.http import Http404

from history.deciding import deciding
from history.judged.judging import Judged, judge_scene
from history.models import (
    Attempt,
    AttemptMemory,
    AttemptOutputs,
    GpuSample,
    Graph,
    NodeExecution,
    Run,
    Scene,
    Workload,
)
from history.run_rows import PROMPT_SOURCE
from history.words import Span
from telemetry.words import Status

# Nobody tries a scene so often; who does sees the newest.
ATTEMPTS = 100
NODES = 300
EARLIER = 20
# Beyond it a trace is drawn of minutes.
RAW_TRACE = timedelta(hours=2)
SAMPLES = 4000


@dataclass(slots=True)
class Read:
    """A scene with all that its page tells; `shown` is the attempt that is looked at."""

    scene: Scene
    at: datetime
    judged: Judged
    attempts: list[Attempt]
    shown: Attempt | None = None
    traceback: str | None = None
    memory: dict[int, AttemptMemory] = field(default_factory=dict)
    nodes: list[NodeExecution] = field(default_factory=list)
    graph: bytes | None = None
    samples: list[GpuSample] = field(default_factory=list)
    outputs: AttemptOutputs | None = None
    workload: Workload | None = None
    earlier: list[Scene] = field(default_factory=list)
    peaks: dict[int, AttemptMemory] = field(default_factory=dict)
    before: Scene | None = None
    after: Scene | None = None

    @property
    def run(self) -> Run:
        """Return the scene's run."""
        return self.scene.run

    @property
    def decides(self) -> bool:
        """Say whether the attempt that is looked at is the one that the scene is told by."""
        return self.shown is None or self.shown is deciding(self.scene, self.attempts)

    @property
    def running(self) -> Attempt | None:
        """Return the attempt that is at work."""
        return next((a for a in self.attempts if a.status == Status.RUNNING), None)

    @property
    def server_ids(self) -> list[int]:
        """Return the servers of its attempts."""
        return sorted({a.server_id for a in self.attempts if a.server_id})


def read_scene(scene: Scene, at: datetime, attempt: int | None, operator: bool) -> Read:
    """Return a scene as its page shows it; raises Http404 for an attempt that is not of it."""
    read = Read(scene, at, judge_scene(scene, at), _attempts(scene))
    read.shown = _shown(read, attempt)
    read.memory = _fullest(AttemptMemory.objects.filter(attempt__in=[a.pk for a in read.attempts]))
    if read.shown is not None:
        _read_shown(read, read.shown, operator)
    kind = (read.shown.workload if read.shown else None) or scene.workload
    read.workload = Workload.objects.filter(digest=kind).first() if kind else None
    read.earlier = _earlier(scene)
    of_earlier = AttemptMemory.objects.filter(attempt__scene__in=[s.pk for s in read.earlier])
    read.peaks = _fullest(of_earlier.annotate(of=F("attempt__scene")), "of")
    _read_neighbours(read)
    return read


def _attempts(scene: Scene) -> list[Attempt]:
    found = Attempt.objects.filter(scene=scene).defer("traceback")
    found = found.select_related("server", "script_report", "failure__family")
    return list(found.order_by("-pk")[:ATTEMPTS])[::-1]


def _shown(read: Read, wanted: int | None) -> Attempt | None:
    """Return the attempt that was asked for; else the one at work, else the one that decides."""
    if wanted is None:
        return read.running or deciding(read.scene, read.attempts)
    found = next((a for a in read.attempts if a.pk == wanted), None)
    if found is None:
        raise Http404
    return found


def _read_shown(read: Read, shown: Attempt, operator: bool) -> None:
    if operator:
        told = Attempt.objects.filter(pk=shown.pk).values_list("traceback", flat=True)
        read.traceback = told.first()
    nodes = NodeExecution.objects.filter(attempt=shown).order_by(F("started_at").asc(), "pk")
    read.nodes = list(nodes[:NODES])
    graph = Graph.objects.filter(pk=shown.pk).values_list("compressed", flat=True).first()
    read.graph = bytes(graph) if graph is not None else None
    read.samples = _samples(read, shown)
    read.outputs = AttemptOutputs.objects.filter(pk=shown.pk).first()


def _fullest(rows: Any, of: str = "attempt_id") -> dict[int, AttemptMemory]:
    """Return of each attempt, or scene, the device that had least left."""
    told: dict[int, AttemptMemory] = {}
    for one in rows.order_by():
        known = told.get(getattr(one, of))
        if known is None or _left(one) < _left(known):
            told[getattr(one, of)] = one
    return told


def _left(memory: AttemptMemory) -> float:
    left = memory.free_lowest_bytes
    return float("inf") if left is None else left


def _samples(read: Read, shown: Attempt) -> list[GpuSample]:
    """Return the server's devices while the attempt was at work, in the finest spans on record."""
    if shown.server_id is None or shown.started_at is None:
        return []
    until = shown.ended_at or read.at
    long = until - shown.started_at > RAW_TRACE
    spans = (Span.MINUTE, Span.HOUR) if long else (Span.RAW, Span.MINUTE)
    found = GpuSample.objects.filter(
        server=shown.server_id,
        index__in=range(16),
        span_s__in=spans,
        at__gt=shown.started_at - timedelta(seconds=max(spans)),
        at__lt=until,
    )
    rows = list(found.order_by("span_s", "index", "at")[:SAMPLES])
    finest = rows[0].span_s if rows else 0
    within = shown.started_at - timedelta(seconds=finest)
    return [row for row in rows if row.span_s == finest and row.at > within]


def _earlier(scene: Scene) -> list[Scene]:
    """Return the scene in the runs before, newest first; of a single prompt the same work."""
    own = Scene.objects.filter(team=scene.team_id, run__deleted_at=None).exclude(run=scene.run_id)
    if scene.run.source != PROMPT_SOURCE:
        since = scene.began_at or scene.run.began_at
        same = own.filter(external_id=scene.external_id, workload=scene.workload)
        found = same.filter(began_at__lt=since).order_by("-began_at")
    elif scene.workload is None:
        return []
    else:
        alike = own.filter(workload=scene.workload, gpu_model=scene.gpu_model)
        found = _before(alike, scene).order_by("-ended_at")
    return list(found.select_related("run", "server")[:EARLIER])


def _before(scenes: Any, scene: Scene) -> Any:
    ended = scenes.exclude(ended_at=None)
    return ended if scene.ended_at is None else ended.filter(ended_at__lt=scene.ended_at)


def _read_neighbours(read: Read) -> None:
    """Read the scenes before and after it in its run."""
    place = read.scene.position
    if place is None:
        return
    beside: Iterable[Scene] = (
        Scene.objects.filter(run=read.scene.run_id, position__in=(place - 1, place + 1))
        .order_by()
        .only("position", "external_id", "run")
    )
    for other in beside:
        if other.position == place - 1:
            read.before = other
        else:
            read.after = other

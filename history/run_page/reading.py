"""What a run's page reads: the same queries however many scenes there are."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Min, Q

from history.judged.judging import JudgedRun, judge_run
from history.models import (
    Attempt,
    AttemptMemory,
    FallbackNote,
    Finding,
    PollLog,
    Run,
    Scene,
    SceneReport,
)
from history.run_page.warned import warned_in
from telemetry.models import BlindWindow, Server
from telemetry.words import Outcome, Status

# More rows are pages of their own; the strip and the sentence speak of all.
SCENES = 200
FINDINGS = 100
GAPS = 10
# Why a scene that is on another page did not complete takes no more of its attempts.
WHY = (
    *("scene", "outcome", "frames", "submitted_at", "ended_at", "seen_at"),
    *("error_type", "error_node_type", "error_message", "reason"),
)
TIMES = ("submitted_at", "started_at", "ended_at", "seen_at", "origin", "found_later")


@dataclass(slots=True)
class Read:
    """A run with all that is below it. `scenes` are those of this page, `all_scenes` all.

    `listed` are those that its pages show, this one from the `first` on: all, or the `warned`
    alone. `times` are begins and ends of the attempts of the whole run, `notes` all of its notes by
    kind; `findings` the first of the run, and those of this page's scenes. `open` are the attempts
    of the whole run that go on; `elsewhere` those of scenes on other pages that did not complete;
    `origins` how many attempts each origin told of, and found only later.
    """

    run: Run
    at: datetime
    all_scenes: list[Scene]
    scenes: list[Scene]
    judged: JudgedRun
    listed: list[Scene] = field(default_factory=list)
    first: int = 0
    warned: dict[int, list[str]] = field(default_factory=dict)
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)
    memory: dict[int, AttemptMemory] = field(default_factory=dict)
    notes: list[Any] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    polls: dict[int, PollLog] = field(default_factory=dict)
    policies: dict[int, Any] = field(default_factory=dict)
    servers: dict[int, Server] = field(default_factory=dict)
    gaps: list[BlindWindow] = field(default_factory=list)
    lowest: dict[int, int] = field(default_factory=dict)
    open: list[Attempt] = field(default_factory=list)
    elsewhere: dict[int, list[Attempt]] = field(default_factory=dict)
    origins: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def every_attempt(self) -> list[Attempt]:
        """Return the attempts of this page's scenes."""
        return [attempt for attempts in self.attempts.values() for attempt in attempts]

    @property
    def running(self) -> set[int]:
        """Return the scenes of the whole run that have a prompt at work."""
        return {attempt.scene_id for attempt in self.open if attempt.status == Status.RUNNING}

    @property
    def is_part(self) -> bool:
        """Say whether there are scenes on other pages."""
        return len(self.scenes) < len(self.all_scenes)

    @property
    def is_open(self) -> bool:
        """Say whether a scene is queued or executing."""
        return self.run.open_count > 0


def read_run(run: Run, at: datetime, first: int = 0, warned_only: bool = False) -> Read:
    """Return a run as its page shows it, with SCENES scenes from the `first` on."""
    every = list(Scene.objects.filter(run=run).order_by("position", "pk"))
    warned = warned_in(run, every)
    listed = [scene for scene in every if scene.pk in warned] if warned_only else every
    scenes = listed[first : first + SCENES]
    read = Read(run, at, every, scenes, judge_run(run, scenes, at), listed, first, warned)
    ids = [scene.pk for scene in scenes]
    read.attempts = _attempts(ids)
    attempts = [attempt.pk for attempt in read.every_attempt]
    read.memory = _memory(attempts)
    _read_whole(read)
    if run.revision:
        _read_told(read, ids, attempts)
    read.servers = {one.pk: one for one in Server.objects.filter(run_servers__run=run)}
    read.gaps = _gaps(read)
    read.lowest = lowest_of_runs([run.pk, *_runs(read.judged)])
    return read


def _read_whole(read: Read) -> None:
    """Read what is said of the whole run; what is on other pages only where there are such."""
    attempts = Attempt.objects.filter(scene__run=read.run).order_by("pk")
    if read.is_open:
        going_on = attempts.open().filter(scene__open_count__gt=0)
        read.open = list(going_on.only("scene", "server", "status"))
    if read.is_part:
        wrong = attempts.filter(scene__outcome__isnull=False)
        wrong = wrong.exclude(scene__outcome__in=(Outcome.SUCCESS, Outcome.SKIPPED))
        read.elsewhere = _by_scene(wrong.only(*WHY))
        read.times = list(attempts.order_by().values_list(*TIMES, named=True))
    else:
        read.times = read.every_attempt
    read.origins = _origins(read.times)


def _origins(attempts: list[Any]) -> dict[str, tuple[int, int]]:
    told = Counter(attempt.origin for attempt in attempts)
    later = Counter(attempt.origin for attempt in attempts if attempt.found_later)
    return {origin: (count, later[origin]) for origin, count in told.items()}


def _read_told(read: Read, scenes: list[int], attempts: list[int]) -> None:
    """Read what only files tell."""
    notes = FallbackNote.objects.filter(scene__run=read.run).order_by("pk")
    read.notes = list(notes.values_list("pk", "category", "severity", "scene", named=True))
    found = Finding.objects.filter(Q(place__lt=FINDINGS) | Q(scene__in=scenes), run=read.run)
    read.findings = list(found.select_related("scene").order_by("place"))
    polls = PollLog.objects.filter(attempt__in=attempts).defer("packed")
    read.polls = {one.attempt_id: one for one in polls}
    reports = SceneReport.objects.filter(scene__in=scenes).exclude(policy=None)
    read.policies = {one.scene_id: one.policy for one in reports.select_related("policy")}


def _attempts(scenes: list[int]) -> dict[int, list[Attempt]]:
    found = Attempt.objects.filter(scene__in=scenes).defer("traceback")
    return _by_scene(found.select_related("script_report", "failure").order_by("pk"))


def _by_scene(attempts: Iterable[Attempt]) -> dict[int, list[Attempt]]:
    told: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        told[attempt.scene_id].append(attempt)
    return dict(told)


def _memory(attempts: list[int]) -> dict[int, AttemptMemory]:
    """Return of each attempt the device that had least left."""
    told: dict[int, AttemptMemory] = {}
    for one in AttemptMemory.objects.filter(attempt__in=attempts).order_by():
        known = told.get(one.attempt_id)
        if known is None or _left(one) < _left(known):
            told[one.attempt_id] = one
    return told


def _left(memory: AttemptMemory) -> float:
    left = memory.free_lowest_bytes
    return float("inf") if left is None else left


def _gaps(read: Read) -> list[BlindWindow]:
    until = read.run.ended_at or read.at
    over = Q(ended_at=None) | Q(ended_at__gt=read.run.began_at)
    rows = BlindWindow.objects.filter(over, server__in=read.servers, began_at__lt=until)
    return list(rows.select_related("server").order_by("began_at")[:GAPS])


def _runs(judged: JudgedRun) -> list[int]:
    return [int(str(pk)) for pk in judged.run.baseline.ids]


def lowest_of_runs(runs: list[int]) -> dict[int, int]:
    """Return the least memory that was free in each of the runs, in bytes."""
    known = AttemptMemory.objects.filter(attempt__scene__run__in=runs).order_by()
    rows = known.values("attempt__scene__run").annotate(least=Min("free_lowest_bytes"))
    return {row["attempt__scene__run"]: row["least"] for row in rows if row["least"] is not None}


def running_on(read: Read) -> list[int]:
    """Return the servers on which prompts of the run are at work."""
    running = (a.server_id for a in read.open if a.status == Status.RUNNING)
    return sorted({server for server in running if server})

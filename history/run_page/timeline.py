"""A run's attempts as bars by server: when they waited, and when they were at work. Pure.

Places are percent of the span from the first submission to the last end; heights are pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from history.models import Attempt, Scene
from history.run_page.reading import Read
from history.strip import LABELS, LETTERS, status_of
from telemetry.readable import Readable
from telemetry.text import duration
from telemetry.words import OUTCOME_LABELS, Outcome, Status

TOP, LANE = 24, 40
# A wait below it cannot be seen, a label needs some room.
SEEN, LABELLED = 0.3, 1.8
STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800)
TICKS = 7


@dataclass(frozen=True, slots=True)
class Bar(Readable):
    """An attempt: from x on, so many percent wide; the wait before it likewise."""

    x: float
    width: float
    wait_x: float
    wait_width: float
    y: int
    label: str
    label_x: float
    status: str
    title: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Lane(Readable):
    """A server's row."""

    name: str
    gpu: str
    y: int


@dataclass(frozen=True, slots=True)
class Key(Readable):
    """What stands for what: a status that is drawn, with its letter."""

    status: str
    name: str


@dataclass(frozen=True, slots=True)
class Tick(Readable):
    """A time on the axis; `at` None where it is told relative to the begin."""

    x: float
    text: str


@dataclass(slots=True)
class Timeline(Readable):
    """What the template places."""

    lanes: list[Lane] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    waits: bool = False
    height: int = 0
    now: float | None = None
    sentence: str = ""


def timeline_of(read: Read) -> Timeline | None:
    """Return the timeline, None where no attempt of its scenes has a time.

    Bars are of the scenes of this page; the axis and the sentence are of the whole run.
    """
    timed, every = (
        [a for a in attempts if a.submitted_at or a.started_at]
        for attempts in (read.every_attempt, read.times)
    )
    if not timed:
        return None
    begin = min(_first(attempt) for attempt in every)
    ends = [a.ended_at for a in every if a.ended_at]
    until = read.at if read.is_open or not ends else max(ends)
    span = max((until - begin).total_seconds(), 1.0)
    names = {scene.pk: scene for scene in read.scenes}
    told = Timeline()
    places = _lanes(told, read, timed)
    for attempt in timed:
        scene = names[attempt.scene_id]
        told.bars.append(_bar(attempt, scene, places, begin, span, read.at))
    told.height = TOP + LANE * len(told.lanes)
    told.ticks = _ticks(span)
    told.keys = _keys({bar.status for bar in told.bars if bar.width})
    told.waits = any(bar.wait_width for bar in told.bars)
    told.now = 100.0 if read.is_open else None
    told.sentence = _sentence(every, span, read.at)
    return told


def _lanes(told: Timeline, read: Read, timed: Iterable[Attempt]) -> dict[int, int]:
    cards = {scene.server_id or 0: scene.gpu_model or "" for scene in read.scenes}
    places: dict[int, int] = {}
    for pk in sorted({a.server_id or 0 for a in timed}, key=lambda pk: _name(read, pk)):
        y = TOP + LANE * len(places)
        places[pk] = y
        told.lanes.append(Lane(_name(read, pk), cards.get(pk, ""), y))
    return places


def _first(attempt: Any) -> datetime:
    """Return when an attempt was submitted, else when it started; else when it was first seen."""
    first: datetime = attempt.submitted_at or attempt.started_at or attempt.seen_at
    return first


def _name(read: Read, pk: int) -> str:
    return read.servers[pk].name if pk in read.servers else "unknown server"


def _bar(
    attempt: Attempt,
    scene: Scene,
    places: dict[int, int],
    begin: datetime,
    span: float,
    at: datetime,
) -> Bar:
    submitted = _first(attempt)
    started = attempt.started_at or (submitted if attempt.status == Status.ENDED else at)
    ended = attempt.ended_at or _end(attempt, started, at)
    wait_x, x, end = (_place(t, begin, span) for t in (submitted, started, max(ended, started)))
    status = status_of(
        attempt.outcome, attempt.status == Status.RUNNING, attempt.status == Status.QUEUED
    )
    place = f"{LETTERS[status]} {(scene.position or 0) + 1}".lstrip()
    return Bar(
        x=x,
        width=round(max(0.15, end - x), 2) if attempt.status != Status.QUEUED else 0,
        wait_x=wait_x,
        wait_width=round(x - wait_x, 2) if x - wait_x > SEEN else 0,
        y=places[attempt.server_id or 0] + 8,
        label=place if end - x > LABELLED else "",
        label_x=round((x + end) / 2, 2),
        status=status,
        title=_title(attempt, scene.external_id, status),
        anchor=f"scene-{scene.pk}",
    )


def _end(attempt: Attempt, started: datetime, at: datetime) -> datetime:
    """Return until when an attempt without an end lasted: now, or for as long as a file told."""
    if attempt.status != Status.ENDED:
        return at
    return started + timedelta(seconds=attempt.duration_s or 0)


def _place(at: datetime, begin: datetime, span: float) -> float:
    return round(100 * min(1.0, max(0.0, (at - begin).total_seconds() / span)), 2)


def _keys(drawn: set[str]) -> list[Key]:
    """Return the legend of the statuses that are drawn: no colour speaks alone."""
    return [
        Key(status, f"{LABELS.get(status, status).capitalize()}{f' ({letter})' if letter else ''}")
        for status, letter in LETTERS.items()
        if status in drawn
    ]


def _title(attempt: Attempt, name: str, status: str) -> str:
    label = OUTCOME_LABELS[Outcome(attempt.outcome)] if attempt.outcome else status.capitalize()
    waited = f", waited {duration(attempt.waited_s)}" if attempt.waited_s is not None else ""
    took = f", at work {duration(attempt.duration_s)}" if attempt.duration_s is not None else ""
    return f"{name}: {label}{waited}{took}"


def _ticks(span: float) -> list[Tick]:
    step = next((s for s in STEPS if span / s <= TICKS), STEPS[-1])
    count = int(span // step)
    return [
        Tick(round(100 * n * step / span, 2), "begin" if n == 0 else f"+{_after(n * step)}")
        for n in range(count + 1)
        if n * step / span < 0.97
    ]


def _after(seconds: int) -> str:
    lasted = timedelta(seconds=seconds)
    if lasted.days:
        return f"{lasted.days}d"
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return " ".join(f"{value}{unit}" for value, unit in parts if value)


def _sentence(timed: Iterable[Any], span: float, at: datetime) -> str:
    """Return how much of the span anything was at work; the rest was waiting."""
    spans = sorted(
        (a.started_at, a.ended_at or at) for a in timed if a.started_at and (a.ended_at or at)
    )
    if not spans:
        return "When the work itself began is not on record: bars hold the waiting, too."
    busy, reached = 0.0, None
    for start, end in spans:
        begin = max(start, reached) if reached else start
        if end > begin:
            busy += (end - begin).total_seconds()
            reached = end
    share = min(1.0, busy / span)
    return f"In {duration(span)} something was at work {100 * share:.0f}% of the time."

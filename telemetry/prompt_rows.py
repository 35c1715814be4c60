"""Prompts as rows of a card: the one at work, those that wait, those that just ended. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from telemetry.activity import why
from telemetry.attempt import AttemptState, StepNow
from telemetry.hot import TEXT, Hot
from telemetry.logstream import SAMPLING
from telemetry.machine import ServerState
from telemetry.outlook import Eta, running_eta
from telemetry.text import MISSING, duration, number
from telemetry.titles import title_of
from telemetry.words import GRADE_LABELS, OUTCOME_LABELS, Grade, Outcome


@dataclass(frozen=True, slots=True)
class EtaText:
    """When something should end: a clock time, the range, and on what it rests."""

    at: datetime | None
    earliest: datetime | None
    latest: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class RunningRow:
    """The attempt at work: its node and step with their grades, two clocks, ETA."""

    key: str
    prompt_id: str
    title: str
    of: str
    submitter: str
    node: str
    node_note: str
    step: Hot | str
    pace: Hot | str
    bar: Hot | str
    started_at: datetime | None
    waited: str
    eta: EtaText
    progressing: bool

    @property
    def hot(self) -> list[Hot]:
        """Return what changes with every step."""
        return [hot for hot in (self.step, self.pace, self.bar) if isinstance(hot, Hot)]


@dataclass(frozen=True, slots=True)
class NextRow:
    """An attempt that waits: since when, and when it should be done."""

    prompt_id: str
    title: str
    of: str
    submitter: str
    since: datetime | None
    eta: EtaText


@dataclass(frozen=True, slots=True)
class EndedRow:
    """An attempt that just ended, and why."""

    prompt_id: str
    title: str
    of: str
    status: str
    label: str
    why: str
    ended_at: datetime | None
    duration: str
    found_later: bool
    submitter: str = ""


def running_row(
    state: ServerState, server_id: int, attempt: AttemptState, at: datetime
) -> RunningRow:
    """Return the row of the attempt at work on a server."""
    title, step = title_of(attempt.key, attempt.identity), attempt.step
    node, node_note = _node(attempt)
    return RunningRow(
        key=f"{attempt.key.prompt_id}-{attempt.key.repeat}",
        prompt_id=attempt.key.prompt_id,
        title=title.name,
        of=title.of,
        submitter=attempt.identity.submitter or "",
        node=node,
        node_note=node_note,
        step=_hot(server_id, "step", TEXT, _step(step)),
        pace=_hot(server_id, "pace", TEXT, _pace(step)),
        bar=_hot(server_id, "bar", "width", _bar(step)),
        started_at=attempt.started_at - _skew(state) if attempt.started_at else None,
        waited=duration(_waited(attempt)),
        eta=_eta(running_eta(state, attempt, at)),
        progressing=step is not None and (at - step.at).total_seconds() < 5,
    )


def _skew(state: ServerState) -> timedelta:
    return timedelta(seconds=state.skew_s or 0.0)


def _waited(attempt: AttemptState) -> float | None:
    if attempt.started_at is None or attempt.submitted_at is None:
        return None
    return max(0.0, (attempt.started_at - attempt.submitted_at).total_seconds())


def _node(attempt: AttemptState) -> tuple[str, str]:
    """Return the node and how it is known; "node –" where no channel names it."""
    if attempt.node is not None:
        place = (
            list(attempt.facts.classes).index(attempt.node) + 1
            if (attempt.node in attempt.facts.classes)
            else None
        )
        of = f" · node {place}/{attempt.facts.node_count}" if place else ""
        return f"{attempt.class_of(attempt.node) or attempt.node}{of}", ""
    if attempt.phase is None:
        return f"node {MISSING}", ""
    estimated = attempt.phase == SAMPLING
    return attempt.phase, GRADE_LABELS[Grade.ESTIMATED if estimated else Grade.LOG]


def _hot(server_id: int, place: str, name: str, value: str) -> Hot | str:
    """Return a value as hot; "" where there is none, for then its element is not there either."""
    return Hot(f"server-{server_id}-{place}", name, value) if value else ""


def _step(step: StepNow | None) -> str:
    if step is None:
        return ""
    total = f"/{number(step.total)}" if step.total is not None else ""
    return f"step {number(step.value)}{total}"


def _pace(step: StepNow | None) -> str:
    """Return the rate, where it is known, and how both step and rate are."""
    if step is None:
        return ""
    rate, note = step.rate_per_s, GRADE_LABELS[step.grade]
    if rate is None or rate <= 0:
        return note
    return f"{_two(rate)} it/s, {note}" if rate >= 1 else f"{_two(1 / rate)} s/it, {note}"


def _two(value: float) -> str:
    """Return a number from 1 on with two significant digits: the third flickers with each step."""
    return f"{value:.1f}" if value < 9.95 else number(round(value))


def _bar(step: StepNow | None) -> str:
    if step is None or not step.total:
        return ""
    # Whole percents, three pixels of a bar: most steps of a long prompt need no message for it.
    return f"{min(100, max(0, round(100 * step.value / step.total)))}%"


def _eta(eta: Eta | None) -> EtaText:
    if eta is None:
        return EtaText(None, None, None, "first of its kind")
    if eta.overdue:
        return EtaText(None, None, None, f"longer than the {eta.count} before")
    return EtaText(eta.middle, eta.earliest, eta.latest, f"n = {eta.count}")


def next_row(state: ServerState, attempt: AttemptState, eta: Eta | None) -> NextRow:
    """Return the row of an attempt that waits."""
    title = title_of(attempt.key, attempt.identity)
    since = attempt.submitted_at - _skew(state) if attempt.submitted_at else attempt.seen_at
    known = attempt.facts.workload in state.outlooks
    text = _eta(eta)
    if eta is None and known:
        text = EtaText(None, None, None, "behind one of unknown length")
    return NextRow(
        attempt.key.prompt_id,
        title.name,
        title.of,
        attempt.identity.submitter or "",
        since,
        text,
    )


_END_STATUS = {Outcome.SUCCESS: "completed"}


def ended_row(attempt: AttemptState) -> EndedRow:
    """Return the row of an attempt that ended."""
    assert attempt.end is not None
    end, title = attempt.end, title_of(attempt.key, attempt.identity)
    return EndedRow(
        attempt.key.prompt_id,
        title.name,
        title.of,
        _END_STATUS.get(end.outcome, str(end.outcome)),
        OUTCOME_LABELS[end.outcome],
        why(end),
        end.ended_at,
        duration(attempt.duration_s) if end.outcome is not Outcome.LOST else MISSING,
        end.found_later,
        attempt.identity.submitter or "",
    )

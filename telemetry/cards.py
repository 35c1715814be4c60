"""A server's state as its card on the wall shows it: finished words and numbers. Pure.

Templates only place what stands here. Times are aware; the browser shows them in the viewer's zone
and ticks what has a `since`. None means unknown and is shown as "–" or left out, never as 0.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from telemetry.activity import why
from telemetry.attempt import AttemptState, StepNow
from telemetry.clock import seconds
from telemetry.contact import SLOW_S
from telemetry.device_rows import DeviceRow, device_rows
from telemetry.leases import Leased
from telemetry.logstream import SAMPLING
from telemetry.machine import ServerState
from telemetry.outlook import Eta, queue_etas, running_eta
from telemetry.text import MISSING, duration, number, plural
from telemetry.titles import title_of
from telemetry.words import GRADE_LABELS, OUTCOME_LABELS, Grade, Outcome

NEXT_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Badge:
    """A server's state: `state` sets the tone, `icon` its silhouette, `label` the word."""

    state: str
    icon: str
    label: str


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
    step: str
    step_note: str
    rate: str
    percent: float | None
    started_at: datetime | None
    waited: str
    eta: EtaText
    progressing: bool


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


@dataclass(frozen=True, slots=True)
class Notice:
    """What is wrong with the connection: `since` and `until` tick in the browser."""

    tone: str
    icon: str
    lead: str
    text: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One server on the wall."""

    server_id: int
    name: str
    simulated: bool
    badge: Badge
    version: str
    queue: str
    devices: list[DeviceRow]
    notice: Notice | None
    running: list[RunningRow]
    next: list[NextRow]
    more: str
    ended: list[EndedRow]
    last_known: bool
    unrecorded: bool
    heard_at: datetime | None
    facts: list[str] = field(default_factory=list)


BADGES = {
    "connecting": Badge("connecting", "s-reconnecting", "Connecting"),
    "executing": Badge("executing", "s-executing", "Executing"),
    "queued": Badge("queued", "s-queued", "Queued"),
    "idle": Badge("idle", "s-idle", "Idle"),
    "slow": Badge("stale", "s-stale", "Not answering"),
    "reconnecting": Badge("reconnecting", "s-reconnecting", "Reconnecting"),
    "polling": Badge("polling", "s-polling", "Polling"),
    "offline": Badge("offline", "s-offline", "Offline"),
    "barred": Badge("offline", "s-offline", "Not connected"),
}


def card_of(state: ServerState, leased: Leased, at: datetime, unrecorded: bool = False) -> Card:
    """Return the card of a server as it stands at `at`."""
    key = condition(state, at)
    waiting = state.queued_attempts()
    etas = queue_etas(state, at)
    return Card(
        server_id=leased.server_id,
        name=leased.name,
        simulated=leased.simulated,
        badge=BADGES[key],
        version=_version(state),
        queue=_queue(state, len(waiting)),
        devices=device_rows(state, at),
        notice=_notice(state, key),
        running=[_running(state, a, at) for a in [state.running_attempt()] if a is not None],
        next=[_next(state, a, etas.get(a.key.prompt_id)) for a in waiting[:NEXT_LIMIT]],
        more=_more(waiting[NEXT_LIMIT:], etas),
        ended=[_ended(a) for a in list(state.recent)[:2]],
        last_known=key in ("slow", "reconnecting", "offline", "barred"),
        unrecorded=unrecorded,
        heard_at=state.contact.heard_at,
    )


def condition(state: ServerState, at: datetime) -> str:
    """Return the key of BADGES that fits: reachability first, then work."""
    contact = state.contact
    if contact.barred:
        return "barred"
    if contact.offline:
        return "offline"
    if contact.heard_at is None:
        return "connecting"
    unanswered_s = seconds(at, contact.unanswered_since)
    if unanswered_s is not None and unanswered_s > SLOW_S:
        return "slow"
    if not contact.socket_open and contact.retry is not None:
        return "polling" if contact.retry.polling else "reconnecting"
    if state.running_attempt() is not None:
        return "executing"
    return "queued" if state.queued_attempts() else "idle"


def _version(state: ServerState) -> str:
    version = state.stats.comfyui_version if state.stats else None
    return f"ComfyUI {version}" if version else "ComfyUI"


def _queue(state: ServerState, waiting: int) -> str:
    if not state.queue_known:
        return MISSING
    return f"{waiting} queued" if waiting else "queue empty"


def _running(state: ServerState, attempt: AttemptState, at: datetime) -> RunningRow:
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
        step=_step(step),
        step_note=GRADE_LABELS[step.grade] if step else "",
        rate=_rate(step),
        percent=_percent(step),
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
    """Return the node and how it is known; "–" where no channel names it."""
    if attempt.node is not None:
        place = (
            list(attempt.facts.classes).index(attempt.node) + 1
            if (attempt.node in attempt.facts.classes)
            else None
        )
        of = f" · node {place}/{attempt.facts.node_count}" if place else ""
        return f"{attempt.class_of(attempt.node) or attempt.node}{of}", ""
    if attempt.phase is None:
        return MISSING, ""
    estimated = attempt.phase == SAMPLING
    return attempt.phase, GRADE_LABELS[Grade.ESTIMATED if estimated else Grade.LOG]


def _step(step: StepNow | None) -> str:
    if step is None:
        return ""
    total = f"/{number(step.total)}" if step.total is not None else ""
    return f"step {number(step.value)}{total}"


def _rate(step: StepNow | None) -> str:
    rate = step.rate_per_s if step else None
    if rate is None or rate <= 0:
        return ""
    return f"{rate:.2f} it/s" if rate >= 1 else f"{1 / rate:.2f} s/it"


def _percent(step: StepNow | None) -> float | None:
    if step is None or not step.total:
        return None
    return round(min(100.0, max(0.0, 100 * step.value / step.total)), 1)


def _eta(eta: Eta | None) -> EtaText:
    if eta is None:
        return EtaText(None, None, None, "first of its kind")
    if eta.overdue:
        return EtaText(None, None, None, f"longer than the {eta.count} before")
    return EtaText(eta.middle, eta.earliest, eta.latest, f"n = {eta.count}")


def _next(state: ServerState, attempt: AttemptState, eta: Eta | None) -> NextRow:
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


def _more(rest: list[AttemptState], etas: dict[str, Eta | None]) -> str:
    return f"{plural(len(rest), 'more prompt')}" if rest else ""


_END_STATUS = {Outcome.SUCCESS: "completed"}


def _ended(attempt: AttemptState) -> EndedRow:
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
    )


def _notice(state: ServerState, key: str) -> Notice | None:
    contact, retry = state.contact, state.contact.retry
    next_at = retry.next_at if retry else None
    reason = contact.reason or "no answer"
    work = "Its prompts may still be at work." if state.running_attempt() else ""
    if key == "barred":
        return Notice("bad", "s-failed", "Not connected", _sentence(contact.barred))
    if key == "offline":
        lead, text = "Offline", f"{_sentence(reason)} {work}".strip()
        return Notice("bad", "s-offline", lead, text, contact.unanswered_since, next_at)
    if key == "slow":
        text = f"The values below are the last known. {work}".strip()
        return Notice("warn", "s-stale", "Not answering", text, contact.unanswered_since)
    if key in ("connecting", "reconnecting") and retry is not None:
        lead = f"Attempt {retry.attempt} of 5"
        return Notice("warn", "s-reconnecting", lead, f"{_sentence(reason)} {work}", None, next_at)
    if key == "polling" and retry is not None:
        lead = "Failed to connect after 5 attempts"
        text = f"{_sentence(reason)} Polled meanwhile: no steps."
        return Notice("warn", "s-polling", lead, text, None, next_at)
    if contact.socket_open and not contact.log_stream:
        text = "This server does not share its log: no steps of other people's prompts."
        return Notice("mute", "s-warn", "No log stream", text)
    return None


def _sentence(reason: str) -> str:
    end = "" if reason.endswith((".", "?", "!")) else "."
    return reason[:1].upper() + reason[1:] + end

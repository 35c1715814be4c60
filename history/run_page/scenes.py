"""The table of a run's scenes: a row each, and what is below it. Values are ready to be placed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.baseline.ladder import ENOUGH
from history.deciding import deciding, requeued_because
from history.judged.words import Delta, Trend, compared_with, delta_of, trend_of
from history.models import Attempt, AttemptMemory, Finding, PollLog, Scene
from history.run_page.policy import limits_of
from history.run_page.reading import Read
from history.run_page.script import Seen, seen_around
from history.run_page.why import reason_of
from history.strip import LETTERS, status_of
from history.words import EXIT_LABELS, TIMER_LABELS, ExitReason, Timer
from telemetry.readable import Readable
from telemetry.text import MISSING, NBSP, duration, gib, plural
from telemetry.words import OUTCOME_LABELS, Outcome, Status

NEARLY_FULL = 0.95
LABELS = {
    "executing": "Executing",
    "queued": "Queued",
    "completed": "Completed",
    "unknown": "Unknown",
}


@dataclass(frozen=True, slots=True)
class AttemptLine(Readable):
    """An attempt below its scene; `failure` is the family of its failure, if it has one."""

    pk: int
    name: str
    status: str
    label: str
    took: str
    where: str
    why: str
    frames: str
    requeued: str
    failure: int | None
    prompt: str
    started_at: datetime | None
    polls: str
    polled: int | None
    seen: list[Seen]


@dataclass(frozen=True, slots=True)
class Peak(Readable):
    """The most memory that was in use, with how full that made the device."""

    text: str
    percent: float
    tone: str


def is_problem(status: str) -> bool:
    """Say whether a scene of that status ended other than it should, or nobody knows how."""
    return status not in ("completed", "executing", "queued", "skipped")


@dataclass(frozen=True, slots=True)
class SceneRow(Readable):
    """A scene as a row of the table; `fault` is what to show first below it."""

    pk: int
    name: str
    title: str
    place: str
    status: str
    label: str
    letter: str
    attempts: str
    took: str
    so_far: datetime | None
    delta: Delta
    trend: Trend | None
    waited: str
    where: str
    gpu: str
    peak: Peak | None
    exit: str
    prompt: str
    fault: str
    message: str
    lines: list[AttemptLine]
    findings: list[Finding]
    compared: str
    facts: list[tuple[str, str]]

    @property
    def is_problem(self) -> bool:
        """Say whether it ended other than it should, or nobody knows how."""
        return is_problem(self.status)

    @property
    def cell(self) -> str:
        """Return what its cell of the strip says beneath its name."""
        return self.label if self.took == MISSING else self.took


def rows(read: Read) -> list[SceneRow]:
    """Return this page's scenes as rows."""
    return [_row(scene, read) for scene in read.scenes]


def _row(scene: Scene, read: Read) -> SceneRow:
    attempts = read.attempts.get(scene.pk, [])
    running = next((a for a in attempts if a.status == Status.RUNNING), None)
    last = deciding(scene, attempts)
    tried = bool(attempts or scene.attempt_count)
    status = status_of(scene.outcome, running is not None, scene.open_count > 0, tried)
    judged = read.judged.scenes[scene.pk]
    shown = running or last
    server = read.servers.get((shown.server_id if shown else scene.server_id) or 0)
    return SceneRow(
        pk=scene.pk,
        name=scene.external_id,
        title=scene.title or "",
        place=str((scene.position or 0) + 1),
        status=status,
        label=LABELS.get(status) or OUTCOME_LABELS[Outcome(status)],
        letter=LETTERS[status],
        attempts=_attempts(scene, attempts, read),
        took=duration(scene.duration_s) if not scene.open_count else MISSING,
        so_far=running.started_at if running else None,
        delta=delta_of(judged),
        trend=trend_of(judged) if judged.baseline.n >= ENOUGH else None,
        waited=duration(shown.waited_s if shown else scene.waited_s),
        where=server.name if server else MISSING,
        gpu=scene.gpu_model or "",
        peak=peak_of(read.memory.get(last.pk) if last else None),
        exit=EXIT_LABELS[ExitReason(scene.exit_reason)] if scene.exit_reason else MISSING,
        prompt=shown.prompt_id if shown else "",
        fault=reason_of(scene, last) if _went_wrong(scene) else "",
        message=_message(last) if _went_wrong(scene) else "",
        lines=[_line(n, a, scene, read, n < len(attempts)) for n, a in enumerate(attempts, 1)],
        findings=[one for one in read.findings if one.scene_id == scene.pk],
        compared=compared_with(judged),
        facts=_facts(scene, read.warned.get(scene.pk, [])),
    )


def _went_wrong(scene: Scene) -> bool:
    return scene.outcome not in (None, Outcome.SUCCESS, Outcome.SKIPPED)


def _message(attempt: Attempt | None) -> str:
    lines = (attempt.error_message or "").strip().splitlines() if attempt else []
    return lines[0][:300] if lines else ""


def _attempts(scene: Scene, attempts: list[Attempt], read: Read) -> str:
    """Return "2 of 3": how many of as many as the policy allows; without a policy how many."""
    count = scene.attempt_count or len(attempts)
    if not count:
        return MISSING
    policy = read.policies.get(scene.pk) or read.run.policy
    if policy is None or policy.retry_budget is None:
        return f"{count}"
    return f"{count} of {limits_of(policy).tries}"


def peak_of(memory: AttemptMemory | None) -> Peak | None:
    """Return how full a device became, None where nobody told."""
    if memory is None or not memory.total_bytes or memory.free_lowest_bytes is None:
        return None
    used = memory.total_bytes - memory.free_lowest_bytes
    share = used / memory.total_bytes
    text = f"{gib(used)} of {gib(memory.total_bytes)}{NBSP}GiB"
    return Peak(text, round(100 * share, 1), "warn" if share >= NEARLY_FULL else "")


def _line(
    number: int, attempt: Attempt, scene: Scene, read: Read, is_tried_again: bool
) -> AttemptLine:
    outcome = Outcome(attempt.outcome) if attempt.outcome else None
    status = status_of(
        attempt.outcome, attempt.status == Status.RUNNING, attempt.status == Status.QUEUED
    )
    server = read.servers.get(attempt.server_id or 0)
    why = attempt.reason or (attempt.error_type or "").rpartition(".")[2]
    return AttemptLine(
        pk=attempt.pk,
        name=f"Attempt {attempt.attempt_number or number}",
        status=status,
        label=OUTCOME_LABELS[outcome] if outcome else LABELS[status],
        took=duration(attempt.duration_s),
        where=server.name if server else "",
        why=" in ".join(filter(None, (why, attempt.error_node_type))),
        frames=plural(attempt.frames, "frame") if attempt.frames is not None else "",
        requeued=requeued_because(scene, attempt) if is_tried_again else "",
        failure=getattr(getattr(attempt, "failure", None), "family_id", None),
        prompt=attempt.prompt_id,
        started_at=attempt.started_at or attempt.submitted_at,
        polls=polls_in_words(attempt, read.polls.get(attempt.pk)),
        polled=attempt.pk if attempt.pk in read.polls else None,
        seen=seen_around(attempt, read.memory.get(attempt.pk)),
    )


def polls_in_words(attempt: Attempt, log: PollLog | None) -> str:
    """Return the poll timeline in words: how many, how they were answered, for how long."""
    report: Any = getattr(attempt, "script_report", None)
    count = log.count if log else report.history_polls if report else None
    if count is None:
        return ""
    told = [f"{count:,} polls"]
    if log and log.first_at and log.last_at:
        told.append(f"in {duration((log.last_at - log.first_at).total_seconds())}")
    if log:
        parts = (("pending", log.pending_count), ("answered", log.success_count))
        told += [f"{number:,} {word}" for word, number in parts if number]
        told += [f"{log.error_count:,} failed"] if log.error_count else []
    if report and report.grace_elapsed:
        told.append("grace elapsed")
    if report and report.forced_copy:
        told.append("frames copied by force")
    return ", ".join(told)


def _facts(scene: Scene, warned: list[str]) -> list[tuple[str, str]]:
    """Return what else is known of a scene, as names and values."""
    warmth = {"cold": "cold: its models had to be loaded", "warm": "warm"}.get(scene.warmth)
    facts = [("Flagged for", ", ".join(warned))] if warned else []
    if scene.frames is not None:
        floor = f" of at least {scene.frame_floor}" if scene.frame_floor else ""
        facts.append(("Frames", f"{scene.frames:,}{floor}"))
    if scene.timed_by:
        facts.append(("Timed", TIMER_LABELS[Timer(scene.timed_by)]))
    if warmth:
        facts.append(("Began", warmth))
    if scene.cached:
        facts.append(("Worked out", "nothing anew: it came out of the cache"))
    return facts

"""A scene's attempts as rows: how each went, where it stopped, what it took. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from history.deciding import RULE, because, deciding, requeued_because
from history.models import Attempt
from history.run_page.policy import limits_of
from history.run_page.scenes import LABELS, Peak, peak_of
from history.scene_page.reading import Read
from history.strip import status_of
from telemetry.text import MISSING, duration, plural
from telemetry.words import OUTCOME_LABELS, Outcome, Status

NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt; `stopped` is the node at which it stopped, `exit` why, as it was told.

    `requeued` is why there was a try after it, "" of the last.
    """

    pk: int
    name: str
    status: str
    label: str
    stopped: str
    where: str
    started_at: datetime | None
    waited: str
    took: str
    so_far: datetime | None
    peak: Peak | None
    frames: str
    requeued: str
    exit: str
    prompt: str
    failure: int | None
    is_shown: bool


def rows(read: Read) -> list[AttemptRow]:
    """Return the attempts as rows, the first one first."""
    names = names_of(read.attempts)
    return [_row(name, one, read) for name, one in zip(names, read.attempts, strict=True)]


@dataclass(frozen=True, slots=True)
class Best:
    """Which attempt the scene is told by, why, and by which rule."""

    said: str
    rule: str


def best_of(read: Read) -> Best | None:
    """Return which attempt is the best, None where there is no choice or one goes on."""
    best, why = deciding(read.scene, read.attempts), because(read.scene, read.attempts)
    if best is None or not why or read.scene.open_count:
        return None
    name = names_of(read.attempts)[read.attempts.index(best)]
    return Best(f"Best attempt: {name}, because {why}.", RULE)


def untold(read: Read) -> str:
    """Return how many attempts files only count, "" where they tell of each."""
    report: Any = getattr(read.scene, "report", None)
    count = ((report and report.attempts_told) or 0) - len(read.attempts)
    if count < 1 or not read.attempts:
        return ""
    which = "one of them" if count == 1 else f"{count:,} of them"
    return f"{report.attempts_told:,} attempts were made; of {which} nothing is told."


def has_frames(read: Read) -> bool:
    """Say whether frames are told of any attempt: ComfyUI itself tells none."""
    return read.run.revision > 0 or any(one.frames is not None for one in read.attempts)


def names_of(attempts: list[Attempt]) -> list[str]:
    """Return what to call attempts: as their submitter counts; as we do where that is no count."""
    told = [attempt.attempt_number for attempt in attempts]
    is_count = None not in told and len(set(told)) == len(told)
    numbers = told if is_count else range(1, len(attempts) + 1)
    return [f"Attempt {number}" for number in numbers]


def status_and_label(attempt: Attempt) -> tuple[str, str]:
    """Return where an attempt is, and what that is called."""
    running, queued = attempt.status == Status.RUNNING, attempt.status == Status.QUEUED
    status = status_of(attempt.outcome, running, queued)
    return status, LABELS.get(status) or OUTCOME_LABELS[Outcome(status)]


def node_of(attempt: Attempt) -> str:
    """Return the node at which an attempt stopped, "" where nobody named it."""
    return " ".join(filter(None, (attempt.error_node_type, attempt.error_node)))


def exit_of(attempt: Attempt) -> str:
    """Return why an attempt ended, in the word that its script used; else in ComfyUI's, or ours."""
    report: Any = getattr(attempt, "script_report", None)
    told = (report and report.exit_reason) or attempt.reason
    return told or (attempt.error_type or "").rpartition(".")[2]


def used(read: Read) -> str:
    """Return "2 of 3 used": as many as the policy allows; without a policy how many there were."""
    count = max(read.scene.attempt_count, len(read.attempts))
    report: Any = getattr(read.scene, "report", None)
    policy = (report and report.policy) or read.run.policy
    if policy is None or policy.retry_budget is None:
        return plural(count, "attempt")
    return f"{count:,} of {limits_of(policy).tries:,} used"


def time_in_attempts(read: Read) -> str:
    """Return how long its attempts were at work together, "–" where no time is known."""
    known = [a.duration_s for a in read.attempts if a.duration_s is not None]
    return f"{duration(sum(known) if known else None)} in {plural(len(read.attempts), 'attempt')}"


def _row(name: str, attempt: Attempt, read: Read) -> AttemptRow:
    status, label = status_and_label(attempt)
    running = attempt.status == Status.RUNNING
    return AttemptRow(
        pk=attempt.pk,
        name=name,
        status=status,
        label=label,
        stopped=node_of(attempt) or MISSING,
        where=attempt.server.name if attempt.server else MISSING,
        started_at=attempt.started_at,
        waited=duration(attempt.waited_s),
        took=duration(attempt.duration_s),
        so_far=attempt.started_at if running else None,
        peak=peak_of(read.memory.get(attempt.pk)),
        frames=_frames(attempt, read),
        requeued=_requeued(attempt, read),
        exit=exit_of(attempt) or MISSING,
        prompt=attempt.prompt_id,
        failure=getattr(getattr(attempt, "failure", None), "family_id", None),
        is_shown=read.shown is not None and attempt.pk == read.shown.pk,
    )


def _requeued(attempt: Attempt, read: Read) -> str:
    if attempt is read.attempts[-1]:
        return MISSING
    return requeued_because(read.scene, attempt) or NOT_TOLD


def _frames(attempt: Attempt, read: Read) -> str:
    """Return "2 of at least 25"; what nobody counted is not reported, and not 0."""
    if attempt.frames is None:
        return "not reported" if attempt.status == Status.ENDED else MISSING
    floor = f" of at least {read.scene.frame_floor:,}" if read.scene.frame_floor else ""
    return f"{attempt.frames:,}{floor}"

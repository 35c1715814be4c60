"""Which attempt a scene is told by, and why it and no other: the rule of history/settling.py. Pure.

Scripts keep the attempt with most frames and drop the rest; what completed has enough of them, so
the two rules choose alike, but for attempts without a count.
"""

from collections.abc import Sequence
from typing import Any

from history.models import Attempt, Scene
from telemetry.words import OUTCOME_LABELS, Outcome

RULE = "The newest that completed; else the one with most frames; else the newest."
RANKS = {Outcome.SUCCESS.value: 0, Outcome.PARTIAL.value: 1}


def deciding(scene: Scene, attempts: Sequence[Attempt]) -> Attempt | None:
    """Return the attempt that the scene is told by, None where there is none."""
    return min(attempts, key=lambda one: _place(scene, one), default=None)


def _place(scene: Scene, attempt: Attempt) -> tuple[Any, ...]:
    outcome = outcome_in(scene, attempt)
    frames = -1 if attempt.frames is None else attempt.frames
    at = attempt.submitted_at or attempt.ended_at or attempt.seen_at
    partial = -frames if outcome == Outcome.PARTIAL else 0
    newest_first = -at.timestamp(), -attempt.pk
    return RANKS.get(outcome or "", 2), outcome is None, partial, *newest_first


def outcome_in(scene: Scene, attempt: Attempt) -> str | None:
    """Return how an attempt ended in view of the frames that its scene must have."""
    floor, frames = scene.frame_floor, attempt.frames
    if attempt.outcome != Outcome.SUCCESS or frames is None or frames >= (floor or 0):
        return attempt.outcome
    return Outcome.PARTIAL if frames else Outcome.FAILED


def because(scene: Scene, attempts: Sequence[Attempt]) -> str:
    """Return why just this attempt is the best, "" where there is no other."""
    best = deciding(scene, attempts)
    if best is None or len(attempts) < 2:
        return ""
    outcome = outcome_in(scene, best)
    like = [one for one in attempts if outcome_in(scene, one) == outcome]
    if outcome == Outcome.SUCCESS:
        with_frames = f" with {best.frames:,} frames" if best.frames is not None else ""
        one_of = f"it is the newest of {len(like):,} that completed{with_frames}"
        return one_of if len(like) > 1 else f"it completed{with_frames}"
    if outcome == Outcome.PARTIAL and best.frames is not None:
        equal = sum(one.frames == best.frames for one in like)
        newest = f"it is the newest of {equal:,} with most frames" if equal > 1 else ""
        return f"{newest or 'it has most frames'}: {_of_floor(scene, best.frames)}"
    return "none completed and it is the newest"


def requeued_because(scene: Scene, attempt: Attempt) -> str:
    """Return why there was a try after this one: as its script said, else what it came to."""
    report: Any = getattr(attempt, "script_report", None)
    told = report.more.get("requeue_reason") if report else None
    if told:
        return str(told)
    outcome = outcome_in(scene, attempt)
    if outcome == Outcome.PARTIAL and attempt.frames is not None:
        return f"frames below the floor: {_of_floor(scene, attempt.frames)}"
    if attempt.frames == 0:
        return "no frames"
    if outcome is None or outcome == Outcome.SUCCESS:
        return ""
    return OUTCOME_LABELS[Outcome(outcome)].lower()


def _of_floor(scene: Scene, frames: int) -> str:
    return f"{frames:,} of {scene.frame_floor:,}" if scene.frame_floor else f"{frames:,}"

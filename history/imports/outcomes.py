"""How a scene ended, out of what was told of it (docs/imports.md): the first rule that applies."""

from collections.abc import Iterable
from dataclasses import dataclass

from history.imports.notes import is_script_error
from history.words import ExitReason
from telemetry.words import Outcome

_REASONS = {reason.value.lower(): reason for reason in ExitReason}
LIMITS = (ExitReason.MAX_WAIT, ExitReason.ATTEMPT_LIMIT)
VIDEO_DONE, VIDEO_WRONG = ("complete", "ready"), ("missing", "error")


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells how an attempt ended; None is untold. `success` is the script's own word."""

    frames: int | None = None
    floor: int | None = None
    exit_reason: ExitReason | None = None
    video: str | None = None
    success: bool | None = None
    messages: tuple[str, ...] = ()


def outcome_of(signs: Signs) -> Outcome | None:
    """Return how an attempt ended that was queued, None where nothing tells."""
    if _script_failed(signs.messages):
        return Outcome.FAILED
    if signs.frames is None:
        return _without_count(signs)
    if signs.frames == 0:
        return Outcome.TIMEOUT if signs.exit_reason in LIMITS else Outcome.FAILED
    if signs.floor is not None and signs.frames < signs.floor:
        return Outcome.PARTIAL
    return Outcome.SUCCESS


def _without_count(signs: Signs) -> Outcome | None:
    """Return what the video or the script's word say; a history entry alone says nothing."""
    if signs.video in VIDEO_DONE:
        return Outcome.SUCCESS
    if signs.exit_reason in LIMITS:
        return Outcome.TIMEOUT
    if signs.video in VIDEO_WRONG or signs.success is False:
        return Outcome.FAILED
    return Outcome.SUCCESS if signs.success else None


def _script_failed(messages: Iterable[str]) -> bool:
    return any(is_script_error(message) for message in messages)


def exit_reason_of(text: str | None) -> ExitReason | None:
    """Return the exit reason that a text names, `unknown` for another word, None for none."""
    if text is None:
        return None
    return _REASONS.get(text.strip().lower(), ExitReason.UNKNOWN)

"""The words of the domain that both apps and all pages share. Pure, no Django."""

from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt or a scene ended."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"


class Status(StrEnum):
    """Where an attempt is; `ended` says no more than that, its outcome says how."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


class Grade(StrEnum):
    """How a number or an end is known, best first.

    `measured` is also what ComfyUI states itself, with its own clock: its execution events and the
    messages in its history.
    """

    MEASURED = "measured"
    LOG = "log"
    POLLED = "polled"
    ESTIMATED = "estimated"
    STALE = "stale"

    @property
    def rank(self) -> int:
        """Return 0 for the best grade."""
        return _RANKS[self]


_RANKS = {grade: rank for rank, grade in enumerate(Grade)}


class Tone(StrEnum):
    """The design's tones: how much something asks for attention."""

    OK = "ok"
    RUN = "run"
    MUTE = "mute"
    WARN = "warn"
    BAD = "bad"


OUTCOME_LABELS = {
    Outcome.SUCCESS: "Completed",
    Outcome.PARTIAL: "Partial",
    Outcome.FAILED: "Failed",
    Outcome.TIMEOUT: "Timed out",
    Outcome.SKIPPED: "Skipped",
    Outcome.CANCELLED: "Cancelled",
    Outcome.LOST: "Lost",
}
STATUS_LABELS = {Status.QUEUED: "Queued", Status.RUNNING: "Executing", Status.ENDED: "Ended"}
GRADE_LABELS = {
    Grade.MEASURED: "measured",
    Grade.LOG: "from the log",
    Grade.POLLED: "polled",
    Grade.ESTIMATED: "estimated",
    Grade.STALE: "stale",
}

"""The words of the record that the live side does not need. Pure, no Django."""

from enum import IntEnum, StrEnum


class Origin(StrEnum):
    """Who told of an attempt."""

    LIVE = "live"
    FILE = "file"
    BOTH = "both"


class Timer(StrEnum):
    """By whom a duration was taken: two that differ in this cannot be compared.

    ComfyUI tells from its start to its end. A submitting script tells from the moment the prompt
    was accepted until its frames were copied: waiting, polling and grace are in it.
    """

    COMFYUI = "comfyui"
    SCRIPT = "script"


class ExitReason(StrEnum):
    """Why a script stopped asking ComfyUI's history; its own words."""

    SUCCESS = "success"
    POST_EXECUTION = "postExecution"
    ATTEMPT_LIMIT = "attemptLimit"
    MAX_WAIT = "maxWait"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How much a fallback note asks for attention."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Level(StrEnum):
    """How bad a finding is; neither keeps a file from being taken."""

    ERROR = "error"
    WARNING = "warning"


class Warmth(StrEnum):
    """Whether the models lay in memory already as the work began."""

    COLD = "cold"
    WARM = "warm"
    UNKNOWN = "unknown"


class FailureState(StrEnum):
    """What a team decided about a family of failures."""

    OPEN = "open"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class RunChange(StrEnum):
    """What became of a run as a whole."""

    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    DELETED = "deleted"
    RESTORED = "restored"
    EMPTIED = "emptied"


class Span(IntEnum):
    """How many seconds a sample of a GPU stands for."""

    RAW = 10
    MINUTE = 60
    HOUR = 3600


ORIGIN_LABELS = {
    Origin.LIVE: "watched",
    Origin.FILE: "imported",
    Origin.BOTH: "watched and imported",
}
TIMER_LABELS = {Timer.COMFYUI: "by ComfyUI", Timer.SCRIPT: "by the submitting script"}
EXIT_LABELS = {
    ExitReason.SUCCESS: "completed",
    ExitReason.POST_EXECUTION: "completed, grace elapsed",
    ExitReason.ATTEMPT_LIMIT: "poll limit reached",
    ExitReason.MAX_WAIT: "wait limit reached",
    ExitReason.UNKNOWN: "unknown",
}
STATE_LABELS = {
    FailureState.OPEN: "Open",
    FailureState.RESOLVED: "Resolved",
    FailureState.IGNORED: "Ignored",
}
CHANGE_LABELS = {
    RunChange.ARCHIVED: "Archived",
    RunChange.UNARCHIVED: "Taken out of the archive",
    RunChange.DELETED: "Deleted",
    RunChange.RESTORED: "Restored",
    RunChange.EMPTIED: "Removed for good",
}
SPAN_LABELS = {Span.RAW: "10 s", Span.MINUTE: "minute", Span.HOUR: "hour"}
# What scripts had to make do with (history/imports/notes.py), by kind.
FALLBACK_LABELS = {
    "stats_incomplete": "Memory missing in ComfyUI's statistics",
    "stats_smi": "Memory read from nvidia-smi",
    "stats_unavailable": "ComfyUI's statistics unavailable",
    "legacy_smi": "Memory read from nvidia-smi",
    "unstable_frames": "Frames still being written",
    "forced_copy": "Frames copied before they were done",
    "done_marker_missing": "Done marker not found",
    "script_error": "The submitting script failed",
    "backpressure": "Held back by a full queue",
    "other": "Other notes",
}


def fallback_label(kind: str) -> str:
    """Return what a kind of fallback note is called."""
    return FALLBACK_LABELS.get(kind, kind.replace("_", " ").capitalize())

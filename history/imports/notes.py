"""What scripts note where they had to make do: patterns, their category and how grave it is."""

import re

from history.imports.told import ToldNote
from history.words import Severity

OTHER = "other"
INFO, WARNING, ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR

# The first that matches counts: falling back to nvidia-smi stands in one sentence with its cause.
CATALOGUE = [
    ("stats_incomplete", INFO, r"present but missing VRAM"),
    ("stats_smi", INFO, r"unavailable (before|after) execution.*nvidia-smi"),
    ("stats_unavailable", WARNING, r"/system_stats unavailable"),
    ("legacy_smi", INFO, r"via nvidia-smi fallback|nvidia-smi fallback triggered"),
    ("unstable_frames", WARNING, r"freshly written"),
    ("forced_copy", WARNING, r"forced[ -]copy"),
    ("done_marker_missing", WARNING, r"done marker not found"),
    ("script_error", ERROR, r"queue script error|^script ?line(text)?:|^stack ?trace:"),
    ("backpressure", WARNING, r"back-?pressure"),
]
_PATTERNS = [(name, grave, re.compile(text, re.IGNORECASE)) for name, grave, text in CATALOGUE]
# A pattern need not look further; notes may be as long as a traceback.
_LOOKED_AT = 500


def note_of(text: str) -> ToldNote:
    """Return a fallback note with its category, "other" for one that is not in the catalogue."""
    for category, severity, pattern in _PATTERNS:
        if pattern.search(text[:_LOOKED_AT]):
            return ToldNote(category, severity, text)
    return ToldNote(OTHER, WARNING, text)


def is_script_error(text: str) -> bool:
    """Say whether a note or error tells that the script itself failed."""
    return note_of(text).category == "script_error"

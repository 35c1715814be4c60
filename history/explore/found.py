"""What was found in the files that told of runs: to filter by, and in words."""

from django.db.models import F, Q

from history.models import Run
from telemetry.text import plural

# The name in the address, what it is called, which runs. Each condition is that of an index of Run,
# or narrower, so that a page costs the same however few there are (docs/history.md).
FOUND: dict[str, tuple[str, Q]] = {
    "any": ("With findings", Q(finding_count__gt=0)),
    "errors": ("With errors", Q(error_count__gt=0)),
    "warnings": (
        "With warnings",
        Q(finding_count__gt=0) & Q(finding_count__gt=F("error_count")),
    ),
    "none": ("Without any", Q(revision__gt=0, finding_count=0)),
}


def found_in_words(run: Run) -> str:
    """Return "3 errors, 1 warning"; "no findings" where files told of it, "" where none did."""
    if not run.revision:
        return ""
    warnings = run.finding_count - run.error_count
    told = ((run.error_count, "error"), (warnings, "warning"))
    return ", ".join(plural(count, word) for count, word in told if count) or "no findings"


def found_tone(run: Run) -> str:
    """Return the tone of what was found: bad with an error, warn with a warning, ok without."""
    return "bad" if run.error_count else "warn" if run.finding_count else "ok"

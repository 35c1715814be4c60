"""Values of documents whose shape nobody held: of a kind that a page can show, or nothing. Pure.

Our own export is taken as it is where it has free fields, and whoever wrote it may put anything in.
"""

from datetime import datetime
from typing import Any

from history.imports.times import EARLIEST, LATEST

LARGEST = 1e15


def amount_of(value: Any) -> float | None:
    """Return a number that may be meant, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -LARGEST <= value <= LARGEST else None


def moment_of(value: Any) -> datetime | None:
    """Return a time with its zone, as a run can have one, None for anything else."""
    try:
        at = datetime.fromisoformat(value)
        return at if at.tzinfo and EARLIEST <= at < LATEST else None
    except (TypeError, ValueError):
        return None


def objects_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

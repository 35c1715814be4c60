"""Times as scripts write them: seven digits of a second, offsets, no zone, milliseconds."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_DOTNET = re.compile(r"^/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/$")
_DIGITS = re.compile(r"^\d{11,14}$")
_RUN_ID = re.compile(r"(?<!\d)(20\d{6}-\d{6})(?!\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def from_text(text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    """Return the time that a text tells, and whether it named its zone; None for none.

    Milliseconds since 1970 are taken where a text is nothing but 11 to 14 digits, which no calendar
    form is, and in the form that .NET once wrote. Without a zone `zone` is taken.
    """
    text = text.strip()
    ms = _DOTNET.match(text) or _DIGITS.match(text)
    if ms is not None:
        return from_ms(int(ms[ms.lastindex or 0])), True
    try:
        told = datetime.fromisoformat(text)
        known = told.tzinfo is not None
        return _plausible((told if known else told.replace(tzinfo=zone)).astimezone(UTC)), known
    except (ValueError, OverflowError):
        return None, True


def from_ms(ms: float) -> datetime | None:
    """Return the time of milliseconds since 1970, None where it cannot be one of a run."""
    try:
        return _plausible(_EPOCH + timedelta(milliseconds=ms))
    except (OverflowError, ValueError):
        return None


def from_run_id(run_id: str, zone: tzinfo) -> datetime | None:
    """Return the time in a run id like 20251112-102213, which is its writer's wall clock."""
    found = _RUN_ID.search(run_id)
    try:
        told = datetime.strptime(found[1], "%Y%m%d-%H%M%S") if found else None
    except ValueError:
        return None
    return _plausible(told.replace(tzinfo=zone).astimezone(UTC)) if told else None


def zone_of(text: object) -> tzinfo:
    """Return the offset that a time names, UTC where it names none."""
    if not isinstance(text, str):
        return UTC
    try:
        return datetime.fromisoformat(text.strip()).tzinfo or UTC
    except ValueError:
        return UTC


def _plausible(at: datetime) -> datetime | None:
    return at if EARLIEST <= at < LATEST else None

"""Times as ComfyUI tells them, made aware; our own now."""

from datetime import UTC, datetime, timedelta

LATEST_MS = 1e14
_QUARTER_S = 900
# The years that a datetime knows.
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the time now, aware, UTC."""
    return datetime.now(UTC)


def in_utc(at: datetime) -> datetime:
    """Return a time in UTC; one that is beyond all years there, as the first or last moment."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return FIRST if at.year == FIRST.year else LAST


def from_ms(ms: float | None) -> datetime | None:
    """Return the time of milliseconds since 1970, or None where it is none."""
    if ms is None or not 0 < ms <= LATEST_MS:  # also false for NaN and endless integers
        return None
    return datetime.fromtimestamp(ms / 1000, UTC)


def from_local(text: str, at: datetime) -> datetime | None:
    """Return the time of a log entry, which ComfyUI writes in its local time without a zone.

    The zone is taken as the multiple of 15 minutes that brings it nearest to `at`, when it came.
    """
    try:
        told = datetime.fromisoformat(text[:40]).replace(tzinfo=UTC)
        quarters = round((at - told).total_seconds() / _QUARTER_S)
        return told + timedelta(seconds=quarters * _QUARTER_S)
    except (ValueError, OverflowError):
        return None


def lasted(ended: datetime | None, started: datetime | None) -> float | None:
    """Return how long something took in seconds.

    None where a time is unknown, or where the clock was turned back meanwhile.
    """
    if ended is None or started is None or ended < started:
        return None
    return (ended - started).total_seconds()


def seconds(later: datetime | None, earlier: datetime | None) -> float | None:
    """Return later - earlier in seconds, at least 0, or None where either is unknown."""
    if later is None or earlier is None:
        return None
    return max(0.0, (later - earlier).total_seconds())

"""What the document says of numbers: each its unit, each difference what its sign means."""

from typing import Any

from pydantic import Field


def seconds(what: str) -> Any:
    """Return a field in seconds."""
    return _told(what, "seconds")


def milliseconds(what: str) -> Any:
    """Return a field in milliseconds."""
    return _told(what, "milliseconds")


def of_bytes(what: str) -> Any:
    """Return a field in bytes."""
    return _told(what, "bytes")


def count(what: str) -> Any:
    """Return a field that counts."""
    return _told(what, "count")


def ratio(what: str) -> Any:
    """Return a field that is a share, 0 to 1."""
    return _told(what, "ratio, 0 to 1")


def percent(what: str) -> Any:
    """Return a field in percent."""
    return _told(what, "percent")


def points(what: str) -> Any:
    """Return a field in percentage points."""
    return _told(what, "percentage points")


def key(what: str) -> Any:
    """Return a field that names a row."""
    return _told(what, "none, an id")


def _told(what: str, unit: str) -> Any:
    return Field(description=f"{what} Unit: {unit}.")

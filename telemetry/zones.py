"""Time zones by their IANA names, as people choose them and as pages tell them."""

from functools import cache
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.core.exceptions import ValidationError

UTC = "UTC"


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names that can be chosen: places, and UTC; no aliases of old times."""
    areas = tuple(f"{area}/" for area in AREAS)
    return (UTC, *sorted(name for name in available_timezones() if name.startswith(areas)))


AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


def choices_by_area() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """Return the names for a select, places below their areas."""
    places = groupby(zone_names()[1:], lambda name: name.partition("/")[0])
    below = [(area, [(name, _label(name)) for name in names]) for area, names in places]
    return [(UTC, UTC), *below]


def _label(name: str) -> str:
    return name.partition("/")[2].replace("_", " ").replace("/", ", ")


def validate_zone(name: str) -> None:
    """Raise ValidationError unless the name is that of a zone that this system knows."""
    if zone_of(name) is None:
        raise ValidationError(f"{name!r} is no time zone that this system knows; choose another.")


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone of a name; None for none, or for one that this system does not know."""
    if name not in zone_names():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None

"""telemetry/zones.py: names that can be chosen, and names that cannot."""

import pytest
from django.core.exceptions import ValidationError

from telemetry.zones import choices_by_area, validate_zone, zone_names, zone_of


def test_it_offers_utc_first_and_places_below_their_areas() -> None:
    utc, *areas = choices_by_area()

    assert utc == ("UTC", "UTC")
    assert ("America/New_York", "New York") in dict(areas)["America"]
    assert ("America/Argentina/Salta", "Argentina, Salta") in dict(areas)["America"]


def test_it_offers_no_aliases_of_old_times() -> None:
    assert not {"EST", "Etc/GMT+5", "US/Eastern", "localtime"} & set(zone_names())


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC"])
def test_it_knows_a_zone(name: str) -> None:
    validate_zone(name)

    assert str(zone_of(name)) == name


@pytest.mark.parametrize("name", ["Mars/Olympus", "/etc/passwd", "../UTC", "europe/berlin"])
def test_it_refuses_what_is_no_zone(name: str) -> None:
    with pytest.raises(ValidationError, match="choose another"):
        validate_zone(name)


def test_it_takes_no_name_for_none() -> None:
    assert zone_of("") is None

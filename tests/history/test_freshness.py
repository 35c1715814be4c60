"""From when the pages of runs and scenes are: their figures, and the file that told of the run."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from history.freshness import freshness_of
from history.models import Run, Scene
from tests.cast import Cast, make_cast, make_run, make_scene

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.mark.parametrize(
    ("hours", "age", "limit"),
    [(0.5, "30m 00s", ""), (24, "24h 00m", ""), (24.1, "24h 06m", "24 h"), (-1, "0.0 s", "")],
)
def test_a_file_is_old_from_the_limit_on(hours: float, age: str, limit: str) -> None:
    run = Run(revision=1, told_at=AT - timedelta(hours=hours))

    fresh = freshness_of(run, AT, 24)

    assert (fresh.age.replace("\xa0", " "), fresh.limit) == (age, limit)


def test_of_a_file_without_a_time_it_is_told_when_it_was_imported() -> None:
    run = Run(revision=1, touched_at=AT - timedelta(days=3))

    fresh = freshness_of(run, AT, 0.5)

    assert (fresh.told_by, fresh.told_at, fresh.limit) == ("imported", run.touched_at, "0.5 h")


def test_what_was_only_watched_has_no_file() -> None:
    assert freshness_of(Run(revision=0, touched_at=AT), AT, 24).told_at is None


@pytest.fixture
def of_file(cast: Cast) -> Scene:
    told = {"revision": 1, "told_at": datetime(2025, 11, 12, 10, 28, tzinfo=UTC)}
    return make_scene(make_run(cast.northlight, **told))


@pytest.mark.parametrize("place", ["", "scenes/{pk}/", "record/", "scenes/{pk}/record/"])
def test_pages_of_runs_and_scenes_say_it(
    cast: Cast, client: Client, of_file: Scene, place: str
) -> None:
    client.force_login(cast.bob)
    address = f"/teams/northlight/runs/{of_file.run_id}/{place.format(pk=of_file.pk)}"

    html = re.sub(r"\s+", " ", client.get(address).content.decode())
    told = re.sub(r"<[^>]*>", "", html.split("Statistics as of")[1].split("</p>")[0])

    assert re.search(r"Its file was written 12 Nov 10:28, \d+d \d+h ago: older than 24 h\.", told)
    assert re.search(r'data-since="[^"]*">0s</time> ago\.', html)


def test_the_limit_is_a_setting(cast: Cast, client: Client, of_file: Scene, settings) -> None:
    settings.STALE_AFTER_H = 24 * 3650
    client.force_login(cast.bob)

    html = client.get(f"/teams/northlight/runs/{of_file.run_id}/").content.decode()

    assert "older than" not in html

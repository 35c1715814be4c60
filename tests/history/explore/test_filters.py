"""Scene, GPU model and archive as filters of the list: found, told, kept, and by an index."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from history.explore.filters import APPLY, RunFilters, narrowed
from history.invented.load import load_history
from history.invented.runs import Inventor, Span
from history.models import Run, Scene
from telemetry.models import Membership, Preferences, Server, Team
from tests.api import signed_in
from tests.cast import NOON, Cast, make_cast, make_run, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def bob(cast: Cast) -> Client:
    return signed_in(cast.bob)


@pytest.fixture
def harbor(cast: Cast) -> Run:
    run = make_run(cast.northlight, title="Harbor", gpu_model="RTX 4090", archived_at=NOON)
    make_scene(run, external_id="scene-007", title="The boat leaves")
    make_run(cast.northlight, title="Lighthouse", gpu_model="RTX 5090")
    return run


def page(client: Client, query: str) -> str:
    response = client.get(f"/teams/northlight/runs/{query}")
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str) -> set[str]:
    return {name for name in ("Harbor", "Lighthouse", "Tower") if f'title="{name}"' in html}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("?since=0001-01-01", {"Harbor", "Lighthouse"}),
        ("?until=9999-12-31", {"Harbor", "Lighthouse"}),
        ("?since=9999-12-31", set()),
        ("?until=0001-01-01", set()),
    ],
)
def test_the_first_and_last_day_of_all_are_days(
    bob: Client, cast: Cast, harbor: Run, zone: str, query: str, left: set[str]
) -> None:
    Preferences.objects.update_or_create(user=cast.bob, defaults={"time_zone": zone})

    assert rows(page(bob, query)) == left


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("?scene=scene-007", {"Harbor"}),
        ("?scene=The+boat+leaves", {"Harbor"}),
        ("?scene=scene-00", set()),
        ("?gpu=RTX+5090", {"Lighthouse"}),
        ("?archived=only", {"Harbor"}),
        ("?archived=no", {"Lighthouse"}),
        ("?scene=scene-007&gpu=RTX+5090", set()),
        ("?scene=scene-007&gpu=RTX+4090&archived=only", {"Harbor"}),
    ],
)
def test_the_address_filters_by_scene_gpu_and_archive(
    bob: Client, harbor: Run, query: str, left: set[str]
) -> None:
    assert rows(page(bob, query)) == left


def test_a_scene_of_another_teams_run_finds_nothing(cast: Cast, bob: Client, harbor: Run) -> None:
    theirs = make_run(cast.southdark, title="Tower", gpu_model="RTX 4090")
    make_scene(theirs, external_id="scene-666")

    assert rows(page(bob, "?scene=scene-666")) == set()
    assert rows(page(bob, "?gpu=RTX+4090")) == {"Harbor"}


def test_each_is_told_in_words_and_can_be_taken_away(bob: Client, harbor: Run) -> None:
    html = page(bob, "?scene=scene-007&gpu=RTX+4090&archived=only")

    for key, value in (("Scene", "scene-007"), ("GPU", "RTX 4090"), ("Archive", "archived")):
        assert f'<span class="key">{key}</span> {value}<' in html
        assert f'aria-label="Remove filter {key}"' in html
    assert 'href="?scene=scene-007&amp;archived=only" aria-label="Remove filter GPU"' in html


def test_the_form_shows_what_is_chosen_and_needs_no_script(bob: Client, harbor: Run) -> None:
    html = page(bob, "?scene=scene-007&gpu=RTX+4090")

    assert 'name="scene" value="scene-007"' in html
    assert "<option selected>RTX 4090</option>" in html
    assert "<option>RTX 5090</option>" in html


def test_a_gpu_that_is_long_gone_stays_chosen(bob: Client, harbor: Run) -> None:
    assert "<option selected>GTX 1080</option>" in page(bob, "?gpu=GTX+1080")


def test_a_scene_that_is_too_long_is_told_and_not_applied(bob: Client, harbor: Run) -> None:
    html = page(bob, f"?scene={'x' * 201}")

    assert "This filter is not applied." in html
    assert rows(html) == {"Harbor", "Lighthouse"}


def test_hostile_text_is_shown_as_text(bob: Client, harbor: Run) -> None:
    html = page(bob, "?scene=%22%3E%3Cscript%3E&gpu=%3Cb%3E")

    assert '"><script>' not in html
    assert "<b>" not in html.split('id="active-filters"')[1].split("</div>")[0]


# --- By an index ----------------------------------------------------------------------------------


@pytest.fixture
def invented(cast: Cast) -> Team:
    """Return a team with an invented history, of which the database knows how much it is."""
    span = Span.of(datetime(2026, 3, 4, tzinfo=UTC), 60)
    load_history(cast.northlight, Inventor(200, 2000, 7, span), span, 7, lambda n: None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return cast.northlight


def chosen(team: Team) -> dict[str, Any]:
    """Return a value of each filter that finds something."""
    run = Run.objects.filter(team=team).exclude(gpu_model=None).exclude(workload=None)[0]
    return {
        "range": "30d",
        "since": run.began_at.date(),
        "until": run.began_at.date(),
        "status": ["failed"],
        "server": Server.objects.filter(team=team)[0],
        "workload": run.workload,
        "mine": True,
        "note": "svd-default",
        "scene": Scene.objects.filter(run=run)[0].external_id,
        "gpu": run.gpu_model,
        "archived": "only",
        "findings": "any",
        "source": run.source,
        "began_from": run.began_at,
        "began_before": run.began_at,
    }


@pytest.mark.of_postgresql
@pytest.mark.parametrize("name", APPLY)
def test_no_filter_reads_a_whole_table(cast: Cast, invented: Team, name: str) -> None:
    """With sequential scans made dear: so few rows would be read faster without an index."""
    member = Membership.objects.get(team=invented, user=cast.bob)
    runs = narrowed(
        Run.objects.kept().filter(team=invented), {name: chosen(invented)[name]}, NOON, member
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    plan = runs.order_by("-began_at", "-pk")[:26].explain()

    assert "Seq Scan on history_" not in plan, plan
    assert "Index" in plan


@pytest.mark.of_postgresql
@pytest.mark.parametrize(
    ("name", "value", "indexes"),
    [
        ("scene", "no such scene", ["scene_earlier", "scene_by_title"]),
        ("gpu", "no such model", ["run_on_gpu"]),
        ("archived", "only", ["run_archived"]),
    ],
)
def test_what_is_rare_is_found_by_its_own_index(
    cast: Cast, invented: Team, name: str, value: str, indexes: list[str]
) -> None:
    member = Membership.objects.get(team=invented, user=cast.bob)
    runs = narrowed(Run.objects.kept().filter(team=invented), {name: value}, NOON, member)

    plan = runs.order_by("-began_at", "-pk")[:26].explain()

    assert [index for index in indexes if index not in plan] == [], plan


def test_every_field_of_the_form_is_applied(cast: Cast) -> None:
    member = Membership.objects.get(team=cast.northlight, user=cast.bob)

    assert set(RunFilters({}, member).fields) <= set(APPLY)

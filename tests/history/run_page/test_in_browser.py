"""Names of other programs in a browser: long, and without a place to break."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import Page, expect

from history.models import Scene
from tests.cast import NOON, make_attempt, make_cast, make_run, make_scene, make_server

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

pytest_plugins = ("tests.browser",)
pytestmark = pytest.mark.django_db

LONG = "nightly-batch-" + "x" * 120
SIDEWAYS = "document.documentElement.scrollWidth - window.innerWidth"
# How far a scene's name reaches over what stands beside it.
OVER = """row => row.querySelector(".c-lead a").getBoundingClientRect().right
  - row.querySelector(".c-status").getBoundingClientRect().left"""


@pytest.fixture(scope="module")
def served(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """Return the page of a run, and the list with it, whose names are as long as they may be."""
    with django_db_blocker.unblock(), transaction.atomic():
        cast = make_cast()
        client = Client()
        client.force_login(cast.bob)
        server = make_server(cast.northlight, name="kino-01")
        run = make_run(cast.northlight, external_id=LONG, title=LONG, began_at=NOON)
        scene = make_scene(run, external_id=LONG)
        ended = {"ended_at": NOON + timedelta(minutes=1), "outcome": "failed", "status": "ended"}
        make_attempt(server, scene, started_at=NOON, submitted_at=NOON, **ended)
        Scene.objects.update(outcome="failed")
        path = f"/teams/northlight/runs/{run.pk}/"
        ways = {
            "run": path,
            "scene": f"{path}scenes/{scene.pk}/",
            "runs": "/teams/northlight/runs/",
        }
        ways |= {name: f"/teams/northlight/runs/{name}/" for name in ("report", "timeline")}
        told = {name: client.get(way).content.decode() for name, way in ways.items()}
        transaction.set_rollback(True)
    return told


@pytest.mark.parametrize("name", ["run", "scene", "runs", "report", "timeline"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_long_name_breaks_and_moves_nothing_aside(
    browser: Any, stage: "Stage", served: dict[str, str], name: str, width: int
) -> None:
    stage.pages["page"] = served[name]
    context = browser.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=True
    )
    try:
        page: Page = context.new_page()
        page.goto(f"{stage.url}/page")
        expect(page.locator("main")).to_contain_text(LONG)
        assert page.evaluate(SIDEWAYS) == 0
        for row in page.locator("tr:has(> .c-lead):has(> .c-status)").all():
            assert row.evaluate(OVER) <= 0
    finally:
        context.close()

"""Every page of the site, as an admin of a team sees it: no barrier, and no sideways scrolling.

The pages are read from the URL configuration, like those of test_isolation.py, so a new one cannot
be forgotten. One that is pushed to or moves has more tests of its own.
"""

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import transaction
from playwright.sync_api import Page

from tests.config.test_isolation import (
    FILE,
    HOLDER,
    POLICIES,
    PROGRAM,
    SCENE_CHART,
    SITE_ROUTES,
    Route,
    World,
)

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

# Also what has pytest-django make the database, which it does only where a test asks for one.
pytestmark = pytest.mark.django_db

# Answered by a way to another page, by data, or with a part of a page that is tested with it.
NO_PAGES = {
    "",
    "service-worker.js",
    "runs/<int:pk>/",
    "servers/<int:pk>/",
    "teams/<slug:slug>/bells/",
    "teams/<slug:slug>/runs/<int:pk>/record/",
    "teams/<slug:slug>/runs/export/<str:name>",
    "teams/<slug:slug>/compare/times.json",
    "teams/<slug:slug>/runs/<int:pk>/charts/<slug:name>.json",
    "teams/<slug:slug>/runs/<int:pk>/attempts/<int:attempt>/polls.json",
    "charts/vega-<str:name>.js",
    "teams/<slug:slug>/servers/<int:pk>/record/",
    FILE,
    SCENE_CHART,
}
SEEN: tuple[tuple[Any, int], ...] = (("dark", 390), ("light", 1440))


def is_page(route: Route) -> bool:
    """Say whether the route shows a page to a member who asks for it."""
    policy = POLICIES.get(route.path)
    shown = policy is not None and "GET" in policy.methods and policy.who not in (HOLDER, PROGRAM)
    other = route.path in NO_PAGES or route.path.startswith(("api/", "admin/"))
    return shown and not other and not route.path.endswith("/record/")


PAGES = [route for route in SITE_ROUTES if is_page(route)]


@pytest.fixture(scope="module", autouse=True)
def served(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """Return each page as an admin of a furnished team is served it.

    Before the browser begins: its loop would not let the site run in this thread.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        pages = pages_of(World())
        transaction.set_rollback(True)
    return pages


def pages_of(world: World) -> dict[str, str]:
    """Return each page, about the first team."""
    return {route.path: _page_of(world, route) for route in PAGES}


def _page_of(world: World, route: Route) -> str:
    world.enter("anonymous" if route.path == "login/" else "alice")
    policy, side = POLICIES[route.path], world.sides[0]
    answer = world.browser.get(route.filled(policy.arguments(side)), policy.query(side))
    assert answer.status_code == 200, f"{route.path}: {answer.status_code} {answer.headers}"
    assert answer.headers["Content-Type"].startswith("text/html"), route.path
    return answer.content.decode()


@pytest.mark.parametrize("path", [route.path for route in PAGES])
def test_a_page_has_no_barrier_that_axe_knows_of_and_fits_its_width(
    path: str, served: dict[str, str], page: Page, stage: "Stage", complaints: list[str]
) -> None:
    stage.pages["page"] = served[path]
    page.goto(f"{stage.url}/page")

    for scheme, width in SEEN:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        report = Axe().run(page)
        assert report.violations_count == 0, report.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert page.locator("h1").count() == 1
    complaints.clear()  # the stage has none of what a page asks for later

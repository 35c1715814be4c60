"""The filters of the runs in a browser: what applies them is in reach of what is ticked."""

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import Page, expect

from tests.cast import make_cast, make_run

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

pytest_plugins = ("tests.browser",)
pytestmark = pytest.mark.django_db

# What lies on top in the middle of the button, without anybody having scrolled to it.
ON_TOP = """button => {
  const box = button.getBoundingClientRect();
  return button.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}"""


@pytest.fixture(scope="module")
def served(django_db_setup: None, django_db_blocker: Any) -> str:
    """Return the list of one run."""
    with django_db_blocker.unblock(), transaction.atomic():
        cast = make_cast()
        client = Client()
        client.force_login(cast.bob)
        make_run(cast.northlight)
        html = client.get("/teams/northlight/runs/").content.decode()
        transaction.set_rollback(True)
    return html


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1440, 600), (390, 844)])
def test_what_applies_a_tick_is_in_sight_of_it(
    page: Page, stage: "Stage", served: str, width: int, height: int
) -> None:
    stage.pages.update({"page": served, "teams/northlight/runs/record/": ""})
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{stage.url}/page")
    if width < 961:
        page.get_by_text("Filters", exact=False).first.click()

    page.get_by_label("Failed").check()

    show = page.get_by_role("button", name="Show", exact=True)
    expect(show).to_be_in_viewport(ratio=1)
    assert show.evaluate(ON_TOP)

"""Every page of the site about a team whose every text is markup: a browser finds none of it.

Names come from submitters, errors from ComfyUI; nothing that they write may become an element, in
text or in an attribute. What servers say while they are followed: test_hostile_servers.py; what a
card is made of: test_it_shows_hostile_words_as_text of tests/telemetry/test_live_page.py.
"""

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from playwright.sync_api import Page

from tests.config import test_isolation
from tests.config.test_accessible_pages import PAGES, pages_of

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

# As short as the shortest column; a quote of each kind, for attributes.
HOSTILE = "\"'><i q>"
# Nothing of the team's own is told there.
PLAIN = {"offline/", "login/", "password/", "password/done/", "sign-in/<str:token>/"}
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def served(django_db_setup: None, django_db_blocker: Any) -> dict[str, str]:
    """Return each page about a team that is hostile in all it says."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        # What it retains is markup already, as the collector rendered it.
        patch.setattr(test_isolation, "put_on_wall", lambda side: None)
        pages = pages_of(test_isolation.World(HOSTILE))
        transaction.set_rollback(True)
    return pages


@pytest.mark.parametrize("path", [route.path for route in PAGES])
def test_what_is_said_is_text(
    path: str, served: dict[str, str], page: Page, stage: "Stage", complaints: list[str]
) -> None:
    stage.pages["page"] = served[path]

    page.goto(f"{stage.url}/page")

    assert page.locator("[q]").count() == 0
    shown = page.evaluate("document.documentElement.textContent")
    assert (HOSTILE in shown) is (path not in PLAIN)
    complaints.clear()  # the stage has none of what a page asks for later

"""The card of a queue policy in a browser: versions that differ in much have long names."""

import pytest

from tests import cast
from tests.history.run_page.test_page import ran

pytest_plugins = ("tests.browser",)

pytestmark = pytest.mark.django_db


@pytest.fixture
def html(client):
    people = cast.make_cast()
    server = cast.make_server(people.northlight, name="kino-01")
    client.force_login(people.bob)
    knobs = ({"max_wait_s": 600, "max_polls": 0}, {"max_wait_s": 900, "max_polls": 300})
    old, new = (cast.make_policy(people.northlight, **own) for own in knobs)
    ran(server, "success", hours=-3, policy=old)
    run = ran(server, "success", policy=new)
    return client.get(f"/teams/northlight/runs/{run.pk}/").content.decode()


@pytest.mark.parametrize("width", [360, 768, 1280, 1440])
def test_versions_side_by_side_stay_within_the_card(html, page, stage, complaints, width):
    stage.pages["page"] = html
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{stage.url}/page")

    card = page.locator("[aria-labelledby=policy-title]")

    assert "600 s instead of 900 s" in card.inner_text().replace("\xa0", " ")
    assert card.evaluate("card => card.scrollWidth <= card.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    complaints.clear()  # the stage has none of what a page asks for later

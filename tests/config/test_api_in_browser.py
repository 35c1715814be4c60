"""The API's page and that of its tokens, in a real browser under the site's policy (CSP).

The page fixture fails a test for any error on the console, violations of the policy included.
"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from telemetry.models import Scope
from telemetry.tokens import token_of
from tests.api import member, signed_in
from tests.cast import NOON, Cast, make_api_token, make_cast, make_server

pytestmark = pytest.mark.django_db(transaction=True)

TOKENS = "/teams/northlight/settings/tokens/"
Enter = Callable[[User, str], None]


@pytest.fixture
def enter(page: Page, live_server: Any) -> Enter:
    """Return what opens an address of the site as somebody who is signed in."""

    def go(user: User, path: str) -> None:
        morsel = signed_in(user).cookies[settings.SESSION_COOKIE_NAME]
        cookie = {"name": morsel.key, "value": morsel.value, "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(live_server.url + path)

    return go


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def test_the_page_of_the_api_shows_its_routes_and_tries_them(
    cast: Cast, page: Page, enter: Enter
) -> None:
    server = make_server(cast.northlight, name="kino-01")
    enter(cast.bob, "/api/v1/docs")
    route = page.get_by_role("form", name="Try: One server")
    route.get_by_label("server_id").fill(str(server.pk))

    route.get_by_role("button").click()

    expect(route.get_by_role("status")).to_contain_text("200 OK")
    answer = route.get_by_role("region", name="Answer: One server")
    expect(answer).to_contain_text(f"GET /api/v1/servers/{server.pk}")
    expect(answer).to_contain_text('"name": "kino-01"')


def test_the_page_of_the_api_shows_a_refusal_as_it_is(
    cast: Cast, page: Page, enter: Enter, complaints: list[str]
) -> None:
    enter(cast.bob, "/api/v1/docs")
    route = page.get_by_role("form", name="Try: Activity")
    route.get_by_label("limit").fill("0")

    route.get_by_role("button").click()

    expect(route.get_by_role("status")).to_contain_text("422")
    expect(route.get_by_role("region")).to_contain_text('"code": "invalid"')
    complaints.clear()  # the browser reports each refusal itself


@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 1440)])
def test_the_page_of_the_api_has_no_barrier_that_axe_knows_of_and_fits_its_width(
    cast: Cast, page: Page, enter: Enter, scheme: Any, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    enter(cast.bob, "/api/v1/docs")
    page.get_by_role("form", name="Try: Who asks").get_by_role("button").click()
    expect(page.get_by_role("region", name="Answer: Who asks")).to_be_visible()

    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_member_makes_a_token_and_copies_it(
    cast: Cast, page: Page, enter: Enter, live_server: Any
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    enter(cast.bob, TOKENS)
    page.get_by_label("Name").fill("nightly-report")
    page.get_by_role("button", name="Create token").click()

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    token = token_of(page.evaluate("navigator.clipboard.readText()"))
    assert token is not None
    assert token.name == "nightly-report"


def test_a_member_revokes_a_token(cast: Cast, page: Page, enter: Enter) -> None:
    make_api_token(member(cast.bob, cast.northlight), name="nightly-report")
    enter(cast.bob, TOKENS)

    page.get_by_role("button", name="Revoke nightly-report").click()

    expect(page.get_by_role("status")).to_contain_text("opens nothing any more")
    expect(page.locator("tbody tr")).to_contain_text("Revoked")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 1440)])
def test_the_page_of_tokens_has_no_barrier_that_axe_knows_of_and_fits_its_width(
    cast: Cast, page: Page, enter: Enter, scheme: Any, width: int
) -> None:
    bob, lately = member(cast.bob, cast.northlight), timezone.now()
    make_api_token(bob, name="nightly-report", last_used_at=NOON, expires_at=None)
    make_api_token(member(cast.olga, cast.northlight), name="a" * 60, scope=Scope.INGEST)
    make_api_token(bob, name="old", revoked_at=lately)
    make_api_token(bob, name="older", expires_at=lately)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    enter(cast.alice, TOKENS)
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Name").fill("publish-bot")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token")).to_be_visible()

    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

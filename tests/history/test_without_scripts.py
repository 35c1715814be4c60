"""Every page of the history in a browser that runs no script: its content stands there."""

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import expect

from tests.cast import make_cast, make_server
from tests.history.fresh import pages_of, submit

pytest_plugins = ("tests.browser",)
pytestmark = pytest.mark.django_db

# What a table of the page holds, by the end of its address; the first match counts.
HELD = {
    "/runs/": ("Harbor 3", "Completed", "1m 00s"),
    "/runs/timeline/": ("Harbor 3", "Completed", "kino-01", "1m 00s"),
    "/compare/": (),  # nothing chosen: words, and a form
    "/compare/?runs": ("Harbor 0", "Harbor 3", "scene-1"),
    "/compare/times/?runs": ("A: scene-1", "57s", "1m 00s"),
    "/failures/": (),
    "/servers/": ("Completed", "1m 00s", "57s"),
    "/scenes/": ("kino-01", "Completed", "1m 00s"),
    "/charts/duration/": ("Harbor 0", "57s", "Harbor 3", "1m 00s"),
    "/charts/success/": ("Harbor 0", "1 of 1"),
    "/charts/memory/": (),  # nobody told of memory: the page says so
    "run": ("scene-1", "Completed", "1m 00s"),
}


@pytest.fixture(scope="module")
def served(django_db_setup, django_db_blocker):
    """Return the pages of a team with four runs by address, and those that cards of charts name."""
    with django_db_blocker.unblock(), transaction.atomic():
        cast = make_cast()
        server = make_server(cast.northlight, name="kino-01")
        runs = submit(server, 4)
        client = Client()
        client.force_login(cast.bob)
        pages = {
            address: client.get(address).content.decode() for address in pages_of(server, runs)
        }
        transaction.set_rollback(True)
    return pages


@pytest.fixture
def shown(browser, stage):
    """Return what shows a page without scripts."""
    context = browser.new_context(
        java_script_enabled=False, locale="en-GB", viewport={"width": 1440, "height": 900}
    )
    context.set_default_timeout(5_000)
    page = context.new_page()

    def show(html):
        stage.pages["page"] = html
        page.goto(f"{stage.url}/page")
        for fold in page.locator("main details:not([open]) > summary").all():
            fold.click()
        return page

    yield show
    context.close()


def kind(address):
    """Return which of the pages in HELD it is."""
    path, _, query = address.partition("?")
    name = f"{path}?runs" if query else path
    ends = (key for key in HELD if name.endswith(key))
    parts = (key for key in ("/charts/", "/scenes/", "/servers/") if key in name)
    return next(ends, None) or next(parts, None) or "run"


def test_each_page_has_its_tables(served, shown):
    for address, html in served.items():
        page = shown(html)

        expect(page.get_by_role("heading", level=1)).to_be_visible()
        rows = page.locator("main table:visible tr:visible")
        told = " ".join(rows.all_inner_texts()).replace("\u00a0", " ")
        for words in HELD[kind(address)]:
            assert words in told, f"{address}: no {words!r} in {told!r}"


def test_each_chart_is_a_link_to_its_values(served, shown):
    seen = set()
    for html in served.values():
        for card in shown(html).locator("[data-chart]").all():
            link = card.get_by_role("link", name="Show as a table")
            expect(link).to_be_visible()
            seen.add(link.get_attribute("href"))

    assert len(seen) == 5
    assert {address.partition("?")[0] for address in seen} <= {
        address.partition("?")[0] for address in served
    }


def test_no_time_and_no_card_waits_for_a_script(served, shown):
    for address, html in served.items():
        page = shown(html)
        texts = page.locator("main time:visible").all_inner_texts()
        assert all(text.strip() for text in texts), address
        for card in page.locator("main section.card:visible").all():
            assert len(card.inner_text().split()) > 3, f"{address}: {card.inner_text()!r}"


def test_the_details_of_a_scene_open(served, shown):
    [html] = [html for address, html in served.items() if kind(address) == "run"]
    page = shown(html)
    detail = page.locator("#scenes tr.detail")
    expect(detail).to_be_hidden()

    page.locator("#scenes .disclose").click()

    expect(detail).to_be_visible()

"""The strip in a browser: keys, tips, and the page without any script."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from playwright.sync_api import expect

from tests.cast import NOON, make_cast, make_server
from tests.history.timeline.made import ran

pytest_plugins = ("tests.browser",)
pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WINDOW = "since=2026-03-03T12:00:00Z&until=2026-03-04T12:00:00Z"


@pytest.fixture(scope="module")
def served(django_db_setup, django_db_blocker):
    """Return the page of three runs on one server and two on another."""
    with django_db_blocker.unblock(), transaction.atomic():
        cast = make_cast()
        client = Client()
        client.force_login(cast.bob)
        atlas = make_server(cast.northlight, name="atlas")
        kino = make_server(cast.northlight, name="kino")
        for server, hours, outcome in (
            (atlas, 20, "success"),
            (atlas, 12, "failed"),
            (atlas, 4, "success"),
            (kino, 19, "success"),
            (kino, 5, "partial"),
        ):
            at = NOON - hours * HOUR
            ran(cast.northlight, server, at, outcome, title=f"{server.name} {hours}")
        html = client.get(f"/teams/northlight/runs/timeline/?{WINDOW}").content.decode()
        transaction.set_rollback(True)
    return html


@pytest.fixture
def strip(page, stage, served):
    stage.pages["page"] = served
    page.goto(f"{stage.url}/page?{WINDOW}#strip")
    expect(page.locator("[data-keys]")).to_be_visible()
    return page


def reached(page):
    return page.evaluate("document.activeElement.dataset.words?.split(':')[0]")


def test_one_run_is_a_tab_stop_and_the_arrows_reach_all_of_them(strip):
    assert strip.locator("[data-strip] a:not([tabindex='-1'])").count() == 1
    assert reached(strip) == "kino 5"

    way = []
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "End", "ArrowDown", "Home"):
        strip.keyboard.press(key)
        way.append(reached(strip))

    assert way == ["kino 19", "atlas 20", "atlas 12", "atlas 4", "kino 5", "kino 19"]
    assert strip.locator("[data-strip] a:not([tabindex='-1'])").count() == 1


def test_what_has_the_focus_stands_in_a_tip_that_escape_lets_go(strip):
    tip = strip.locator(".past-box > .chart-tip")

    strip.keyboard.press("ArrowUp")
    expect(tip).to_contain_text("atlas 4: completed, waited 30s, took 1m")
    strip.keyboard.press("Escape")

    expect(tip).to_be_hidden()


def test_what_is_pointed_at_stands_in_the_tip(strip):
    failed = strip.locator("[data-strip] a", has=strip.locator("use[href='#s-failed']"))

    failed.hover()

    expect(strip.locator(".past-box > .chart-tip")).to_contain_text("atlas 12: failed")


def test_plus_and_minus_zoom_about_the_run_that_has_the_focus(strip):
    strip.keyboard.press("ArrowLeft")

    with strip.expect_navigation():
        strip.keyboard.press("+")

    # 19 hours before noon lay 5/24 into a day: it does in twelve hours, too.
    assert "since=2026-03-03T14%3A30%3A00.000Z&until=2026-03-04T02%3A30%3A00.000Z" in strip.url
    assert strip.url.endswith("#strip")


def test_minus_shows_nothing_that_is_yet_to_come(strip):
    # Served in another year than the runs are of: then it may reach further than they do.
    served_at = strip.evaluate("document.querySelector('footer').dataset.now")

    with strip.expect_navigation():
        strip.keyboard.press("-")

    until = re.search(r"until=(\d{4}-\d\d-\d\d)", strip.url)
    assert until
    assert until[1] <= served_at[:10]


def test_shift_and_an_arrow_take_the_same_way_as_the_button(strip):
    way = strip.locator("[data-way=earlier]").get_attribute("href")

    with strip.expect_navigation():
        strip.keyboard.press("Shift+ArrowLeft")

    assert strip.url.endswith(way)


def test_without_a_script_every_run_is_a_link_and_stands_in_the_table(browser, stage, served):
    stage.pages["page"] = served
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{stage.url}/page?{WINDOW}")
        links = page.locator("[data-strip] a")
        assert links.count() == 5
        assert links.first.get_attribute("tabindex") is None
        assert page.locator("[data-keys]").is_hidden()
        page.get_by_text("Table of what is drawn").click()
        expect(page.get_by_role("row")).to_have_count(6)
    finally:
        context.close()

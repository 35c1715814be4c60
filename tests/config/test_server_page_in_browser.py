"""The server page and the settings in a real browser, on a real site with a simulated server."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.config.test_in_browser import PASSWORD, serve
from tests.processes import free_port, get, simulator, submit, until


@pytest.fixture
def comfyui(started):
    """Return the port of a simulated server that runs what it is sent."""
    port = free_port()
    simulator(started, port)
    return port


@pytest.fixture
def site(started, comfyui, page):
    """Return the address of a site that watches the simulated server."""
    yield f"http://127.0.0.1:{serve(started, comfyui).port}"
    # Before the site ends: a part that the page just asks for would be a complaint of the browser.
    page.goto("about:blank")


def sign_in(page, site):
    """Sign in, and return the address of the team's pages."""
    page.goto(f"{site}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/live/"))
    return page.url.removesuffix("live/")


def test_it_watches_and_interrupts_a_prompt_on_the_server_s_page(page, site, comfyui):
    team = sign_in(page, site)
    submit(comfyui, steps=80, delay=0.1)
    page.goto(f"{team}servers/1/")
    card = page.locator("article.server")
    expect(card).to_have_attribute("data-state", "executing")
    expect(page.locator("#server-1-link")).to_contain_text("from the log")
    page.reload()

    page.get_by_role("button", name="Interrupt").click()

    expect(page.locator("main")).to_contain_text("It was told to stop")
    # This node asks for no interrupts: ComfyUI notices before the next one.
    expect(card).to_contain_text("Cancelled", timeout=20_000)


def test_the_record_follows_what_happens_without_being_reloaded(page, site, comfyui):
    team = sign_in(page, site)
    page.goto(f"{team}servers/1/")
    record, soon_ms = page.locator("#record"), 5_000
    expect(page.locator("article.server")).to_have_attribute("data-state", "idle")
    expect(record).to_contain_text("Nothing runs and nothing waits.")

    submit(comfyui, steps=100, delay=0.1)
    expect(record.get_by_role("button", name="Interrupt")).to_be_visible(timeout=soon_ms)
    submit(comfyui, steps=31, delay=0.1)
    expect(record.get_by_role("button", name="Cancel")).to_be_visible(timeout=soon_ms)
    record.get_by_role("button", name="Cancel").click()

    expect(page.locator("article.server .ended")).to_contain_text("Completed", timeout=20_000)
    recent = record.get_by_role("region", name="Table of recent prompts")
    expect(recent).to_contain_text("Completed", timeout=soon_ms)


def test_it_tests_a_server_and_keeps_what_was_typed(page, site, comfyui):
    team = sign_in(page, site)
    page.goto(f"{team}settings/servers/add/")
    page.get_by_label("Name", exact=True).fill("kino-02")
    page.get_by_label("Base URL").fill(f"http://localhost:{comfyui}/")
    page.get_by_label("New bearer token").fill("t0ken")

    page.get_by_role("button", name="Test connection").click()

    expect(page.locator("#checkup")).to_contain_text("It can be watched.")
    expect(page.get_by_label("New bearer token")).to_have_value("t0ken")


def test_what_goes_on_adds_no_barrier_that_axe_knows_of(page, site, comfyui):
    team = sign_in(page, site)
    submit(comfyui, steps=300, delay=0.1)
    submit(comfyui, steps=301, delay=0.1)

    for path, scheme in (("runs/?status=executing", "dark"), ("servers/1/", "light")):
        page.goto(team + path)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        report = Axe().run(page)
        assert report.violations_count == 0, f"{path}: {report.generate_report()}"


@pytest.mark.parametrize("width", [360, 390, 820])
def test_no_page_of_them_scrolls_sideways(page, site, width):
    team = sign_in(page, site)
    page.set_viewport_size({"width": width, "height": 844})

    for address in (
        f"{team}runs/",
        f"{team}failures/",
        f"{team}servers/1/",
        f"{team}settings/servers/1/",
        f"{site}/settings/me/",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_the_theme_of_the_account_menu_holds_on_another_machine(page, browser, site):
    sign_in(page, site)
    page.locator("summary[aria-label^=Account]").click()
    with page.expect_response(f"{site}/settings/me/theme/"):
        page.get_by_role("button", name="Light").click()

    elsewhere = browser.new_context().new_page()
    sign_in(elsewhere, site)

    expect(elsewhere.locator("html")).to_have_attribute("data-theme", "light")
    elsewhere.context.close()


def test_the_list_of_runs_and_its_statistics_follow_what_happens(page, site, comfyui):
    team = sign_in(page, site)
    submit(comfyui, steps=2, delay=0.1)
    expect(page.locator("article.server .ended")).to_contain_text("Completed", timeout=20_000)
    page.goto(f"{team}runs/")
    runs, statistics, soon_ms = page.locator("#runs tbody"), page.locator("#statistics"), 5_000
    expect(statistics).to_contain_text("1 run, 1 scene")
    ticked = runs.locator("input").first
    ticked.check()
    page.evaluate("document.activeElement.blur()")
    number = ticked.get_attribute("value")

    submit(comfyui, steps=60, delay=0.1)
    expect(runs).to_contain_text("Executing", timeout=soon_ms)
    expect(statistics).to_contain_text("in progress", timeout=soon_ms)

    until(lambda: not any(get(comfyui, "/queue").values()), "the queue to be empty")
    expect(statistics).to_contain_text("2 of 2 tried", timeout=soon_ms)
    expect(runs).not_to_contain_text("Executing", timeout=soon_ms)
    # It has moved to the second row.
    expect(runs.locator(":checked")).to_have_value(number)
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(re.compile(rf"/compare/\?runs={number}$"))


def test_the_runs_over_time_follow_what_happens(page, site, comfyui):
    team = sign_in(page, site)
    page.goto(f"{team}runs/timeline/")
    strip, soon_ms = page.locator("[data-strip]"), 5_000
    before = strip.locator("a").count()
    page.evaluate("window.sameDocument = true")

    submit(comfyui, steps=60, delay=0.1)

    newest = strip.locator("a").last
    expect(strip.locator("a")).to_have_count(before + 1, timeout=soon_ms)
    expect(newest).to_have_attribute("data-status", "executing", timeout=soon_ms)
    until(lambda: not any(get(comfyui, "/queue").values()), "the queue to be empty")
    expect(newest).to_have_attribute("data-status", "completed", timeout=soon_ms)
    # It is taken up as what was there from the beginning: one tab stop, a tip, the arrow keys.
    assert strip.locator("a[tabindex='0']").count() == 1
    newest.focus()
    expect(page.locator(".past-box > .chart-tip")).to_contain_text("completed")
    assert page.evaluate("sameDocument")


def test_the_page_of_a_run_follows_it_to_its_end(page, site, comfyui):
    team = sign_in(page, site)
    submit(comfyui, steps=150, delay=0.1)
    # It may be served before the run is on record; no push tells that it was, any more.
    page.goto(f"{team}runs/")
    page.locator("#runs tbody a").first.click(timeout=5_000)
    badge, past = page.locator("h1 .badge"), page.locator("section[aria-labelledby=past-title]")
    expect(badge).to_contain_text("Executing")
    expect(page.locator("main")).to_contain_text(re.compile(r"step \d+/150"))
    expect(past).to_contain_text("Figures follow once it has ended")
    page.evaluate("window.sameDocument = true")

    until(lambda: not any(get(comfyui, "/queue").values()), "the queue to be empty")

    expect(badge).to_contain_text("Completed", timeout=5_000)
    expect(past).to_contain_text("Time of its scenes together", timeout=5_000)
    assert page.evaluate("sameDocument")

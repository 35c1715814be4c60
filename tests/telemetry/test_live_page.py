"""The pages as people meet them, in a real browser: accessible, in both schemes, on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.forms import AuthenticationForm
from django.template.loader import get_template
from django.utils.safestring import mark_safe
from playwright.sync_api import Page

from telemetry.activity import Happening
from telemetry.board import rendered as board_of
from telemetry.condition import Notice
from telemetry.live import attributes, feed_line, rendered
from telemetry.overview import Overview
from telemetry.words import Tone
from tests.telemetry.sample_cards import (
    NOW,
    board,
    device,
    ended,
    executing,
    happenings,
    leased,
    overview,
    running,
    samples,
    shell,
    waiting,
    wall,
)

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

pytest_plugins = ("tests.browser",)

Until = Callable[[str], None]


def at_noon(html: str) -> str:
    """Return the page with the samples' time as the server's."""
    return re.sub(r'data-at="[^"]*"', f'data-at="{NOW.isoformat()}"', html)


def failed_sign_in() -> str:
    """Return the sign-in page after a try that failed."""
    form = AuthenticationForm(None, data={"username": "mira", "password": ""})
    return get_template("registration/login.html").render({"form": form, "next": "/"})


PAGES: dict[str, Callable[[], str]] = {
    "live": lambda: at_noon(wall(samples())),
    "empty": lambda: at_noon(wall([], feed=[])),
    "login": failed_sign_in,
    "not-found": lambda: get_template("404.html").render({}),
}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_barrier_that_axe_knows_of_and_fits_its_width(
    name: str, scheme: Any, width: int, page: Page, stage: Stage
) -> None:
    stage.pages[name] = PAGES[name]()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})

    page.goto(f"{stage.url}/{name}")

    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [1440, 390])
def test_long_words_stay_within_their_card(width: int, page: Page, stage: Stage) -> None:
    long = "Unbelievably-long " * 5 + "W" * 90
    row = running(title=long, of=long, node=long, node_note=long, step=long[:30], submitter=long)
    told = Notice("bad", "s-offline", "Offline", long, NOW, NOW)
    ends = [ended("failed", "Failed", title=long, of=long, why=long)]
    queue = [waiting(1, title=long, of=long, submitter=long)]
    shown = executing(
        name=long, running=[row], next=queue, ended=ends, notice=told, devices=[device(name=long)]
    )
    line = Happening("noted", Tone.WARN, "s-warn", long, NOW, long)
    feed = [mark_safe(feed_line(line, leased(name=long)).html)]
    stage.pages["live"] = at_noon(wall([shown, executing(2)], feed=feed))
    page.set_viewport_size({"width": width, "height": 844})

    page.goto(f"{stage.url}/live")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    spills = """[...document.querySelectorAll('.card *:not(.vh)')]
        .filter(e => e.getBoundingClientRect().right >
            e.closest('.card').getBoundingClientRect().right + 0.5)
        .filter(e => !e.parentElement.closest('.head, .node, header p, h3, .name, .of, b, li p'))
        .map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(spills) == []


def test_the_page_is_what_the_socket_would_make_of_it(
    page: Page, stage: Stage, until: Until
) -> None:
    """The keystone: a page that was served and one that was pushed show the same."""
    cards, lines = samples(), happenings()
    fragments: list[dict[str, str]] = []
    for shown in cards:
        element = f"server-{shown.server_id}"
        fragments.append({"id": element, "html": shell(shown), "into": "servers"})
        fragments += [{"id": key, "html": html} for key, html in rendered(shown).items()]
        fragments[-1]["into"] = "attention"  # the chip
    fragments += [{"id": f.id, "html": f.html, "into": f.into or ""} for f in board_of(overview())]
    snapshot = {
        "v": 1,
        "type": "snapshot",
        "topic": "team-1",
        "epoch": "abc",
        "seq": 1,
        "at": NOW.isoformat(),
        "fragments": fragments,
        "patches": [
            [f"server-{c.server_id}", key, value]
            for c in cards
            for key, value in attributes(c).items()
        ],
        "feed": [
            {"id": line.id, "html": line.html} for line in (feed_line(h, leased()) for h in lines)
        ],
    }
    # It runs until it is paused: begun at NOW it would be past it by then.
    page.clock.install(time=NOW - timedelta(minutes=1))
    page.clock.pause_at(NOW)
    places = ["#servers", "#attention", "#feed", "#summary", "#active-runs", "#active-list"]
    look = f"""{places}.map(s => [...document.querySelectorAll(s + ' > *:not(ol)')]
        .map(e => e.outerHTML.replace(/\\s+/g, ' ')))"""
    stage.pages["served"] = at_noon(wall(cards))
    page.goto(f"{stage.url}/served")
    stage.connection()
    until("document.querySelector('time[data-since]').textContent !== '–'")
    served = page.evaluate(look)

    stage.pages["pushed"] = at_noon(wall([], chips=[], feed=[], **board(Overview(NOW))))
    page.goto(f"{stage.url}/pushed")
    stage.connection().send(snapshot)
    until("live.seq === 1")

    assert page.evaluate(look) == served


def test_the_theme_is_chosen_in_the_account_menu_and_remembered(page: Page, stage: Stage) -> None:
    stage.pages["live"] = at_noon(wall([executing()]))
    page.goto(f"{stage.url}/live")
    page.get_by_label("Account: mira.okafor").click()

    page.get_by_role("button", name="Dark").click()

    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_label("Account: mira.okafor").click()
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="System").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_a_menu_is_opened_and_shut_by_keyboard(page: Page, stage: Stage) -> None:
    stage.pages["live"] = at_noon(wall([executing()]))
    page.goto(f"{stage.url}/live")
    summary = page.get_by_label("Account: mira.okafor")
    summary.focus()

    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Change password").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    assert page.get_by_role("link", name="Change password").is_hidden()
    assert summary.evaluate("e => e === document.activeElement")


def test_everything_to_press_is_reached_by_tab_with_a_visible_focus(
    page: Page, stage: Stage
) -> None:
    stage.pages["live"] = at_noon(wall(samples()))
    page.goto(f"{stage.url}/live")

    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(e => [e.className || e.id || e.tagName, getComputedStyle(e).outlineStyle])"
            "(document.activeElement)"
        )
        reached.append(at[0])
        if at[0] == "feed":
            break
        assert at[1] != "none" or "skip-link" in at[0], at

    assert "skip-link" in reached
    assert sum("chip" in name for name in reached) == 4
    assert "feed" in reached


def test_nothing_moves_for_who_wants_that(page: Page, stage: Stage) -> None:
    stage.pages["live"] = at_noon(wall(samples()))
    page.emulate_media(reduced_motion="reduce")

    page.goto(f"{stage.url}/live")

    moving = "document.getAnimations().filter(a => a.playState === 'running').length"
    assert page.evaluate(moving) == 0

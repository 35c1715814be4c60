"""The pages as people meet them, in a real browser: accessible, in both schemes, on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.forms import AuthenticationForm
from django.template.loader import get_template
from django.utils.safestring import mark_safe
from playwright.sync_api import Page

from telemetry.activity import Happening
from telemetry.board import rendered as board_of
from telemetry.cards import Card
from telemetry.condition import Notice
from telemetry.hot import Hot
from telemetry.live import attributes, feed_line, rendered
from telemetry.overview import Overview
from telemetry.transitions import Key
from telemetry.tv_pages import TvLinkForm
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
    run_row,
    running,
    samples,
    shell,
    waiting,
    wall,
)

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Connection, Stage

pytest_plugins = ("tests.browser",)

Until = Callable[[str], None]


@pytest.fixture(autouse=True)
def no_bells(page: Page) -> None:
    """Have the site know of no bells; a test that wants some routes them itself."""
    page.route("**/teams/northlight/bells/", lambda route: route.fulfill(json={"bells": []}))


def at_noon(html: str) -> str:
    """Return the page with the samples' time as the server's."""
    return re.sub(r'data-at="[^"]*"', f'data-at="{NOW.isoformat()}"', html)


def failed_sign_in() -> str:
    """Return the sign-in page after a try that failed."""
    form = AuthenticationForm(None, data={"username": "mira", "password": ""})
    return get_template("registration/login.html").render({"form": form, "next": "/"})


def screens() -> str:
    """Return the page of a team's screens: one on, one revoked, and a form that failed."""
    maker = SimpleNamespace(get_username=lambda: "mira")
    usual = {"name": "Studio 2", "created_at": NOW, "created_by": maker, "pk": 1, "is_good": True}
    gone = {**usual, "name": "Reception", "is_good": False, "revoked_at": NOW, "last_seen_at": NOW}
    links = [SimpleNamespace(**usual), SimpleNamespace(**gone)]
    form = TvLinkForm(data={"name": ""})
    return wall([], "telemetry/tv_links.html", links=links, form=form)


PAGES: dict[str, Callable[[], str]] = {
    "live": lambda: at_noon(wall(samples())),
    "empty": lambda: at_noon(wall([], feed=[])),
    "tv": lambda: at_noon(wall(samples(), "telemetry/tv.html", token="x")),
    "tv-links": screens,
    "login": failed_sign_in,
    "not-found": lambda: get_template("404.html").render({}),
}


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
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


def test_it_shows_hostile_words_as_text(page: Page, stage: Stage) -> None:
    evil = "\"'><i q>"
    row = running(title=evil, of=evil, node=evil, node_note=evil, step=evil, submitter=evil)
    told = Notice("bad", "s-offline", evil, evil, NOW, NOW)
    ends = [ended("failed", evil, title=evil, of=evil, why=evil)]
    queue = [waiting(1, title=evil, of=evil, submitter=evil)]
    shown = executing(
        name=evil, running=[row], next=queue, ended=ends, notice=told, devices=[device(name=evil)]
    )
    line = Happening("noted", Tone.WARN, "s-warn", evil, NOW, evil)
    feed = [mark_safe(feed_line(line, leased(name=evil)).html)]
    stage.pages["live"] = at_noon(wall([shown, executing(2)], feed=feed))

    page.goto(f"{stage.url}/live")

    assert page.locator("[q]").count() == 0
    assert page.locator("#server-1").inner_text().count(evil) >= 8


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
    until("live.place('team-1')?.seq === 1")

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
    for _ in range(80):
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


def told(seq: int, **content: Any) -> dict[str, Any]:
    """Return a change of the page, as the socket sends it."""
    place = {"v": 1, "type": "change", "topic": "team-1", "epoch": "abc", "seq": seq}
    return {**place, "at": NOW.isoformat(), "fragments": [], "patches": [], "feed": [], **content}


def first(lines: int = 2) -> dict[str, Any]:
    """Return a snapshot with lines of the feed and two runs, newest line first."""
    shown = [f for f in board_of(overview()) if f.id in ("run-7-mini", "run-9-mini")]
    runs = [{"id": f.id, "html": f.html, "into": "active-list"} for f in shown]
    feed = [a_line(n) for n in range(lines, 0, -1)]
    return {**told(1, fragments=runs, feed=feed), "type": "snapshot"}


def a_line(n: int, tone: Tone = Tone.OK, submitter: str = "") -> dict[str, str]:
    """Return a line of the feed, about the submitter's prompt or about the server itself."""
    icon, text = "s-completed", f"Line {n}"
    shown = Happening(f"kind-{n}", tone, icon, text, NOW, submitter=submitter)
    return {
        "id": f"event-{n}",
        "html": re.sub(r'id="[^"]*"', f'id="event-{n}"', feed_line(shown, leased()).html, count=1),
    }


SHOWN = "[...document.querySelectorAll('#feed > li')].map(li => li.id).join()"
RUNS = "[...document.querySelectorAll('#active-list > li')].map(li => li.id).join()"


@pytest.fixture
def watching(page: Page, stage: Stage, until: Until) -> Connection:
    """Return the server's end of a page's socket after its first snapshot."""
    stage.pages["live"] = at_noon(wall([], chips=[], feed=[], **board(Overview(NOW))))
    page.goto(f"{stage.url}/live")
    connection = stage.connection()
    connection.send(first())
    until("live.place('team-1')?.seq === 1")
    return connection


def test_a_pause_holds_lines_and_runs_and_says_so(
    page: Page, watching: Connection, until: Until
) -> None:
    page.get_by_role("button", name="Pause").click()
    gone = [{"id": "run-7-mini", "html": ""}]

    watching.send(told(2, feed=[a_line(3), a_line(4)], fragments=gone))

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate(SHOWN) == "event-2,event-1"
    assert page.evaluate(RUNS) == "run-7-mini,run-9-mini"
    assert page.get_by_role("button", name="2 new").is_visible()
    assert page.get_by_text("Paused since 14:32").is_visible()
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate(SHOWN) == "event-4,event-3,event-2,event-1"
    assert page.evaluate(RUNS) == "run-9-mini"
    assert page.get_by_text("Paused since").is_hidden()


def test_what_is_new_can_be_looked_at_without_ending_the_pause(
    page: Page, watching: Connection, until: Until
) -> None:
    page.get_by_role("button", name="Pause").click()
    watching.send(told(2, feed=[a_line(3)]))
    until("live.place('team-1')?.seq === 2")

    page.get_by_role("button", name="1 new").click()
    assert page.evaluate(SHOWN) == "event-3,event-2,event-1"

    watching.send(told(3, feed=[a_line(4)]))
    until("live.place('team-1')?.seq === 3")
    assert page.evaluate(SHOWN) == "event-3,event-2,event-1"
    assert page.get_by_role("button", name="1 new").is_visible()


def test_a_value_goes_on_while_lists_are_paused(
    page: Page, watching: Connection, until: Until
) -> None:
    page.get_by_role("button", name="Pause").click()
    html = next(f.html for f in board_of(overview()) if f.id == "run-7-mini")

    watching.send(
        told(2, fragments=[{"id": "run-7-mini", "html": html.replace("7 of 12", "8 of 12")}])
    )

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#run-7-mini .done").inner_text() == "8 of 12, 1 failed"


def test_no_row_moves_under_the_mouse(page: Page, watching: Connection, until: Until) -> None:
    page.locator("#event-1").hover()
    watching.send(told(2, feed=[a_line(3)]))
    until("live.place('team-1')?.seq === 2")
    assert page.evaluate(SHOWN) == "event-2,event-1"

    page.mouse.move(1, 1)

    until(f"{SHOWN} === 'event-3,event-2,event-1'")
    assert page.locator("#feed-new").is_hidden()


def test_a_mouse_left_on_a_list_does_not_stop_it_for_good(
    page: Page, stage: Stage, until: Until
) -> None:
    page.clock.install(time=NOW)
    stage.pages["live"] = at_noon(wall([], chips=[], feed=[], **board(Overview(NOW))))
    page.goto(f"{stage.url}/live")
    connection = stage.connection()
    connection.send(first())
    until("live.place('team-1')?.seq === 1")
    page.locator("#event-1").hover()
    connection.send(told(2, feed=[a_line(3)]))
    until("live.place('team-1')?.seq === 2")

    page.clock.run_for(32_000)

    assert page.evaluate(SHOWN) == "event-3,event-2,event-1"


def test_a_snapshot_while_paused_shows_nothing_new_until_it_ends(
    page: Page, watching: Connection, until: Until
) -> None:
    page.get_by_role("button", name="Pause").click()

    watching.send({**first(3), "seq": 5})

    until("live.place('team-1')?.seq === 5")
    assert page.evaluate(SHOWN) == "event-2,event-1"
    assert page.get_by_role("button", name="1 new").is_visible()


def test_the_feed_can_show_problems_alone_and_the_address_says_so(
    page: Page, watching: Connection, until: Until
) -> None:
    watching.send(told(2, feed=[a_line(3, Tone.BAD), a_line(4, Tone.WARN)]))
    until("live.place('team-1')?.seq === 2")

    page.get_by_role("button", name="Problems only").click()

    assert page.locator("#feed > li:visible").count() == 2
    assert page.evaluate("location.search") == "?feed=problems"
    page.get_by_role("button", name="Problems only").click()
    assert page.locator("#feed > li:visible").count() == 4
    assert page.evaluate("location.search") == ""


def test_a_feed_without_problems_says_so(page: Page, watching: Connection) -> None:
    page.get_by_role("button", name="Problems only").click()

    assert page.get_by_text("No problem among the last 50 events.").is_visible()


def test_the_compact_view_stands_in_the_address_and_outlives_a_reload(
    page: Page, stage: Stage
) -> None:
    stage.pages["live"] = at_noon(wall(samples()))
    page.goto(f"{stage.url}/live?mine=1")
    page.get_by_role("button", name="Compact").press("Enter")
    assert page.evaluate("location.search") == "?mine=1&dense=1"

    page.reload()

    assert page.locator("#servers.compact").count() == 1
    assert page.get_by_role("button", name="Compact").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Detailed").click()
    assert page.locator("#servers.compact").count() == 0


def test_mine_leaves_cards_in_place_and_shows_only_the_viewers_prompts(
    page: Page, stage: Stage
) -> None:
    mine = executing(1, next=[waiting(12, submitter="mira-laptop"), waiting(7, submitter="jonas")])
    others = executing(2, running=[running(submitter="jonas")], next=[], ended=[])
    stage.pages["live"] = at_noon(wall([mine, others]))
    page.goto(f"{stage.url}/live")

    page.get_by_role("button", name="Mine").click()

    assert page.locator("#server-1-exec .scene-live").is_visible()
    assert page.locator("#server-1-next li:visible").count() == 1
    assert page.locator("#server-2-head").is_visible()
    assert page.locator("#server-2-exec").is_hidden()
    assert page.locator("#mine-count").inner_text() == "1 at work, 1 next in a queue"
    assert page.evaluate("location.search") == "?mine=1"


def lines_seen(page: Page) -> list[str]:
    """Return which lines of the feed are to be seen."""
    visible = "line => line.checkVisibility() && line.id"
    return [
        line
        for line in page.locator("#feed > li").evaluate_all(f"all => all.map({visible})")
        if line
    ]


def test_mine_shows_only_lines_about_the_viewers_prompts(
    page: Page, watching: Connection, until: Until
) -> None:
    lines = [a_line(3, submitter="mira"), a_line(4, submitter="jonas"), a_line(5)]
    watching.send(told(2, feed=[*lines, a_line(6, Tone.WARN, "mira-laptop")]))
    until("live.place('team-1')?.seq === 2")

    page.get_by_role("button", name="Mine").click()
    assert lines_seen(page) == ["event-6", "event-3"]
    page.get_by_role("button", name="Problems only").click()
    assert lines_seen(page) == ["event-6"]
    page.get_by_role("button", name="Mine").click()
    page.get_by_role("button", name="Problems only").click()

    assert len(lines_seen(page)) == 6


def test_a_line_that_comes_while_mine_is_chosen_is_shown_only_to_whom_it_is_about(
    page: Page, watching: Connection, until: Until
) -> None:
    page.get_by_role("button", name="Mine").click()
    assert page.locator("#feed ~ .none-mine").is_visible()

    watching.send(told(2, feed=[a_line(3, submitter="jonas"), a_line(4, submitter="mira")]))
    until("live.place('team-1')?.seq === 2")

    assert lines_seen(page) == ["event-4"]
    assert page.locator("#feed ~ .none-mine").is_hidden()


def test_one_sentence_says_why_a_feed_of_two_filters_is_empty(
    page: Page, watching: Connection, until: Until
) -> None:
    empty = page.locator(".feed-panel .feed-empty:visible")
    page.get_by_role("button", name="Mine").click()
    page.get_by_role("button", name="Problems only").click()
    assert empty.all_inner_texts() == ["None of the last 50 events is about a prompt of yours."]

    watching.send(told(2, feed=[a_line(3, submitter="mira")]))
    until("live.place('team-1')?.seq === 2")

    assert empty.all_inner_texts() == ["No problem among the last 50 events."]


@pytest.mark.parametrize("choice", ["?dense=1", "?mine=1"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_chosen_view_has_no_barrier_that_axe_knows_of(
    choice: str, scheme: Any, page: Page, stage: Stage
) -> None:
    stage.pages["live"] = at_noon(wall(samples()))
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{stage.url}/live{choice}")
    page.get_by_role("button", name="Pause").click()

    report = Axe().run(page)

    assert report.violations_count == 0, report.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_screen_shows_the_time(page: Page, stage: Stage, until: Until) -> None:
    page.clock.install(time=NOW)
    stage.pages["tv"] = at_noon(wall(samples(), "telemetry/tv.html", live_base="/", token="x"))
    stage.pages["tv"] = stage.pages["tv"].replace('data-live="/tv/x/"', 'data-live="/live/"')
    page.goto(f"{stage.url}/tv")
    stage.connection().send(first())

    page.clock.run_for(61_000)

    until("document.getElementById('wall-clock').textContent === '14:33'")


def test_a_screen_whose_link_is_revoked_goes_dark(page: Page, stage: Stage, until: Until) -> None:
    page.clock.install(time=NOW)
    html = at_noon(wall(samples(), "telemetry/tv.html", live_base="/", token="x"))
    stage.pages["tv"] = html.replace('data-live="/tv/x/"', 'data-live="/live/"')
    page.goto(f"{stage.url}/tv")
    connection = stage.connection()
    connection.send(first())
    until("live.place('team-1')?.seq === 1")
    stage.pages["tv"] = "<!doctype html><title>Not found</title><link rel=icon href='data:,'>"

    connection.close(4403)
    until("live.state === 'refused'")
    with page.expect_navigation():
        page.clock.run_for(6_000)

    assert page.title() == "Not found"


class Bells:
    """The server's list of bells, and what the page told it."""

    def __init__(self, page: Page) -> None:
        self.kept: list[dict[str, Any]] = []
        self.said: list[str] = []
        page.route("**/teams/northlight/bells/", self._answer)

    def _answer(self, route: Any) -> None:
        if route.request.method == "POST":
            self.said.append(route.request.post_data)
        route.fulfill(json={"bells": self.kept})


@pytest.fixture
def bells(page: Page) -> Bells:
    """Return the bells; to be asked for before the page is opened."""
    return Bells(page)


def opened(page: Page, stage: Stage, until: Until) -> Connection:
    """Return the server's end of a wall with two runs at work and a prompt that waits."""
    shown = executing(1, running=[running(prompt_id="run-9f")], next=[waiting(12)])
    html = at_noon(wall([shown], chips=[], feed=[], **board(overview())))
    stage.pages["live"] = html
    page.goto(f"{stage.url}/live")
    connection = stage.connection()
    until("document.querySelectorAll('[data-bell][aria-pressed]').length >= 4")
    return connection


def snapshot_of_the_wall() -> dict[str, Any]:
    """Return the first message of that page: what it shows already."""
    shown = executing(1, running=[running(prompt_id="run-9f")], next=[waiting(12)])
    parts = [{"id": key, "html": html} for key, html in rendered(shown).items()]
    parts[-1]["into"] = "attention"
    told_of = [{"id": f.id, "html": f.html, "into": f.into or ""} for f in board_of(overview())]
    whole = [{"id": "server-1", "html": shell(shown), "into": "servers"}, *parts, *told_of]
    return {**told(1, fragments=whole), "type": "snapshot"}


def the_end(prompt_id: str) -> dict[str, str]:
    """Return the line of the feed that says that a prompt ended."""
    key = Key(prompt_id, 0)
    line = Happening("ended", Tone.BAD, "s-failed", "Scene 9 failed", NOW, "OutOfMemory", key)
    shown = feed_line(line, leased())
    return {"id": shown.id, "html": shown.html}


def test_a_bell_on_a_prompt_rings_once_when_it_ends(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    connection = opened(page, stage, until)
    connection.send(snapshot_of_the_wall())
    until("live.place('team-1')?.seq === 1")
    bell = page.get_by_role("button", name="Tell me when Scene 9 ends")

    bell.press("Enter")

    assert bell.get_attribute("aria-pressed") == "true"
    until("document.activeElement.dataset.bell === 'prompt:1:run-9f'")
    connection.send(told(2, feed=[the_end("run-9f")]), told(3, feed=[the_end("run-9f")]))
    until("document.querySelector('#toasts .toast') !== null")
    until("live.place('team-1')?.seq === 3")
    assert page.locator("#toasts .toast").count() == 1
    assert "Scene 9 failed" in page.locator("#toasts .toast").inner_text()
    assert bell.get_attribute("aria-pressed") == "false"
    assert bells.said == ["what=prompt%3A1%3Arun-9f&on=1", "what=prompt%3A1%3Arun-9f&on=0"]


def test_a_bell_rings_also_while_the_feed_is_paused(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    connection = opened(page, stage, until)
    connection.send(snapshot_of_the_wall())
    until("live.place('team-1')?.seq === 1")
    page.get_by_role("button", name="Tell me when Scene 9 ends").click()
    page.get_by_role("button", name="Pause").click()

    connection.send(told(2, feed=[the_end("run-9f")]))

    until("document.querySelector('#toasts .toast') !== null")


def test_a_bell_on_a_run_rings_once_it_is_over_for_good(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    page.clock.install(time=NOW)
    connection = opened(page, stage, until)
    connection.send(snapshot_of_the_wall())
    until("live.place('team-1')?.seq === 1")
    page.locator("[data-bell='run:7']").click()
    over = overview(runs=(run_row(7, status="completed", label="Completed", ended_at=NOW),))
    [ended_row] = [f for f in board_of(over) if f.id == "run-7-mini"]

    connection.send(told(2, fragments=[{"id": "run-7-mini", "html": ended_row.html}]))
    page.clock.run_for(1_000)
    until("live.place('team-1')?.seq === 2")
    assert page.locator("#toasts .toast").count() == 0

    page.clock.run_for(10_000)
    until("document.querySelector('#toasts .toast') !== null")
    assert "Harbor at Dusk: completed" in page.locator("#toasts .toast").inner_text()


def test_a_bell_on_a_run_that_is_one_prompt_rings_at_once(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    page.clock.install(time=NOW)
    connection = opened(page, stage, until)
    connection.send(snapshot_of_the_wall())
    until("live.place('team-1')?.seq === 1")
    page.locator("[data-bell='run:7']").click()
    alone = run_row(7, status="failed", label="Failed", ended_at=NOW, alone=True)
    [ended_row] = [f for f in board_of(overview(runs=(alone,))) if f.id == "run-7-mini"]

    connection.send(told(2, fragments=[{"id": "run-7-mini", "html": ended_row.html}]))
    page.clock.run_for(200)

    until("document.querySelector('#toasts .toast') !== null")


def test_the_bell_of_a_run_says_when_it_rings(page: Page, stage: Stage, until: Until) -> None:
    opened(page, stage, until)

    name = "Tell me when Harbor at Dusk ends, 10 s after its last prompt"
    assert page.get_by_role("button", name=name).is_visible()


def test_who_was_away_is_told_at_the_next_visit(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    end = {"status": "failed", "label": "Failed", "tone": "bad", "at": NOW.isoformat()}
    waits = {"what": "prompt:1:run-9f", "name": "Scene 9", "end": None}
    bells.kept = [{"what": "run:3", "name": "Salt Road", "end": end}, waits]

    opened(page, stage, until)

    until("document.querySelector('#toasts .toast') !== null")
    assert "Salt Road: failed" in page.locator("#toasts .toast").inner_text()
    assert "Ended at 14:32, while you were away" in page.locator("#toasts .toast").inner_text()
    assert bells.said == ["what=run%3A3&on=0"]
    set_bell = page.locator("[data-bell='prompt:1:run-9f']")
    assert set_bell.get_attribute("aria-pressed") == "true"


def test_a_bell_that_the_site_did_not_hear_says_so(
    page: Page, stage: Stage, bells: Bells, until: Until, complaints: list[str]
) -> None:
    opened(page, stage, until)
    page.unroute("**/teams/northlight/bells/")
    page.route("**/teams/northlight/bells/", lambda route: route.abort())

    page.locator("[data-bell='run:7']").click()

    until("document.querySelector('#toasts .toast') !== null")
    assert "The bell is not set" in page.locator("#toasts .toast").inner_text()
    assert page.locator("[data-bell='run:7']").get_attribute("aria-pressed") == "false"
    complaints.clear()


def test_a_notification_is_shown_where_the_viewer_allowed_it(
    page: Page, stage: Stage, bells: Bells, until: Until
) -> None:
    page.add_init_script(
        "globalThis.shown = []; "
        "globalThis.Notification = class { static permission = 'granted';"
        "constructor(title, { tag }) { shown.push([title, tag]); } };"
    )
    bells.kept = [{"what": "prompt:1:run-9f", "name": "Scene 9", "end": None}]
    connection = opened(page, stage, until)
    connection.send(snapshot_of_the_wall())
    until("live.place('team-1')?.seq === 1")

    connection.send(told(2, feed=[the_end("run-9f")]))

    until("shown.length === 1")
    assert page.evaluate("shown") == [["Scene 9 failed", "prompt:1:run-9f"]]


FLASHES = "[...document.querySelectorAll('[data-changed]')].map((e) => e.textContent.trim())"


def told_whole(shown: Card) -> list[dict[str, str]]:
    """Return the parts of a card, and its place, as a message has them."""
    parts = [{"id": element, "html": html} for element, html in rendered(shown).items()]
    return [{"id": "server-1", "html": shell(executing(1)), "into": "servers"}, *parts]


def test_a_value_that_changed_is_tinted_for_a_moment(
    page: Page, watching: Connection, until: Until
) -> None:
    page.clock.install(time=NOW)
    watching.send(told(2, fragments=told_whole(executing(1))))
    until("live.place('team-1')?.seq === 2")
    fresh = executing(1, queue="4 queued", devices=[device(0, 50.0)])

    watching.send(told(3, fragments=told_whole(fresh)[1:]))
    page.clock.run_for(250)
    until("live.place('team-1')?.seq === 3")

    assert page.evaluate(FLASHES) == ["4 queued", "12.0"]
    tint = "getComputedStyle(document.querySelector('[data-changed]')).animationDuration"
    assert page.evaluate(tint) == "0.6s"
    page.clock.run_for(600)
    assert page.evaluate(FLASHES) == []


def test_steps_and_what_stays_the_same_are_not_tinted(
    page: Page, watching: Connection, until: Until
) -> None:
    same = executing(1, running=[running(step=Hot("server-1-step", "text", "step 15/20"))])
    for seq, shown in enumerate((executing(1), same), start=2):
        watching.send(told(seq, fragments=told_whole(shown)))
        until(f"live.place('team-1')?.seq === {seq}")

    assert page.evaluate(FLASHES) == []


def test_nothing_is_tinted_for_who_wants_no_motion(page: Page, stage: Stage) -> None:
    page.emulate_media(reduced_motion="reduce")
    stage.pages["live"] = at_noon(wall([executing(1)]))
    page.goto(f"{stage.url}/live")

    style = (
        "(e) => { e.setAttribute('data-changed', ''); return getComputedStyle(e).animationName }"
    )
    assert page.locator("#server-1-head .end").evaluate(style) == "none"

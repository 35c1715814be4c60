"""The wall for who has no mouse: what a screen reader is told, and the way of the keyboard."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Stage
from tests.telemetry.sample_cards import NOW, samples, wall
from tests.telemetry.test_live_page import at_noon

pytest_plugins = ("tests.browser",)

Until = Callable[[str], None]

# What has the focus: its name, whether a ring shows that, and whether anything lies over it.
FOCUSED = """(e => {
    const box = e.getBoundingClientRect(), look = getComputedStyle(e);
    const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 60)];
    const top = document.elementFromPoint(x, y);
    const said = e.getAttribute('aria-label') ?? e.innerText;
    return {
        name: said.replace(/\\s+/g, ' ').trim(),
        ring: look.outlineStyle === 'solid' && parseFloat(look.outlineWidth) >= 2,
        seen: Boolean(top) && (e.contains(top) || top.contains(e)) && !top.closest('.rail, .topbar')
            || Boolean(e.closest('.rail, .topbar')),
        in: e.closest('[aria-labelledby], [aria-label]:not(a, button, ol, summary)')?.id
            || e.closest('header, nav, footer, section')?.className,
    };
})(document.activeElement)"""
LIVE_REGIONS = """[...document.querySelectorAll('[aria-live], output, [role]')]
    .filter(e => e.matches('[aria-live], output') ||
        ['status', 'alert', 'log', 'timer', 'marquee'].includes(e.getAttribute('role')))
    .map(e => [e.id, e.getAttribute('role') ?? e.getAttribute('aria-live')])"""


@pytest.fixture
def wall_page(page: Page, stage: Stage, until: Until) -> Page:
    """Return the wall with a card of every condition, at noon."""
    page.route("**/teams/northlight/bells/", lambda route: route.fulfill(json={"bells": []}))
    page.clock.install(time=NOW - timedelta(minutes=1))
    page.clock.pause_at(NOW)
    stage.pages["live"] = at_noon(wall(samples()))
    page.goto(f"{stage.url}/live")
    stage.connection()
    until("document.querySelector('time[data-since]').textContent !== '–'")
    return page


def tabbed(page: Page, times: int) -> list[dict[str, Any]]:
    """Return what has the focus after each press of Tab."""
    found = []
    for _ in range(times):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUSED))
    return found


def test_the_wall_is_told_as_named_parts_in_the_order_of_their_weight(wall_page: Page) -> None:
    expect(wall_page.locator("body")).to_match_aria_snapshot("""
        - link "Skip to content"
        - navigation "Main"
        - banner:
          - heading "Live" [level=1]
          - status
        - main:
          - region "Summary":
            - heading "Summary" [level=2]
          - region "Needs attention":
            - heading "Servers" [level=2]
          - region "Active runs":
            - heading "Active runs" [level=2]
            - list "Runs at work"
          - region "Servers":
            - article "kino-01"
            - article "kino-02"
            - article "kino-03"
            - article "kino-04"
            - article "atlas-h200"
            - article "kino-06"
            - article "kino-07"
            - article "kino-08"
            - article "kino-09"
            - article "kino-10"
          - complementary "Activity":
            - heading "Activity" [level=2]
            - list "Last 50 events"
        - contentinfo
    """)


def test_a_tile_says_against_what_it_is_measured(wall_page: Page) -> None:
    expect(wall_page.locator("#summary")).to_match_aria_snapshot("""
        - term: Active runs
        - definition: "4"
        - definition: "1 more than usual , usual at this hour: 3, the median of 9 days"
        - term: Scenes in 24 h
        - definition: "148"
        - definition: "1 more than usual , usual at this hour: 3, the median of 9 days"
        - term: Success rate
        - definition: 94.6%
    """)


def test_what_needs_attention_is_told_with_its_reason(wall_page: Page) -> None:
    expect(wall_page.get_by_role("region", name="Needs attention")).to_match_aria_snapshot("""
        - text: 10 servers, 3 executing, 1 queued, 1 idle
        - link "kino-03 reconnecting, attempt 3 of 5"
        - link /kino-04 offline 41m 00s/
        - link /kino-07 not answering 9s/
        - link "kino-08 polling"
        - button "Mine"
        - group "Density":
          - button "Detailed" [pressed]
          - button "Compact"
    """)


def test_a_card_at_work_is_read_from_the_state_to_what_ended(wall_page: Page) -> None:
    expect(wall_page.locator("#server-1")).to_match_aria_snapshot("""
        - heading "kino-01" [level=3]:
          - link "kino-01"
        - text: Executing
        - paragraph: ComfyUI 0.3.68 3 queued
        - list "GPUs":
          - listitem: RTX 4090 polled 21.4 / 24.0 GiB
        - paragraph: Scene 9 Harbor at Dusk Streaming
        - paragraph:
          - code: KSampler · node 9/14
          - text: step 14/20
        - paragraph:
          - text: 1.82 it/s, from the log ETA
          - time: 14:39 ± 2 min
        - paragraph:
          - text: At work for
          - time: /1m 48s/
          - text: waited 12s by mira
          - button "Tell me when Scene 9 ends"
        - heading "Up next" [level=4]
        - list:
          - listitem:
            - paragraph:
              - text: Scene 12 Harbor at Dusk ETA
              - time: 14:50
              - button "Tell me when Scene 12 ends"
        - heading "Last ended" [level=4]
        - list:
          - listitem:
            - paragraph:
              - text: Completed Scene 8 Harbor at Dusk
              - time: 14:30
    """)


def test_a_card_in_trouble_says_what_and_since_when(wall_page: Page) -> None:
    expect(wall_page.locator("#server-4")).to_match_aria_snapshot("""
        - heading "kino-04" [level=3]
        - text: Offline
        - paragraph:
          - strong:
            - text: Offline for
            - time: /41m 00s/
          - text: Connection refused by 10.20.4.14:8188. Its prompts may still be at work.
    """)
    nearly_full = wall_page.locator("#server-2-gpus").aria_snapshot()
    assert "Nearly full: 23.4 / 24.0 GiB" in nearly_full


def test_a_run_and_the_feed_say_in_words_what_their_colours_say(wall_page: Page) -> None:
    expect(wall_page.get_by_role("list", name="Runs at work")).to_match_aria_snapshot("""
        - listitem:
          - link "Harbor at Dusk":
            - /url: /runs/7/
          - text: run-1842 done
          - time: 14:39
          - 'img "12 scenes: 7 completed, 1 failed, 2 executing, 2 queued"'
          - text: 7 of 12, 1 failed on atlas-h200, kino-01 · mira
          - button "Tell me when Harbor at Dusk ends, 10 s after its last prompt"
    """)
    expect(wall_page.get_by_role("list", name="Last 50 events")).to_match_aria_snapshot("""
        - listitem: Scene 9 of Harbor at Dusk started
        - listitem: "Warning: Dropped the connection"
        - listitem: /completed/
        - listitem: "Warning: Scene 2 of Salt Road lost"
        - listitem: "Error: Scene 7 failed"
    """)


def test_only_what_somebody_waits_for_is_read_out_by_itself(wall_page: Page) -> None:
    """Cards, steps, the feed and countdowns change all day: who wants to know goes there."""
    assert wall_page.evaluate(LIVE_REGIONS) == [
        ["conn", "status"],
        ["mine-count", "status"],
        ["paused", "status"],
        ["toasts", "polite"],
    ]
    hidden = "[...document.querySelectorAll('[data-link-countdown]')].every(e => e.ariaHidden)"
    assert wall_page.evaluate(hidden)


@pytest.mark.parametrize("width", [1440, 390])
def test_tab_reaches_everything_once_in_the_order_of_the_page_and_shows_where_it_is(
    width: int, wall_page: Page
) -> None:
    wall_page.set_viewport_size({"width": width, "height": 844})

    way = tabbed(wall_page, 48)

    names = [at["name"] for at in way]
    first = ["Skip to content", "Scenewatch home", "Live", "Admin", "Settings", "Connection"]
    wide = ["Detailed", "Compact"] if width > 720 else []
    assert [name for name in names if name in first] == [
        name for name in first if width > 720 or name != "Scenewatch home"
    ]
    at_mine = names.index("Mine")
    assert [name.split()[0] for name in names[at_mine - 4 : at_mine]] == [
        "kino-03",
        "kino-04",
        "kino-07",
        "kino-08",
    ]
    after = names[at_mine + 1 :]
    assert after[: len(wide) + 7] == [
        *wide,
        "Runs at work",
        "Harbor at Dusk",
        "Tell me when Harbor at Dusk ends, 10 s after its last prompt",
        "Prompt 9f6b2c41",
        "Tell me when Prompt 9f6b2c41 ends, 10 s after its last prompt",
        "Salt Road",
        "kino-01",
    ]
    assert after[after.index("kino-10") :][:4] == [
        "kino-10",
        "Problems only",
        "Pause",
        "Last 50 events",
    ]
    assert [at["name"] for at in way if not at["ring"]] == []
    assert [at["name"] for at in way if not at["seen"]] == []


def test_the_skip_link_leads_past_the_rail(wall_page: Page) -> None:
    wall_page.keyboard.press("Tab")
    wall_page.keyboard.press("Enter")

    [at] = tabbed(wall_page, 1)

    assert at["name"].startswith("kino-03")


def test_each_choice_of_the_wall_is_made_by_keyboard(wall_page: Page) -> None:
    for name, place in (("Mine", "main[data-show-mine='1']"), ("Compact", ".servers.compact")):
        wall_page.get_by_role("button", name=name, exact=True).focus()
        wall_page.keyboard.press("Space")
        expect(wall_page.locator(place)).to_have_count(1)
        expect(wall_page.get_by_role("button", name=name, pressed=True, exact=True)).to_be_focused()
    for name in ("Pause", "Problems only"):
        wall_page.get_by_role("button", name=name).focus()
        wall_page.keyboard.press("Enter")
        expect(wall_page.get_by_role("button", name=name, pressed=True)).to_be_focused()
    expect(wall_page.locator("#paused")).to_contain_text("Paused since 14:32")


def test_a_chip_leads_the_keyboard_to_its_card(wall_page: Page) -> None:
    wall_page.get_by_role("link", name="kino-08 polling").focus()
    wall_page.keyboard.press("Enter")

    [at] = tabbed(wall_page, 1)

    assert at["name"] == "kino-08"
    assert at["seen"]


@pytest.mark.parametrize("menu", ["Connection", "Team: Northlight", "Account: mira.okafor"])
def test_a_menu_opens_takes_tab_and_is_left_by_escape_or_by_going_on(
    menu: str, wall_page: Page
) -> None:
    summary = wall_page.locator("summary").filter(
        has_text="Northlight" if menu.startswith("Team") else ""
    )
    if not menu.startswith("Team"):
        summary = wall_page.locator(f"summary[aria-label='{menu}']")
    box = wall_page.locator("details[data-menu]", has=summary)
    summary.focus()

    wall_page.keyboard.press("Enter")
    expect(box).to_have_attribute("open", "")
    wall_page.keyboard.press("Tab")
    assert box.evaluate("e => e.contains(document.activeElement)")
    wall_page.keyboard.press("Escape")
    expect(box).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()

    wall_page.keyboard.press("Enter")
    wall_page.get_by_role("button", name="Mine").focus()
    expect(box).not_to_have_attribute("open", "")

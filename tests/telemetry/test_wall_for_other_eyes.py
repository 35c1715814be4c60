"""The wall for eyes that see no colours, need high contrast, or enlarge it."""

import base64
import os
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from history.strip import LETTERS
from telemetry.condition import BADGES
from telemetry.overview import Cell
from telemetry.words import OUTCOME_LABELS, Outcome
from tests.browser import Stage
from tests.telemetry.sample_cards import (
    board,
    card,
    device,
    ended,
    executing,
    overview,
    run_row,
    running,
    samples,
    waiting,
    wall,
)
from tests.telemetry.test_live_page import PAGES, at_noon

pytest_plugins = ("tests.browser",)

# Each pixel's lightness, 0 to 255, of a small PNG, and how many have a colour. Not by <img>: the
# policy allows no such address.
GREYS = """async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const place = new OffscreenCanvas(image.width, image.height).getContext('2d');
    place.drawImage(image, 0, 0);
    const { data } = place.getImageData(0, 0, image.width, image.height);
    const pixels = [...Array(data.length / 4).keys()];
    return {
        greys: pixels.length < 10_000 ? pixels.map((i) => data[4 * i]) : [],
        coloured: pixels.filter((i) => Math.abs(data[4 * i] - data[4 * i + 2]) > 3).length,
    };
}"""
# Where a picture of these would differ from another one's by shape and not by shade alone.
DARKER = 40
# What WCAG 1.4.12 lets a reader set, and a root twice as large as usual for 1.4.4.
SPACED = """:root { --calm: 0s } * { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-block-end: 2em !important }"""
ENLARGED = "html { font-size: 200% !important }"
APPLY = """(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);
    document.adoptedStyleSheets = [sheet]; }"""
# Words that are cut off without a way to read the rest.
CUT = """[...document.querySelectorAll('body *:not(.vh, .vh *, svg *, option)')].filter(e => {
    const look = getComputedStyle(e), box = e.getBoundingClientRect();
    if (!box.width || look.visibility === 'hidden' || look.overflowX !== 'hidden') return false;
    return e.scrollWidth > e.clientWidth + 1 && e.innerText?.trim() && !e.closest('[title]')
        && !e.querySelector('[title]');
}).map(e => `${e.tagName}.${e.className}: ${e.innerText.slice(0, 50)}`)"""
# The colour with which this system marks what is chosen.
HIGHLIGHT = """(() => { const probe = document.body.appendChild(document.createElement('i'));
    probe.style.cssText = 'forced-color-adjust: none; background: Highlight';
    const colour = getComputedStyle(probe).backgroundColor; probe.remove(); return colour; })()"""
FITS = "document.documentElement.scrollWidth <= innerWidth"

Open = Callable[..., None]


@pytest.fixture(autouse=True)
def no_bells(page: Page) -> None:
    """Have the site know of no bells."""
    page.route("**/teams/northlight/bells/", lambda route: route.fulfill(json={"bells": []}))


@pytest.fixture
def open_wall(page: Page, stage: Stage) -> Open:
    """Return what opens the wall with these cards."""

    def go(cards: Any, **context: Any) -> None:
        stage.pages["live"] = at_noon(wall(cards, **context))
        page.goto(f"{stage.url}/live")
        stage.connection()

    return go


@pytest.fixture
def colourless(page: Page) -> Iterator[None]:
    """Have the browser show what an eye without colours sees."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    yield
    session.detach()


def picture(page: Page, of: Locator) -> dict[str, Any]:
    """Return a picture's greys, and how many of its pixels are coloured all the same.

    PICTURES in the environment names a folder in which the pictures of large parts are kept.
    """
    shot = of.screenshot()
    found: dict[str, Any] = page.evaluate(GREYS, base64.b64encode(shot).decode())
    if not found["greys"] and (kept := os.environ.get("PICTURES")):
        (Path(kept) / "conditions-without-colours.png").write_bytes(shot)
    return found


def differing(one: list[int], other: list[int]) -> int:
    """Return how many pixels of two pictures of one size are clearly darker in one of them."""
    if len(one) != len(other):
        return max(len(one), len(other))
    return sum(abs(a - b) > DARKER for a, b in zip(one, other, strict=True))


def test_every_condition_has_a_word_and_a_silhouette_of_its_own(
    page: Page, open_wall: Open, colourless: None
) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_wall([card(n, state) for n, state in enumerate(BADGES, 1)])
    assert picture(page, page.locator("#servers"))["coloured"] == 0

    badges = page.locator("article header .badge:visible")

    words = badges.all_inner_texts()
    assert len(set(words)) == len(words) == len(BADGES)
    icons = {badge.icon for badge in BADGES.values()}
    shown = {
        icon: picture(
            page, page.locator(f"header .badge:visible .icon:has([href='#{icon}'])").first
        )
        for icon in icons
    }
    for one, other in combinations(icons, 2):
        assert differing(shown[one]["greys"], shown[other]["greys"]) > 8, (one, other)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("most", [12, 40])
def test_no_two_scenes_of_a_strip_look_alike_without_colours(
    scheme: Any, most: int, page: Page, open_wall: Open, colourless: None
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    statuses = [*LETTERS, *["completed"] * (most - len(LETTERS))]
    cells = tuple(Cell(status, LETTERS[status]) for status in statuses)
    open_wall([executing()], **board(overview(runs=(run_row(7, cells=cells),))))

    shown = {
        status: picture(page, page.locator(f"#run-7-mini [data-status={status}]").first)["greys"]
        for status in LETTERS
    }

    alike = [n for n in combinations(LETTERS, 2) if differing(shown[n[0]], shown[n[1]]) < 6]
    # Of neither did anything come. Beyond 24 scenes there are no letters: the title counts both.
    assert alike in ([], [("skipped", "cancelled")] if most > 24 else [])


def test_every_end_of_a_prompt_has_a_word_and_a_silhouette_of_its_own(
    page: Page, open_wall: Open, colourless: None
) -> None:
    looks = [
        ("completed" if outcome is Outcome.SUCCESS else str(outcome), label)
        for outcome, label in OUTCOME_LABELS.items()
    ]
    open_wall([card(n, ended=[ended(*look)]) for n, look in enumerate(looks, 1)])

    rows = page.locator(".ended .status")

    words = rows.all_inner_texts()
    assert len(set(words)) == len(words) == len(looks)
    shown = [picture(page, icon)["greys"] for icon in rows.locator(".icon").all()]
    alike = [n for n in combinations(range(len(shown)), 2) if differing(*(shown[i] for i in n)) < 9]
    assert [(words[i], words[j]) for i, j in alike] == []


def test_with_forced_colours_it_says_what_is_chosen_and_where_the_focus_is(
    page: Page, open_wall: Open
) -> None:
    page.emulate_media(forced_colors="active", color_scheme="dark", reduced_motion="reduce")
    open_wall(samples())
    ground = "e => getComputedStyle(e).backgroundColor"
    chosen, other = (page.get_by_role("button", name=name) for name in ("Detailed", "Compact"))
    here = page.get_by_role("navigation", name="Main").get_by_role("link", name="Live")
    marked = page.evaluate(HIGHLIGHT)

    assert [each.evaluate(ground) == marked for each in (chosen, here, other)] == [
        True,
        True,
        False,
    ]
    assert here.evaluate("e => getComputedStyle(e).outlineStyle") == "none"
    page.get_by_role("link", name="Scenewatch home").focus()
    page.keyboard.press("Tab")
    expect(here).to_be_focused()
    assert here.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    edge = "e => parseFloat(getComputedStyle(e).borderTopWidth)"
    for place in ("#server-1", "#server-4-notice", "#server-4-chip", "#conn", "#summary > div"):
        assert page.locator(place).first.evaluate(edge) >= 1, place
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()


def faults(page: Page, stage: Stage, css: str = "") -> dict[str, Any]:
    """Return what is cut off or spills over, by the page on which it is."""
    found = {}
    for name, render in PAGES.items():
        stage.pages[name] = render()
        page.goto(f"{stage.url}/{name}")
        page.evaluate(APPLY, css)
        found[name] = ([] if page.evaluate(FITS) else ["scrolls sideways"]) + page.evaluate(CUT)
    return {name: fault for name, fault in found.items() if fault}


@pytest.mark.parametrize(("width", "height"), [(720, 450), (320, 256)], ids=["200 %", "400 %"])
def test_a_page_that_is_enlarged_is_read_without_scrolling_sideways(
    width: int, height: int, page: Page, stage: Stage
) -> None:
    page.set_viewport_size({"width": width, "height": height})

    assert faults(page, stage) == {}


@pytest.mark.parametrize("css", [SPACED, ENLARGED], ids=["spaced", "larger letters"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_whose_letters_its_reader_sets_loses_none_of_them(
    css: str, width: int, page: Page, stage: Stage
) -> None:
    page.set_viewport_size({"width": width, "height": 800})

    assert faults(page, stage, css) == {}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("query", ["", "?dense=1"])
def test_what_is_cut_short_can_be_read_whole(
    width: int, query: str, page: Page, stage: Stage
) -> None:
    long = "Unbelievably-long " * 5 + "W" * 40
    row = running(title=long, of=long, node=long, node_note=long, submitter=long)
    queue = [waiting(1, title=long, of=long, submitter=long)]
    shown = executing(name=long, running=[row], next=queue, devices=[device(name=long)])
    runs = overview(runs=(run_row(7, name=long, of=long, where=long, submitter=long),))
    page.set_viewport_size({"width": width, "height": 844})
    stage.pages["live"] = at_noon(wall([shown], **board(runs)))

    page.goto(f"{stage.url}/live{query}")

    assert page.evaluate(CUT) == []


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (2560, 1440), (3840, 2160)])
def test_a_screen_shows_all_of_its_servers_and_uses_the_room_it_has(
    width: int, height: int, page: Page, stage: Stage
) -> None:
    """A name wants 1 in 100 of the height: on a screen one metre wide that is read from 6 m."""
    page.set_viewport_size({"width": width, "height": height})
    for count in (1, 4, 6, 12, 24, 48):
        cards = [executing(n, next=[], ended=[], more="") for n in range(1, count + 1)]
        stage.pages["tv"] = at_noon(wall(cards, "telemetry/tv.html", token="x"))

        page.goto(f"{stage.url}/tv")

        last = page.locator("article").last.bounding_box()
        assert last is not None
        end = last["y"] + last["height"]
        size = page.locator("h3").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert end <= height, count
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), count
        assert size >= height / (100 if count <= 24 else 115), count
        assert count < 4 or end >= height / 2, count

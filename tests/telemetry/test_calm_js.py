"""The real wall with its style, while nothing happens or only values change: it stands still.

In a real browser and in real time, for a page without style has nothing that could move.
"""

import itertools
import threading

import pytest

from telemetry.board import rendered as board_of
from telemetry.hot import Hot
from telemetry.live import attributes, rendered
from tests.telemetry.sample_cards import (
    card,
    device,
    executing,
    overview,
    running,
    shell,
    tile,
    wall,
)
from tests.telemetry.test_live_page import at_noon, told

pytest_plugins = ("tests.browser",)

WATCH = """
window.frames_asked = 0; window.moved = []; window.begun = Infinity;
const frame = requestAnimationFrame;
globalThis.requestAnimationFrame = (work) => { frames_asked += 1; return frame(work); };
const name = ({ node }) => node?.id || node?.getAttribute?.('class') || node?.nodeName;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (entry.startTime > begun) moved.push([entry.value, ...entry.sources.map(name)]);
}).observe({type: 'layout-shift'});
"""
# What was drawn before is reported by then: two frames, then whoever waits for them.
DRAWN = """new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"""
ANIMATED = """document.getAnimations().filter((one) => one.playState === 'running')
    .map((one) => `${one.animationName} of ${one.effect.target.className}`)"""


# With a further digit these begin further left; what stands beside them does not move.
RIGHT_ALIGNED = {"server-1-step", "end"}


@pytest.fixture
def opened(page, stage, until):
    """Return what opens the wall with cards, live, and gives the server's end of its socket."""
    page.add_init_script(WATCH)
    page.route("**/teams/northlight/bells/", lambda route: route.fulfill(json={"bells": []}))

    def open_wall(*cards):
        stage.pages["live"] = at_noon(wall(list(cards)))
        page.goto(f"{stage.url}/live")
        server = stage.connection()
        server.send({**told(1, fragments=parts(*cards)), "type": "snapshot"})
        until("live.state === 'live' && live.place('team-1').seq === 1")
        page.evaluate(DRAWN)
        page.evaluate("begun = performance.now()")
        return server

    return open_wall


def parts(*cards):
    """Return cards with their parts and the tiles above them as fragments."""
    shells = [(f"server-{c.server_id}", shell(c), "servers") for c in cards]
    inner = [(key, html, "") for shown in cards for key, html in rendered(shown).items()]
    around = [(f.id, f.html, f.into or "") for f in board_of(overview())]
    return [{"id": i, "html": h, "into": into} for i, h, into in [*shells, *inner, *around]]


def at_step(number):
    """Return the card of a server at work so far, and the tiles by then."""
    row = running(
        step=Hot("server-1-step", "text", f"step {number}/40"),
        pace=Hot("server-1-pace", "text", f"{number / 9:.2f} it/s, from the log"),
        bar=Hot("server-1-bar", "width", f"{2.5 * number}%"),
    )
    shown = executing(
        1, running=[row], devices=[device(percent=50.0 + number)], queue=f"{number} queued"
    )
    waits = overview(
        tiles=(*overview().tiles[:3], tile("queue", value=str(number), unit="waiting"))
    )
    tiles = [{"id": f.id, "html": f.html} for f in board_of(waits) if f.id.startswith("tile-queue")]
    return [{"id": key, "html": html} for key, html in rendered(shown).items()] + tiles


def test_values_change_without_moving_anything(page, opened, until):
    server = opened(executing(1), executing(2), card(6))

    for number in range(2, 42):
        patches = [["server-6", key, value] for key, value in attributes(card(6)).items()]
        server.send(told(number, fragments=at_step(number - 1), patches=patches))
        threading.Event().wait(0.1)
    until("live.place('team-1').seq === 41")
    page.evaluate(DRAWN)

    assert page.text_content("#server-1-step") == "step 40/40"
    moved = page.evaluate("moved")
    assert {name for _, *names in moved for name in names} <= RIGHT_ALIGNED
    assert sum(share for share, *_ in moved) < 1e-4
    page.evaluate("document.querySelector('main').prepend(document.createElement('hr'))")
    until("moved.length > 0")  # the browser does tell of what moves


def test_a_wall_on_which_nothing_happens_draws_nothing(page, opened, until, busy_s):
    opened(card(1), card(2), card(6))
    until(f"({ANIMATED}).length > 0")  # the dot that says that something came
    until("document.getElementById('conn').hasAttribute('data-quiet')")

    asked, looks = page.evaluate("frames_asked"), [busy_s()]
    for _ in range(3):
        page.wait_for_timeout(2_000)
        looks.append(busy_s())

    assert page.evaluate("frames_asked") == asked
    assert page.evaluate(ANIMATED) == []
    # Now and then Chromium itself tidies up; what the page does each second is in each of them.
    assert min(after - before for before, after in itertools.pairwise(looks)) / 2 < 0.01

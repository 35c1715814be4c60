"""How often the page draws, and what that costs it: in a real browser, in real time.

Floods are of one element, which is the worst case for it. `SCENEWATCH_TEST_SOAK` is how many
minutes the soak lasts (20 before a release; some seconds otherwise).
"""

import os
import threading
import time

import pytest

from tests.telemetry.test_live_js import PAGE, card, change, head, line, snapshot, work

pytest_plugins = ("tests.browser",)

FLOOD_S = 3.0
SOAK_S = 60 * float(os.environ.get("SCENEWATCH_TEST_SOAK", "0.2"))
HEAP_LIMIT = 5_000_000
HEAD = "document.getElementById('server-1-head').textContent"
WATCH = """
window.paints = []; window.frames = 0; window.shift = 0; window.begun = Infinity;
const frame = requestAnimationFrame;
globalThis.requestAnimationFrame = (work) => { frames += 1; return frame(work); };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.startTime > begun) shift += entry.value;
}).observe({type: 'layout-shift'});
const note = ({ target }) => {
  const element = target.nodeType === 1 ? target : target.parentElement;
  if (element.closest('#server-1-head')) paints.push([Date.now() / 1000, element.textContent]);
};
addEventListener('DOMContentLoaded', () => {
  const servers = document.getElementById('servers');
  const watch = {subtree: true, childList: true, characterData: true};
  if (servers) new MutationObserver((changes) => note(changes.at(-1))).observe(servers, watch);
});
"""


@pytest.fixture
def server(page, stage, until):
    """Return the server's end of a page that is live with one card, watched while it draws."""
    page.add_init_script(WATCH)
    stage.pages["live"] = PAGE
    page.goto(f"{stage.url}/live")
    server = stage.connection()
    server.send(snapshot(0, fragments=[card(1), head(1, "begun")]))
    until(
        "live.state === 'live' && document.getElementById('server-1-head').textContent === 'begun'"
    )
    return server


def busy_s(page):
    """Return how long the page's main thread has worked so far."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = session.send("Performance.getMetrics")["metrics"]
    session.detach()
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def flood(server, rate, seconds, first=1):
    """Send so many changes a second; return the last one's text and when it was sent."""
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        threading.Event().wait(max(0.0, began + number / rate - time.monotonic()))
        server.send(change(first + number, fragments=[head(1, f"value {first + number}")]))
    return f"value {first + number}", time.time()


@pytest.mark.parametrize("rate", [5, 10, 100])
def test_it_draws_five_times_a_second_at_most_and_ends_with_the_last_value(
    page, server, until, rate
):
    before, began = busy_s(page), time.monotonic()
    last, sent_at = flood(server, rate, FLOOD_S)
    until(f"{HEAD} === '{last}'")
    took_s = time.monotonic() - began
    used = busy_s(page) - before

    paints = page.evaluate("paints")
    assert next(at for at, text in paints if text == last) - sent_at <= 0.25
    assert 2 * FLOOD_S <= len(paints) <= 5 * took_s + 1
    assert used / took_s < 0.5
    assert page.evaluate("shift") == 0
    assert page.evaluate("live.gaps + live.malformed") == 0


def test_five_changes_a_second_cost_the_page_next_to_nothing(page, server, until):
    flood(server, 5, 2)
    before, began = busy_s(page), time.monotonic()
    last, _ = flood(server, 5, 10, first=11)
    took_s = time.monotonic() - began
    used = busy_s(page) - before

    until(f"{HEAD} === '{last}'")
    assert used / took_s < 0.02


TIMED = """
window.took = [];
const flush = live._flush.bind(live);
live._flush = () => {
  const began = performance.now();
  flush();
  document.body.getBoundingClientRect(); // what was changed is laid out
  took.push(performance.now() - began);
};
"""


def test_fifty_cards_are_put_in_place_within_50_ms(page, server, until):
    many = range(1, 51)
    cards = [part for pk in many for part in (card(pk, "executing"), head(pk, "begun"))]
    server.send(snapshot(1, fragments=cards))
    until("document.querySelectorAll('#servers > article').length === 50")
    page.evaluate(TIMED)

    for number in range(2, 42):
        rows = "".join(f"<p>step {number} of {row}</p>" for row in range(5))
        parts = [part for pk in many for part in (head(pk, f"value {number}"), work(pk, rows))]
        server.send(change(number, fragments=parts))
        until(f"live.place('team-1')?.seq === {number}")

    took = sorted(page.evaluate("took"))
    assert len(took) >= 40
    assert took[int(0.95 * len(took))] < 50


def test_a_live_page_needs_two_megabytes_at_most(page, stage, until):
    cards = [part for pk in range(1, 51) for part in (card(pk), head(pk, "begun"))]
    shells = "".join(each["html"] for each in cards if "into" in each)
    still = PAGE.replace('<script type="module" src="/static/js/live.js"></script>', "")
    stage.pages["still"] = still.replace('id="servers">', f'id="servers">{shells}')
    stage.pages["live"] = PAGE
    page.goto(f"{stage.url}/still")
    without = heap(page)

    page.goto(f"{stage.url}/live")
    stage.connection().send(snapshot(0, fragments=cards, feed=[line(n) for n in range(50)]))
    until("live.state === 'live'")

    assert heap(page) - without < 2_000_000


def test_a_page_on_which_nothing_happens_draws_nothing(page, server, until):
    until("document.getElementById('conn').hasAttribute('data-quiet')")
    before, began = busy_s(page), time.monotonic()
    frames = page.evaluate("frames")
    page.wait_for_timeout(3_000)

    assert page.evaluate("frames") == frames
    running = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(running) == 0
    assert (busy_s(page) - before) / (time.monotonic() - began) < 0.01


def heap(page):
    """Return the bytes that the page's scripts hold after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


def test_it_needs_no_more_memory_after_a_while(page, server, until):
    flood(server, 20, 2)
    until("live.place('team-1').seq === 40")
    before, seq = heap(page), 40
    end = time.monotonic() + SOAK_S
    while time.monotonic() < end:
        seq += 1
        lines = [line(seq)] if seq % 5 == 0 else []
        server.send(change(seq, fragments=[head(1, f"value {seq}")], feed=lines))
        threading.Event().wait(0.02)
    until(f"live.place('team-1').seq === {seq}")

    assert heap(page) - before < HEAP_LIMIT

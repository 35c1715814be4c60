"""static/js/refresh.js: what comes from the record follows what is pushed, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page

from tests.telemetry.test_live_js import NOW, Until, change, head, line, snapshot

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Connection, Stage

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Server</title>
<link rel="icon" href="data:,"><script type="module" src="/static/js/live.js"></script>
<script type="module" src="/static/js/refresh.js"></script></head><body>
<span id="conn" role="status"></span>
<main data-live="/live/" data-topics="server-3" data-at="2025-11-20T14:32:00+00:00">
<article id="server-3"><header id="server-3-head">idle</header><p id="server-3-gpus"></p></article>
<div id="record-notice" role="status" hidden></div>
<div id="record" data-settled data-refresh="/record"
 data-refresh-on="server-3-head server-3-next"><p>old</p>
<button>Cancel</button><details><summary>Changes</summary>none</details></div>
</main><div id="toasts"></div></body></html>"""
NEW = "<p>new</p><button>Cancel</button><details><summary>Changes</summary>none</details>"
RECORD = "document.querySelector('#record p').textContent"
SOON_MS, PUSHED_MS, UNPUSHED_MS = 2_000, 60_000, 15_000


def of_server(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of the server's own topic."""
    return {**message, "topic": "server-3"}


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Return the requests for the record, as they are made."""
    found: list[str] = []
    page.on("request", lambda it: found.append(it.url) if it.url.endswith("/record") else None)
    return found


@pytest.fixture
def visit(
    page: Page, stage: Stage, asked: list[str], until: Until
) -> Callable[[], tuple[Connection, Callable[..., None]]]:
    """Return what opens the page, live; and what pushes a change and waits until it is shown."""

    def open_page() -> tuple[Connection, Callable[..., None]]:
        page.clock.install(time=NOW)
        stage.pages |= {"server": PAGE, "record": NEW}
        page.goto(f"{stage.url}/server")
        connection = stage.connection()
        connection.send(of_server(snapshot(1)))
        until("live.place('server-3')?.seq === 1")
        seq = iter(range(2, 100))

        def push(**content: Any) -> None:
            number = next(seq)
            connection.send(of_server(change(number, **content)))
            until(f"live.messages >= {number}")
            page.clock.run_for(200)
            until(f"live.place('server-3').seq === {number}")

        return connection, push

    return open_page


def test_it_asks_at_once_when_what_it_is_about_was_pushed(
    visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    _, push = visit()
    assert asked == []

    push(fragments=[head(3, "executing")])

    until(f"{RECORD} === 'new'")
    assert len(asked) == 1


def test_a_line_of_the_feed_is_a_reason_though_the_page_shows_no_feed(
    visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    _, push = visit()

    push(feed=[line(1)])

    until(f"{RECORD} === 'new'")


def test_steps_and_memory_are_no_reason(
    page: Page, visit: Callable[..., Any], asked: list[str]
) -> None:
    _, push = visit()

    push(patches=[["server-3-step", "text", "step 3/20"]])
    push(fragments=[{"id": "server-3-gpus", "html": '<p id="server-3-gpus">12 GiB</p>'}])
    page.clock.run_for(SOON_MS)

    assert asked == []


def test_many_changes_are_asked_for_together(
    page: Page, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    _, push = visit()
    push(fragments=[head(3, "one")])
    until(f"{RECORD} === 'new'")

    for word in ("two", "three", "four"):
        push(fragments=[head(3, word)])
    assert len(asked) == 1
    page.clock.run_for(SOON_MS)
    page.clock.run_for(SOON_MS)

    assert len(asked) == 2


def test_what_no_push_tells_is_asked_for_each_minute(
    page: Page, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    connection, _ = visit()
    page.clock.run_for(UNPUSHED_MS)
    until(f"{RECORD} === 'new'")

    for second in range(PUSHED_MS // 10_000 - 1):
        connection.send({"v": 1, "type": "beat", "at": NOW.isoformat()})
        until(f"live.messages > {second + 1}")
        page.clock.run_for(10_000)
    assert len(asked) == 1
    page.clock.run_for(10_000)

    until("true")
    assert len(asked) == 2


def test_without_a_push_it_is_asked_for_each_quarter_of_a_minute(
    page: Page, stage: Stage, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    connection, _ = visit()
    stage.refusing = True
    connection.close()
    until("!live.isConnected")

    for _ in range(3):
        before = len(asked)
        page.clock.run_for(UNPUSHED_MS)
        until(f"{RECORD} === 'new'")
        assert len(asked) == before + 1


def test_whoever_is_about_to_press_a_button_keeps_it(
    page: Page, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    _, push = visit()
    page.get_by_role("button", name="Cancel").focus()

    push(fragments=[head(3, "executing")])
    page.clock.run_for(SOON_MS)
    assert asked == []
    page.get_by_role("button", name="Cancel").blur()
    page.clock.run_for(SOON_MS)

    until(f"{RECORD} === 'new'")


def test_a_fold_that_somebody_opened_stays_as_it_is(
    page: Page, visit: Callable[..., Any], asked: list[str]
) -> None:
    _, push = visit()
    page.get_by_text("Changes").click()

    push(fragments=[head(3, "executing")])
    page.clock.run_for(SOON_MS)

    assert asked == []


def test_a_tab_that_nobody_sees_asks_for_nothing_and_makes_up_for_it(
    page: Page, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    _, push = visit()
    hidden = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
    page.evaluate(hidden % "true")

    push(fragments=[head(3, "executing")])
    page.clock.run_for(PUSHED_MS)
    assert asked == []
    page.evaluate(hidden % "false")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    until(f"{RECORD} === 'new'")
    assert len(asked) == 1


def test_elements_that_stay_the_same_are_not_replaced(
    page: Page, visit: Callable[..., Any], until: Until
) -> None:
    _, push = visit()
    page.evaluate("globalThis.button = document.querySelector('#record button')")

    push(fragments=[head(3, "executing")])

    until(f"{RECORD} === 'new'")
    assert page.evaluate("button.isConnected")


def test_a_page_of_what_goes_on_asks_for_what_came_before_it_listened(
    page: Page, stage: Stage, asked: list[str], until: Until
) -> None:
    page.clock.install(time=NOW)
    stage.pages |= {"server": PAGE.replace(" data-settled", ""), "record": NEW}
    page.goto(f"{stage.url}/server")
    connection = stage.connection()

    connection.send(of_server(snapshot(1)))

    until(f"{RECORD} === 'new'")
    assert len(asked) == 1


def test_a_page_of_what_is_over_does_not(
    visit: Callable[..., Any], asked: list[str], page: Page
) -> None:
    visit()
    page.clock.run_for(SOON_MS)

    assert asked == []


def test_a_snapshot_after_an_interruption_is_a_reason(
    page: Page, stage: Stage, visit: Callable[..., Any], asked: list[str], until: Until
) -> None:
    connection, _ = visit()
    connection.close()
    until("!live.isConnected")
    page.clock.run_for(SOON_MS)

    stage.connection().send(of_server(snapshot(9)))

    until(f"{RECORD} === 'new'")
    assert len(asked) == 1


def test_what_cannot_be_loaded_says_from_when_it_is_and_goes_with_the_next_success(
    page: Page, stage: Stage, visit: Callable[..., Any], until: Until, complaints: list[str]
) -> None:
    _, push = visit()
    notice = page.locator("#record-notice")
    assert not notice.is_visible()
    del stage.pages["record"]

    push(fragments=[head(3, "executing")])

    until("!document.getElementById('record-notice').hidden")
    said = notice.locator("p").inner_text()
    assert re.fullmatch(r"Could not load .+ What stands below is from 14:32:\d\d\.", said)
    assert page.evaluate(RECORD) == "old"
    stage.pages["record"] = NEW
    notice.get_by_role("button", name="Try again").click()
    until(f"{RECORD} === 'new'")
    assert not notice.is_visible()
    complaints.clear()  # the answer 404 that this is about


def test_it_is_silent_about_the_record_while_the_connection_says_that_all_is_away(
    page: Page, stage: Stage, visit: Callable[..., Any], until: Until, complaints: list[str]
) -> None:
    connection, _ = visit()
    del stage.pages["record"]
    stage.refusing = True
    connection.close()
    until("!live.isConnected")

    with page.expect_response("**/record"):
        page.clock.run_for(UNPUSHED_MS)
    until("true")

    assert not page.locator("#record-notice").is_visible()
    complaints.clear()

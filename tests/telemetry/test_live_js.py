"""static/js/live.js and what it uses, in a real browser: what a message does to the page.

The other end of the socket is the test (tests/browser.py). Time is the browser's faked clock: no
test waits for it. All times of messages are those of the server, which need not be the browser's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Connection, Stage

pytest_plugins = ("tests.browser",)

Until = Callable[[str], None]
NOW = datetime(2025, 11, 20, 14, 32, 0, tzinfo=UTC)

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live</title>
<link rel="icon" href="data:,"><script type="module" src="/static/js/live.js"></script></head><body>
<div id="conn-banner" hidden></div>
<span id="conn" data-login="/login/?next=/live" role="status"></span>
<main data-live="/live/" data-topics="team-1" data-at="2025-11-20T14:32:00+00:00">
<section id="attention"><span id="tally"></span></section>
<section id="servers"></section><ol id="active-list"></ol><ol id="feed"></ol></main>
<div id="toasts"></div></body></html>"""

WALL = "document.getElementById('servers').innerHTML"
RUNS = "[...document.querySelectorAll('#active-list > li')].map(li => li.id).join()"
FEED = "[...document.querySelectorAll('#feed > li')].map(li => li.id).join()"


def iso(seconds: float = 0) -> str:
    """Return the server's time so many seconds after the tests' now."""
    return (NOW + timedelta(seconds=seconds)).isoformat()


def envelope(kind: str, seq: int, epoch: str, **content: Any) -> dict[str, Any]:
    """Return a message as the server sends it."""
    usual = {"at": iso()}
    place = {"topic": "team-1", "epoch": epoch, "seq": seq}
    return {"v": 1, "type": kind, **place, **usual, **content}


def snapshot(seq: int = 1, epoch: str = "abc", **content: Any) -> dict[str, Any]:
    """Return a snapshot."""
    return envelope("snapshot", seq, epoch, **content)


def change(seq: int, epoch: str = "abc", **content: Any) -> dict[str, Any]:
    """Return a change."""
    return envelope("change", seq, epoch, **content)


def beat(at: str | None = None) -> dict[str, Any]:
    """Return a sign of life."""
    return {"v": 1, "type": "beat", "at": at or iso()}


def card(pk: int, state: str = "idle", heard: str | None = None) -> dict[str, str]:
    """Return the shell of a server as a fragment, with empty parts."""
    return {
        "id": f"server-{pk}",
        "into": "servers",
        "html": f'<article id="server-{pk}" data-state="{state}" data-heard="{heard or iso()}">'
        f'<header id="server-{pk}-head"></header><ul class="gpus" id="server-{pk}-gpus"></ul>'
        f'<div class="scenes" id="server-{pk}-exec"></div></article>',
    }


def head(pk: int, text: str) -> dict[str, str]:
    """Return the head of a server as a fragment."""
    element = f"server-{pk}-head"
    return {"id": element, "html": f'<header id="{element}">{text}</header>'}


def work(pk: int, html: str) -> dict[str, str]:
    """Return what a server is at as a fragment."""
    element = f"server-{pk}-exec"
    return {"id": element, "html": f'<div class="scenes" id="{element}">{html}</div>'}


def run(pk: int) -> dict[str, str]:
    """Return a run at work as a fragment."""
    element = f"run-{pk}-mini"
    return {"id": element, "into": "active-list", "html": f'<li id="{element}">Run {pk}</li>'}


def line(n: int) -> dict[str, str]:
    """Return a line of the feed."""
    return {"id": f"event-{n}", "html": f'<li id="event-{n}">Event {n}</li>'}


@pytest.fixture
def visit(page: Page, stage: Stage) -> Callable[..., Connection]:
    """Return what opens the page and gives the server's end of its socket."""

    def open_page(html: str = PAGE, browser_at: datetime = NOW) -> Connection:
        page.clock.install(time=browser_at)
        stage.pages["live"] = html
        page.goto(f"{stage.url}/live")
        return stage.connection()

    return open_page


def test_a_snapshot_puts_cards_with_their_parts_in_place(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    visit().send(
        snapshot(
            fragments=[card(1), head(1, "kino-01"), card(2), head(2, "kino-02")],
            patches=[["server-2", "data-state", "offline"]],
            feed=[line(2), line(1)],
        )
    )

    until("live.place('team-1')?.seq === 1")
    assert page.locator("#servers > article").count() == 2
    assert page.locator("#server-2-head").text_content() == "kino-02"
    assert page.locator("#server-2").get_attribute("data-state") == "offline"
    assert page.evaluate(FEED) == "event-2,event-1"


def test_the_badge_says_live_once_there_is_a_snapshot(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    assert page.locator("#conn").text_content() == "Connecting"

    server.send(snapshot())

    until("live.state === 'live'")
    assert page.locator("#conn").text_content() == "Live"
    assert page.locator("#conn").get_attribute("data-state") == "live"


def test_a_snapshot_removes_what_it_does_not_hold(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1, fragments=[card(1), card(2)], feed=[line(1)]))

    server.send(snapshot(2, fragments=[card(2)], feed=[line(3), line(2)]))

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#servers > article").count() == 1
    assert page.evaluate(FEED) == "event-3,event-2"


def test_runs_stand_in_the_order_of_their_numbers_however_they_come(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()

    server.send(snapshot(fragments=[run(10), run(9)]), change(2, fragments=[run(11), run(8)]))

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate(RUNS) == "run-8-mini,run-9-mini,run-10-mini,run-11-mini"


def test_a_run_goes_with_an_empty_fragment_or_a_snapshot_that_lacks_it(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[run(7), run(8), run(9)]))

    server.send(change(2, fragments=[{"id": "run-8-mini", "html": ""}]))
    until("live.place('team-1')?.seq === 2")
    assert page.evaluate(RUNS) == "run-7-mini,run-9-mini"

    server.send(snapshot(3, fragments=[run(9)]))
    until("live.place('team-1')?.seq === 3")
    assert page.evaluate(RUNS) == "run-9-mini"


def test_a_card_that_waits_for_its_collector_stays(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    waiting = '<article id="server-7" data-state="connecting" data-pending></article>'
    server = visit(PAGE.replace('id="servers">', f'id="servers">{waiting}'))

    server.send(snapshot(fragments=[card(1)]))

    until("live.place('team-1')?.seq === 1")
    assert page.locator("#servers > article").count() == 2


def test_cards_stay_when_what_was_told_is_lost(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(9, fragments=[card(1), card(2)]))

    server.send(snapshot(0, "fresh"))
    server.send(change(1, "fresh", fragments=[card(2)]), change(2, "fresh", fragments=[card(1)]))

    until("live.place('team-1')?.epoch === 'fresh' && live.place('team-1')?.seq === 2")
    ids = page.evaluate("[...document.querySelectorAll('article')].map(a => a.id).join()")
    assert ids == "server-1,server-2"
    assert page.locator("[data-pending]").count() == 0


def test_a_change_replaces_an_element_and_an_attribute(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), head(1, "before")]))

    server.send(
        change(2, fragments=[head(1, "after")], patches=[["server-1", "data-state", "executing"]])
    )

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#server-1-head").text_content() == "after"
    assert page.locator("#server-1").get_attribute("data-state") == "executing"


def test_an_empty_fragment_removes_its_element(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), card(2)]))

    server.send(change(2, fragments=[{"id": "server-1", "html": ""}]))

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#servers > article").count() == 1


def test_a_card_that_comes_back_has_its_old_place(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), card(2), card(3)]))
    server.send(change(2, fragments=[{"id": "server-1", "html": ""}]))

    server.send(change(3, fragments=[card(1)]))

    until("live.place('team-1')?.seq === 3")
    ids = page.evaluate("[...document.querySelectorAll('article')].map(a => a.id).join()")
    assert ids == "server-1,server-2,server-3"


def test_a_new_shell_comes_with_the_parts_of_its_message(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), head(1, "kino-01")]))

    server.send(change(2, fragments=[card(1, heard=iso(5)), head(1, "kino-01")]))

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#server-1-head").text_content() == "kino-01"
    assert page.locator("#server-1").get_attribute("data-heard") == iso(5)


def test_a_part_is_put_in_again_after_a_shell_came_without_it(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), head(1, "kino-01")]))

    server.send(change(2, fragments=[card(1, heard=iso(5))]))
    server.send(change(3, fragments=[head(1, "kino-01")]))

    until("live.place('team-1')?.seq === 3")
    assert page.locator("#server-1-head").text_content() == "kino-01"


def test_an_old_seq_is_dropped(page: Page, visit: Callable[..., Connection], until: Until) -> None:
    server = visit()
    server.send(snapshot(5, fragments=[card(1), head(1, "newest")]))

    server.send(change(5, fragments=[head(1, "old")]), change(3, fragments=[head(1, "older")]))
    server.send(change(6, feed=[line(6)]))

    until("live.place('team-1')?.seq === 6")
    assert page.locator("#server-1-head").text_content() == "newest"


def test_after_a_gap_it_asks_for_what_it_missed(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1, fragments=[card(1), head(1, "one")]), change(3), change(4))

    assert server.heard() == {"type": "subscribe", "topic": "team-1@abc.1"}
    place = {"topic": "team-1", "epoch": "abc", "seq": 1}
    server.send({"v": 1, "type": "resumed", "at": iso(), **place})
    server.send(change(2, fragments=[head(1, "two")]), change(3), change(4, feed=[line(4)]))

    until("live.place('team-1').seq === 4")
    assert page.locator("#server-1-head").text_content() == "two"
    assert page.evaluate("live.gaps") == 1
    assert page.locator(".toast").count() == 0


def test_another_epoch_makes_it_ask_too(visit: Callable[..., Connection], until: Until) -> None:
    server = visit()
    server.send(snapshot(1), change(2, "other"))

    assert server.heard() == {"type": "subscribe", "topic": "team-1@abc.1"}
    server.send(snapshot(2, "other"))

    until("live.place('team-1').epoch === 'other'")


def test_a_gap_that_nobody_closes_makes_it_connect_again(
    page: Page, stage: Stage, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1), change(3))
    assert server.heard()["type"] == "subscribe"
    page.clock.run_for(6_000)

    server.send(change(4))

    assert stage.connection().query == "topic=team-1@abc.1"


def test_a_value_goes_to_its_place_and_the_rest_stays(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    step = '<b id="server-1-step">step 1</b><svg><rect id="server-1-bar" width="5%"/></svg>'
    server = visit()
    server.send(snapshot(1, fragments=[card(1), head(1, "kino-01"), work(1, step)]))
    until("live.place('team-1')?.seq === 1")
    page.evaluate("globalThis.node = document.getElementById('server-1-step')")

    values = [["server-1-step", "text", "<i>2</i>"], ["server-1-bar", "width", "10%"]]
    server.send(change(2, patches=[*values, ["server-9-step", "text", "of nobody"]]))

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate("node.isConnected && node.textContent") == "<i>2</i>"
    assert page.get_attribute("#server-1-bar", "width") == "10%"


def test_a_patch_without_a_name_is_a_text(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1, fragments=[card(1), work(1, '<b id="server-1-step">step 1</b>')]))

    server.send(change(2, patches=[["server-1-step", "step 2"]]))

    until("live.place('team-1')?.seq === 2")
    assert page.text_content("#server-1-step") == "step 2"


def test_a_server_was_heard_of_so_long_before_the_message(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1, fragments=[card(1, heard=iso()), card(2, heard=iso())]))

    server.send(change(2, at=iso(8), heard=[[1, 1500], [9, 0]]))

    until("live.place('team-1')?.seq === 2")
    heard = page.evaluate("document.getElementById('server-1').dataset.heard")
    assert datetime.fromisoformat(heard) == datetime.fromisoformat(iso(6.5))
    assert page.get_attribute("#server-2", "data-heard") == iso()


def test_a_part_comes_back_as_it_was_after_its_values_moved_on(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    part = work(1, '<b id="server-1-step">step 1</b>')
    server = visit()
    server.send(snapshot(1, fragments=[card(1), head(1, "kino-01"), part]))
    server.send(change(2, patches=[["server-1-step", "text", "step 2"]]))
    until("live.place('team-1')?.seq === 2")

    server.send(change(3, fragments=[part]))

    until("live.place('team-1')?.seq === 3")
    assert page.text_content("#server-1-step") == "step 1"


MALFORMED: list[Any] = [
    "no JSON {",
    "null",
    "[]",
    '"text"',
    "{}",
    {"v": 2, "type": "beat", "at": "2025-11-20T14:32:00+00:00"},
    {"v": 1, "type": 4, "at": "2025-11-20T14:32:00+00:00"},
    {"v": 1, "type": "beat", "at": 17},
    {"v": 1, "type": "beat", "at": "soon"},
    {**change(2), "seq": "2"},
    {**change(2), "seq": -1},
    {**change(2), "epoch": None},
    change(2, fragments=None),
    change(2, fragments=[None]),
    change(2, fragments=[{"id": "server-1-head"}]),
    change(2, fragments=[{"id": "", "html": "<p></p>"}]),
    change(2, fragments=[{"id": "server-1-head", "html": "<p id=other></p>"}]),
    change(2, fragments=[head(1, "bad"), {"id": "a", "html": "<p id=a></p><p></p>"}]),
    change(2, fragments=[{"id": "a", "html": "<p id=a></p>", "into": 7}]),
    change(2, patches=[["server-1", "onclick", "x()"]]),
    change(2, patches=[["server-1-step", "text", "2"], ["server-1", "href", "javascript:x()"]]),
    change(2, patches=[["server-1"]]),
    change(2, patches=[["server-1", "data-state", "idle", "more"]]),
    change(2, patches={}),
    change(2, heard=[1]),
    change(2, heard=[["1", 5]]),
    change(2, heard=[[1, None]]),
    change(2, heard=[[1]]),
    change(2, heard=[[1, 9e15]]),
    change(2, heard={"1": 5}),
    change(2, patches=[["server-1", "data-state", 4]]),
    change(2, feed=[{"id": "event-1"}]),
]


def test_a_malformed_message_is_counted_and_changes_nothing(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1, fragments=[card(1), head(1, "kino-01")], feed=[line(1)]))
    until("live.place('team-1')?.seq === 1")
    before = page.evaluate(WALL)

    for count, frame in enumerate(MALFORMED, start=1):
        server.send(frame)

        until(f"live.malformed === {count}")
        assert page.evaluate(WALL) == before, frame
        assert page.evaluate(FEED) == "event-1", frame
        assert page.evaluate("live.state") == "live", frame


def test_a_type_of_a_later_server_is_left_alone(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1), {"v": 1, "type": "gossip", "at": iso()}, change(2))

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate("live.malformed") == 0


def test_ninety_nine_of_a_hundred_are_shown_and_one_is_counted(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.type))
    server = visit()
    server.send(snapshot(0, fragments=[card(1)]))

    for n in range(1, 50):
        server.send(change(n, fragments=[head(1, str(n))]))
    server.send('{"v":1,"type":"change","seq":')
    for n in range(50, 100):
        server.send(change(n, fragments=[head(1, str(n))]))

    until("live.place('team-1')?.seq === 99")
    assert page.locator("#server-1-head").text_content() == "99"
    assert page.evaluate("live.malformed") == 1
    assert said == ["warning"]


def test_malformed_messages_are_told_to_who_wants_to_know(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    listen = "live.addEventListener('error', ({detail: {data, error}}) => {"
    page.evaluate(f"{listen} window.told = [data, error.message] }})")

    server.send("no JSON {")

    until("live.malformed === 1")
    assert page.evaluate("told") == ["no JSON {", "expected JSON"]


def stream(seed: int) -> list[dict[str, Any]]:
    """Return what a collector might say of three servers: parts, states, feed, comings, goings."""
    dice = random.Random(seed)
    messages = []
    for seq in range(1, 41):
        pk = dice.randint(1, 3)
        fragments = [head(pk, f"at {seq}"), work(pk, f"<p>step {seq}</p>")]
        if dice.random() < 0.2:
            fragments = [card(pk), *fragments]
        patches = [[f"server-{pk}", "data-state", dice.choice(["idle", "queued", "offline"])]]
        feed = [line(dice.randint(1, 60))] if dice.random() < 0.7 else []
        messages.append(change(seq, fragments=fragments, patches=patches, feed=feed))
    return messages


def retained(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the snapshot that holds what a start and these changes left (telemetry/stores.py)."""
    kept = {f["id"]: f for pk in (1, 2, 3) for f in (card(pk), head(pk, ""), work(pk, ""))}
    patches: dict[tuple[str, str], str] = {}
    feed: dict[str, dict[str, str]] = {}
    for message in messages:
        kept.update({f["id"]: {**kept[f["id"]], **f} for f in message["fragments"]})
        patches.update({(e, n): v for e, n, v in message["patches"]})
        for told in message["feed"]:
            feed[told["id"]] = told
    return snapshot(
        messages[-1]["seq"] if messages else 0,
        fragments=list(kept.values()),
        patches=[[*key, value] for key, value in patches.items()],
        feed=list(reversed(feed.values()))[:50],
    )


@pytest.mark.parametrize("seed", range(4))
def test_any_snapshot_and_what_follows_it_give_the_same_page(
    seed: int, page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    messages, dice = stream(seed), random.Random(seed)
    server = visit()
    server.send(retained(messages))
    until("live.place('team-1')?.seq === 40")
    expected = page.evaluate(f"[{WALL}, {FEED}]")

    for taken in dice.sample(range(40), 4):
        server.send(retained(messages[:taken]))
        until(f"live.place('team-1').seq === {taken}")
        server.send(*messages[taken:])
        until("live.place('team-1').seq === 40")
        assert page.evaluate(f"[{WALL}, {FEED}]") == expected


@pytest.mark.parametrize("seed", range(4))
def test_a_shuffled_stream_with_doubles_ends_as_the_ordered_one(
    seed: int, page: Page, stage: Stage, visit: Callable[..., Connection], until: Until
) -> None:
    messages, dice = stream(seed), random.Random(seed)
    server = visit()
    server.send(retained([]), *messages)
    until("live.place('team-1')?.seq === 40")
    expected = page.evaluate(f"[{WALL}, {FEED}]")

    page.reload()
    mixed = [*messages, *dice.sample(messages, 20)]
    dice.shuffle(mixed)
    server = stage.connection()
    server.send(retained([]), *mixed)
    # The first gap makes it ask again; what comes then holds everything, doubles are dropped.
    assert server.heard()["type"] == "subscribe"
    server.send(retained(messages), *mixed)

    until("live.place('team-1')?.seq === 40")
    server.send(change(41, feed=[]))
    until("live.place('team-1')?.seq === 41")
    assert page.evaluate(f"[{WALL}, {FEED}]") == expected


def test_the_feed_keeps_fifty_lines_newest_first_and_none_twice(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(0))

    for n in range(1, 61):
        server.send(change(n, feed=[line(n)]))
    server.send(change(61, feed=[line(60)]))

    until("live.place('team-1')?.seq === 61")
    assert page.locator("#feed > li").count() == 50
    assert page.evaluate(FEED).startswith("event-60,event-59,")


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_elapsed_times_are_right_whatever_the_browser_takes_for_now(
    minutes: int, page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    since = f'<time data-since="{iso(-90)}">–</time>'
    server = visit(browser_at=NOW + timedelta(minutes=minutes))

    server.send(snapshot(fragments=[card(1), work(1, since)]))

    until("live.place('team-1')?.seq === 1")
    assert page.locator("time").text_content() in ("1m\u00a030s", "1m\u00a031s")
    page.clock.fast_forward(20_000)
    assert page.locator("time").text_content() in ("1m\u00a050s", "1m\u00a051s")


def test_a_jump_of_the_browsers_clock_changes_no_age(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1), work(1, f'<time data-since="{iso(-90)}">–</time>')]))
    until("live.place('team-1')?.seq === 1")

    page.clock.set_system_time(NOW + timedelta(hours=3))
    page.clock.run_for(1000)

    assert page.locator("time").text_content() in ("1m\u00a031s", "1m\u00a032s")


def test_times_in_words(page: Page, visit: Callable[..., Connection], until: Until) -> None:
    between = f'data-earliest="{iso(300)}" data-latest="{iso(540)}"'
    times = {
        f'data-since="{iso(-3900)}"': "1h\u00a005m",
        f'data-since="{iso(-49 * 3600)}"': "2d\u00a01h",
        f'data-since="{iso(60)}"': "0s",
        f'data-until="{iso(48)}"': "in\u00a048\u00a0s",
        f'data-until="{iso(-1)}"': "now",
        f'data-clock="{iso(420)}"': "14:39",
        f'data-clock="{iso(-22)}" data-seconds': "14:31:38",
        f'data-clock="{iso(-86_400)}"': "Wed\u00a014:32",
        f'data-clock="{iso(-13 * 86_400)}"': "7\u00a0Nov\u00a014:32",
        'data-clock="2024-09-02T10:00:00+00:00"': "2\u00a0Sep\u00a02024",
        f'data-clock="{iso(420)}" {between} data-spread': "14:39 ±\u00a02\u00a0min",
        f'data-clock="{iso(420)}" {between}': "14:39",
        'data-clock="nonsense"': "–",
    }
    html = "".join(f"<time {attributes}></time>" for attributes in times)
    page.clock.install(time=NOW - timedelta(minutes=1))
    page.clock.pause_at(NOW + timedelta(seconds=1))

    visit(PAGE.replace("<main", f"<p id='times'>{html}</p><main"))

    until("document.querySelector('#times time').textContent !== ''")
    said = page.evaluate("[...document.querySelectorAll('#times time')].map(t => t.textContent)")
    assert said == list(times.values())


def test_the_title_of_an_end_that_is_expected_tells_its_range(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    eta = (
        f'<time data-clock="{iso(420)}" data-earliest="{iso(300)}" data-latest="{iso(600)}"'
        ' data-note="n = 24"></time>'
    )

    visit().send(snapshot(fragments=[card(1), work(1, eta)]))

    until("live.place('team-1')?.seq === 1")
    assert page.locator("time").get_attribute("title") == (
        "Thu 20 Nov 2025 14:39:00, between 14:37:00 and 14:42:00, n = 24"
    )


GREY = "[...document.querySelectorAll('.last-known')].map(e => e.id).join()"


def test_values_of_a_server_at_work_grey_after_10_s_and_the_card_is_stale_after_60_s(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1, "executing"), card(2, "idle")]))
    until("live.place('team-1')?.seq === 1")

    page.clock.run_for(9_000)
    assert page.evaluate(GREY) == ""
    page.clock.run_for(3_000)
    assert page.evaluate(GREY) == "server-1-gpus,server-1-exec"
    server.send(change(2, patches=[["server-2", "data-heard", iso(50)]], at=iso(13)))
    until("live.place('team-1')?.seq === 2")
    page.clock.run_for(20_000)
    server.send(beat(iso(33)))
    page.clock.run_for(20_000)
    server.send(beat(iso(53)))
    page.clock.run_for(10_000)

    assert page.evaluate("document.querySelector('[data-stale]').id") == "server-1"
    assert page.locator("[data-stale]").count() == 1
    assert page.locator("#tally").text_content() == "2 servers, 1 idle, 1 stale"


def test_a_card_is_fresh_again_as_soon_as_the_server_is_heard_of(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1, "executing", heard=iso(-70))]))
    until("document.querySelector('[data-stale]') !== null")

    server.send(change(2, patches=[["server-1", "data-heard", iso()]]))

    until("live.place('team-1')?.seq === 2")
    assert page.locator("[data-stale]").count() == 0
    assert page.evaluate(GREY) == ""


def test_the_clocks_of_a_stale_card_stand_where_it_was_last_heard_of(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    since = f'<time data-since="{iso(-100)}"></time>'

    visit().send(
        snapshot(fragments=[card(1, "executing", heard=iso(-70)), work(1, since)]),
        beat(),
    )

    until("live.place('team-1')?.seq === 1")
    page.clock.run_for(2_000)
    assert page.locator("time").text_content() == "30s"


def test_it_counts_the_states_of_the_cards(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(fragments=[card(1, "executing"), card(2), card(3, "offline")]))
    until("live.place('team-1')?.seq === 1")
    assert page.locator("#tally").text_content() == "3 servers, 1 executing, 1 idle"

    server.send(change(2, patches=[["server-1", "data-state", "idle"]]))

    until("live.place('team-1')?.seq === 2")
    assert page.locator("#tally").text_content() == "3 servers, 2 idle"


def test_it_tells_how_the_attempts_go_and_gives_up_after_five(
    page: Page,
    stage: Stage,
    complaints: list[str],
    visit: Callable[..., Connection],
    until: Until,
) -> None:
    page.add_init_script("Math.random = () => 0.5")  # no jitter
    server = visit()
    server.send(snapshot(fragments=[card(1)]))
    until("live.state === 'live'")
    conn = page.locator("#conn")
    page.clock.pause_at(NOW + timedelta(minutes=1))

    stage.refusing = True
    server.close()
    for attempt, delay in enumerate((1, 2, 4, 8, 16), start=1):
        waiting = f"Attempt {attempt} of 5, next in\u00a0{delay}\u00a0s"
        until(f"document.getElementById('conn').textContent === {waiting!r}")
        assert conn.get_attribute("data-state") == "reconnecting"
        page.clock.run_for(delay * 1000)

    until("live.state === 'offline'")
    assert conn.locator(".words").text_content() == "Failed to connect after 5 attempts"
    assert page.locator("#servers > article").count() == 1
    assert page.locator("#conn-banner").is_visible()
    toast = page.locator(".toast b").last
    assert toast.text_content() == "Failed to connect after 5 attempts"


def test_it_goes_on_trying_each_30_s_and_on_demand(
    page: Page,
    stage: Stage,
    complaints: list[str],
    visit: Callable[..., Connection],
    until: Until,
) -> None:
    page.add_init_script("Math.random = () => 0.5")
    server = visit()
    page.clock.pause_at(NOW + timedelta(minutes=1))
    stage.refusing = True
    server.close()
    for delay in (1, 2, 4, 8, 16):
        until(f"document.getElementById('conn').textContent.endsWith('in\u00a0{delay}\u00a0s')")
        page.clock.run_for(delay * 1000)
    until("live.state === 'offline'")

    stage.refusing = False
    page.clock.run_for(30_000)
    server = stage.connection()
    server.close()
    until("document.querySelector('#conn-banner b').textContent.includes('30')")
    page.locator("#conn button").click()
    stage.connection().send(snapshot())

    until("live.state === 'live'")
    page.clock.run_for(1_000)
    assert page.locator("#conn-banner").is_hidden()
    complaints.clear()


def test_the_attempts_begin_anew_only_after_a_stable_connection(
    page: Page, stage: Stage, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot())
    until("live.state === 'live'")
    server.close()
    until("document.getElementById('conn').textContent.startsWith('Attempt 1')")
    page.clock.run_for(2_000)
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")

    server.close()
    until("document.getElementById('conn').textContent.startsWith('Attempt 2')")
    page.clock.run_for(3_000)
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")
    for _ in range(4):
        page.clock.run_for(10_000)
        server.send(beat())
        page.wait_for_function("true")

    server.close()
    until("document.getElementById('conn').textContent.startsWith('Attempt 1')")


def test_a_loss_and_the_return_are_told_once_each(
    page: Page, stage: Stage, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot())
    until("live.state === 'live'")
    server.close()
    until("document.querySelector('.toast') !== null")
    assert page.locator(".toast b").all_text_contents() == ["Live connection lost"]

    page.clock.run_for(2_000)
    stage.connection().send(snapshot())

    until("live.state === 'live'")
    assert page.locator(".toast b").all_text_contents() == ["Live connection is back"]
    page.clock.run_for(9_000)
    assert page.locator(".toast").count() == 0


def test_silence_is_said_after_a_beat_and_taken_for_a_dead_connection_after_two(
    page: Page, stage: Stage, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot())
    until("live.state === 'live'")

    page.clock.run_for(34_000)
    assert page.evaluate("live.state") == "live"
    page.clock.run_for(5_000)
    assert page.evaluate("live.state") == "silent"
    page.clock.run_for(23_000)

    until("live.state === 'reconnecting'")


@pytest.mark.parametrize(
    ("code", "words", "link"),
    [
        (4401, "Signed outSign in", "/login/?next=/live"),
        (4403, "No access any moreYour teams", "/"),
        (4404, "No access any moreYour teams", "/"),
    ],
)
def test_who_is_refused_is_told_so_and_it_tries_no_more(
    code: int,
    words: str,
    link: str,
    page: Page,
    stage: Stage,
    visit: Callable[..., Connection],
    until: Until,
) -> None:
    server = visit()
    server.send(snapshot())

    server.close(code)

    until("live.state === 'refused'")
    assert page.locator("#conn").text_content() == words
    assert page.locator("#conn a").get_attribute("href") == link
    page.clock.run_for(120_000)
    assert stage.connections.empty()


def test_it_acknowledges_how_far_it_came_every_5_s(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1), change(2), change(3))
    until("live.place('team-1')?.seq === 3")

    page.clock.run_for(6_000)

    assert server.heard() == {"type": "ack", "seq": 3}
    page.clock.run_for(6_000)
    assert server.received.empty()


def test_it_names_the_topics_that_it_acknowledges_where_there_are_several(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    server = visit()
    server.send(snapshot(1))
    until("live.place('team-1')?.seq === 1")
    page.evaluate("live.subscribe('server-7')")
    assert server.heard() == {"type": "subscribe", "topic": "server-7"}

    page.clock.run_for(6_000)

    assert server.heard() == {"type": "ack", "topic": "team-1", "seq": 1}


def test_focus_open_details_and_scroll_survive_a_new_fragment(
    page: Page, visit: Callable[..., Connection], until: Until
) -> None:
    def rows(*names: str) -> str:
        lines = "".join(f'<p data-key="{n}"><a href="#{n}">{n}</a></p>' for n in names)
        tall = "<br>" * 200
        return (
            f"{lines}<details><summary>Why</summary>{names}</details>"
            f'<div class="tall">{tall}{names}</div>'
        )

    server = visit()
    server.send(snapshot(fragments=[card(1), work(1, rows("a", "b"))]))
    until("live.place('team-1')?.seq === 1")
    page.evaluate("document.querySelector('details').open = true")
    page.evaluate(
        "const s = new CSSStyleSheet();"
        "s.replaceSync('.tall { height: 50px; overflow: auto }');"
        "document.adoptedStyleSheets = [s];"
        "document.querySelector('.tall').scrollTop = 40"
    )
    page.locator("a[href='#b']").focus()

    server.send(change(2, fragments=[work(1, rows("b", "c"))]))

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate("document.activeElement.textContent") == "b"
    assert page.locator("details").get_attribute("open") is not None
    assert page.evaluate("document.querySelector('.tall').scrollTop") == 40
    assert page.locator("#server-1-exec p").all_text_contents() == ["b", "c"]


def test_no_script_in_a_fragment_runs(
    page: Page, complaints: list[str], visit: Callable[..., Connection], until: Until
) -> None:
    html = "<script>window.ran = 1</script><img src='data:,' onerror='window.ran = 2'>"
    server = visit()
    page.evaluate("addEventListener('securitypolicyviolation', () => { window.refused = true })")

    server.send(snapshot(fragments=[card(1), work(1, html)]))

    until("window.refused === true")
    assert page.evaluate("window.ran === undefined")
    complaints.clear()  # the policy's, of the handler

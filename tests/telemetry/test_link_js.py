"""The connection of a page, in a real browser: which way it takes, how it comes back, its API.

The other end is the test (tests/browser.py), which can refuse sockets, streams and polls each by
itself. Time is the browser's faked clock.
"""

import json
from datetime import timedelta

import pytest

from tests.telemetry.test_live_js import NOW, PAGE, card, change, head, iso, snapshot, work

pytest_plugins = ("tests.browser",)

NO_JITTER = "Math.random = () => 0.5"
WAYS = "[live.state, live.transport]"


@pytest.fixture
def visit(page, stage):
    """Return what opens the page, and waits for nothing."""

    def open_page(html=PAGE, query="", paused=False):
        page.add_init_script(NO_JITTER)
        page.clock.install(time=NOW)
        if paused:
            page.clock.pause_at(NOW + timedelta(seconds=1))
        stage.pages["live"] = html
        page.goto(f"{stage.url}/live{query}")

    return open_page


def with_options(**options):
    """Return the page with options as the site writes them."""
    return PAGE.replace(
        'data-topics="', f"data-live-options='{json.dumps(options)}' data-topics=\""
    )


def fail_until_polling(page, stage, until):
    """Let five attempts fail."""
    for attempt in range(1, 6):
        until(f"live.reconnectAttempt === {attempt}")
        page.clock.run_for(2 ** (attempt - 1) * 1000 + 100)


def test_it_takes_a_socket_where_it_can(stage, visit, until):
    visit()
    stage.connection().send(snapshot())

    until("live.state === 'live' && live.transport === 'socket'")
    assert stage.streams.empty()
    assert stage.asked == 0


def test_it_takes_a_stream_where_sockets_are_refused(page, stage, visit, until):
    stage.refusing, stage.streaming = True, True
    visit()
    stream = stage.streams.get(timeout=10)
    stream.send(
        snapshot(1, fragments=[card(1), head(1, "one")]), change(2, fragments=[head(1, "two")])
    )

    until("live.place('team-1')?.seq === 2")
    assert page.evaluate(WAYS) == ["live", "stream"]
    assert page.evaluate("live.usingFallback && live.isConnected")
    assert page.locator("#server-1-head").text_content() == "two"
    assert page.locator(".toast").count() == 0


def test_a_stream_that_ended_as_planned_goes_on_where_it_was(page, stage, visit, until):
    stage.refusing, stage.streaming = True, True
    visit()
    stream = stage.streams.get(timeout=10)
    stream.send(snapshot(1), change(2))
    until("live.place('team-1')?.seq === 2")

    stream.close()
    following = stage.streams.get(timeout=10)
    following.send(change(3))

    until("live.place('team-1')?.seq === 3")
    assert following.query == "topic=team-1@abc.2"
    assert page.evaluate("live.state") == "live"


def test_a_stream_gives_way_to_a_socket_once_there_is_one(page, stage, visit, until):
    stage.refusing, stage.streaming = True, True
    visit()
    stream = stage.streams.get(timeout=10)
    stream.send(snapshot(1), change(2))
    until("live.place('team-1')?.seq === 2")

    stage.refusing = False
    for _ in range(7):
        page.clock.run_for(10_000)
        stream.send({"v": 1, "type": "beat", "at": iso()})
    socket = stage.connection()
    socket.send(
        {"v": 1, "type": "resumed", "at": iso(), "topic": "team-1", "epoch": "abc", "seq": 2}
    )
    socket.send(change(3))

    until("live.place('team-1')?.seq === 3")
    assert page.evaluate(WAYS) == ["live", "socket"]
    assert socket.query == "topic=team-1@abc.2"


def test_it_polls_after_five_attempts_where_nothing_else_is_let_through(page, stage, visit, until):
    stage.refusing = True
    stage.polled = [snapshot(7, fragments=[card(1), head(1, "polled")])]
    visit()
    fail_until_polling(page, stage, until)

    until("live.state === 'polling'")
    until("document.getElementById('server-1-head')?.textContent === 'polled'")
    conn = page.locator("#conn")
    assert conn.locator(".words").text_content() == "Polling"
    assert conn.locator("button").text_content() == "Retry"
    assert page.locator(".toast b").all_text_contents() == ["Offline mode"]
    assert page.evaluate("live.error") == "Failed to connect after 5 attempts, polling"


def test_it_polls_every_30_s_and_takes_nothing_that_has_not_changed(page, stage, visit, until):
    stage.refusing = True
    stage.polled = [snapshot(7, fragments=[card(1)])]
    visit()
    fail_until_polling(page, stage, until)
    until("live.state === 'polling'")
    page.evaluate("window.updates = 0; live.addEventListener('update', () => { updates += 1 }); 0")
    before = stage.asked

    for polls in (1, 2, 3):
        page.clock.run_for(30_000)
        until("live.state === 'polling'")
        page.wait_for_timeout(200)
        assert stage.asked == before + polls

    assert page.evaluate("updates") == 0


def test_a_poll_gives_way_to_a_socket_once_there_is_one(page, stage, visit, until):
    stage.refusing, stage.polled = True, [snapshot(7)]
    visit()
    fail_until_polling(page, stage, until)
    until("live.state === 'polling'")

    stage.refusing = False
    page.clock.run_for(31_000)
    stage.connection().send(snapshot(9))

    until("live.state === 'live' && live.transport === 'socket'")
    assert page.locator(".toast b").last.text_content() == "Live connection is back"
    asked = stage.asked
    page.clock.run_for(20_000)
    assert stage.asked == asked


def test_retry_while_polling_tries_the_socket_at_once(page, stage, visit, until):
    stage.refusing, stage.polled = True, [snapshot(7)]
    visit()
    fail_until_polling(page, stage, until)
    until("live.state === 'polling'")

    stage.refusing = False
    page.locator("#conn button").click()
    stage.connection().send(snapshot(8))

    until("live.state === 'live'")


def test_a_tab_that_nobody_sees_asks_once_a_minute_at_most(page, stage, visit, until):
    stage.refusing, stage.polled = True, [snapshot(7)]
    visit()
    fail_until_polling(page, stage, until)
    until("live.state === 'polling'")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    page.clock.run_for(31_000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    for _ in range(10):
        page.clock.run_for(60_000)
        page.wait_for_timeout(100)

    assert 8 <= len(asked) <= 10


@pytest.mark.parametrize("code", [4401, 4403, 4404])
def test_it_does_not_go_round_a_refusal(page, stage, visit, until, code):
    stage.streaming, stage.polled = True, [snapshot()]
    visit()
    server = stage.connection()
    server.send({"v": 1, "type": "error", "at": iso(), "code": code, "reason": "no"})
    server.close(code)

    until("live.state === 'refused'")
    page.clock.run_for(120_000)
    assert stage.streams.empty()
    assert stage.asked == 0


def test_it_works_without_websockets_at_all(page, stage, visit, until):
    page.add_init_script("delete globalThis.WebSocket")
    stage.streaming = True
    visit()
    stage.streams.get(timeout=10).send(snapshot())

    until("live.state === 'live' && live.transport === 'stream'")
    assert stage.connections.empty()


def test_disconnected_by_hand_it_stays_so_until_asked(page, stage, visit, until):
    visit()
    stage.connection().send(snapshot())
    until("live.state === 'live'")

    page.evaluate("live.disconnect()")
    assert page.evaluate("live.state") == "idle"
    page.clock.run_for(300_000)
    page.evaluate("dispatchEvent(new Event('online'))")
    assert stage.connections.empty()
    assert page.locator("#conn .words").text_content() == "Disconnected"

    page.locator("#conn button").click()
    stage.connection().send(snapshot())
    until("live.state === 'live'")


def test_connecting_twice_opens_one_socket(page, stage, visit, until):
    visit()
    page.evaluate("live.connect(); live.connect()")
    stage.connection().send(snapshot())
    until("live.state === 'live'")

    page.evaluate("live.connect()")
    page.wait_for_timeout(200)

    assert stage.connections.empty()


def test_a_reset_begins_anew_once(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot(), "nonsense")
    until("live.malformed === 1")

    page.evaluate("live.reset()")
    again = stage.connection()
    again.send(snapshot(5))

    until("live.place('team-1')?.seq === 5")
    assert again.query == "topic=team-1"
    assert page.evaluate("live.malformed") == 0
    page.wait_for_timeout(200)
    assert stage.connections.empty()


def test_two_hundred_connects_and_disconnects_leave_one_connection(page, stage, visit, until):
    visit()
    page.evaluate("for (let n = 0; n < 200; n++) { live.disconnect(); live.connect(); } 0")
    seen = 0
    while page.evaluate("live.state") != "live":
        server = stage.connection()
        server.send(snapshot())
        seen += 1
        page.wait_for_timeout(20)

    assert page.evaluate("live.transport") == "socket"
    page.evaluate("live.disconnect()")
    until("live.state === 'idle'")
    page.wait_for_timeout(300)
    assert stage.open_sockets() == 0


def test_events_come_once_per_cause(page, stage, visit, until):
    visit()
    page.evaluate(
        "window.told = [];"
        "for (const name of ['connect', 'disconnect', 'update', 'error'])"
        " live.addEventListener(name, () => told.push(name)); 0"
    )
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")
    server.send("nonsense")
    until("live.malformed === 1")
    server.close()
    until("live.state === 'reconnecting'")

    assert page.evaluate("told") == ["connect", "update", "error", "disconnect"]


def test_a_pause_holds_what_comes_and_says_how_much(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot(1, fragments=[card(1), head(1, "one")]))
    until("live.state === 'live'")

    page.evaluate("live.pause()")
    server.send(*(change(n, fragments=[head(1, str(n))]) for n in range(2, 14)))
    until("live.waiting === 12")
    assert page.locator("#conn").text_content() == "Paused, 12 new"
    assert page.locator("#server-1-head").text_content() == "one"

    page.evaluate("live.resume()")
    assert page.locator("#server-1-head").text_content() == "13"
    assert page.evaluate("live.state") == "live"


def test_a_long_pause_ends_with_a_fresh_start(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot(1))
    until("live.state === 'live'")
    page.evaluate("live.pause()")
    text = json.dumps(change(1)).replace('"seq": 1', '"seq": %')
    feed = "for (let n = 2; n < 2100; n++) live._receive(text.replace('%', n))"
    page.evaluate(f"text => {{ {feed} }}", text)

    page.evaluate("live.resume()")

    again = stage.connection()
    assert again.query == "topic=team-1"
    again.send(snapshot(2500))
    until("live.place('team-1')?.seq === 2500")


def test_it_subscribes_to_further_topics_on_the_same_socket(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")

    page.evaluate("live.subscribe('run-5')")
    assert server.heard() == {"type": "subscribe", "topic": "run-5"}
    server.send({**snapshot(3), "topic": "run-5"})
    until("live.place('run-5')?.seq === 3")
    page.evaluate("live.unsubscribe('run-5')")

    assert server.heard() == {"type": "unsubscribe", "topic": "run-5"}
    assert stage.connections.empty()


def test_what_comes_within_the_buffers_time_is_shown_together(page, stage, visit, until):
    visit(with_options(buffer_ms=1000))
    server = stage.connection()
    server.send(snapshot(1, fragments=[card(1), head(1, "one")]))
    until("live.place('team-1')?.seq === 1")
    page.clock.pause_at(NOW + timedelta(minutes=1))
    page.evaluate("live.addEventListener('update', ({detail}) => { window.count = detail.length })")

    server.send(change(2, fragments=[head(1, "at once")]))
    until("document.getElementById('server-1-head').textContent === 'at once'")
    server.send(*(change(n, fragments=[head(1, str(n))]) for n in range(3, 10)))
    until("live.messages === 9")
    assert page.locator("#server-1-head").text_content() == "at once"
    page.clock.run_for(1000)

    assert page.locator("#server-1-head").text_content() == "9"
    assert page.evaluate("count") == 7


def test_attempts_and_delay_are_options(page, stage, visit, until):
    stage.refusing = True
    visit(with_options(reconnect_attempts=2, reconnect_delay_ms=3000), paused=True)
    says = (
        "document.getElementById('conn').textContent === 'Attempt {} of 2, next in\u00a0{}\u00a0s'"
    )

    until(says.format(1, 3))
    page.clock.run_for(3000)
    until(says.format(2, 6))
    page.clock.run_for(6000)
    until("live.state === 'offline'")


LEFT_MS = "Math.round(live.link.nextAt - performance.now())"


def waits(page, stage, visit, until, count, **options):
    """Return how long the first so many waits are, in seconds, where nothing can be reached."""
    stage.refusing = True
    visit(with_options(**options), paused=True)
    found = []
    for number in range(1, count + 1):
        until(f"live.reconnectAttempt === {number} && live.link.nextAt !== null")
        left_ms = page.evaluate(LEFT_MS)
        page.clock.run_for(left_ms)
        found.append(left_ms / 1000)
    return found


def test_the_waits_double_from_the_first_up_to_a_minute(page, stage, visit, until):
    found = waits(page, stage, visit, until, 7, reconnect_attempts=10, reconnect_delay_ms=3000)

    assert found == [3, 6, 12, 24, 48, 60, 60]


@pytest.mark.parametrize(("chance", "share"), [(0, 0.8), (0.25, 0.9), (1, 1.2)])
def test_each_wait_is_spread_by_a_fifth(page, stage, visit, until, chance, share):
    fixed = f"{{ get: () => () => {chance}, set() {{}} }}"  # NO_JITTER comes after it
    page.add_init_script(f"Object.defineProperty(Math, 'random', {fixed})")

    found = waits(page, stage, visit, until, 3, reconnect_attempts=3)

    assert found == pytest.approx([share, 2 * share, 4 * share], abs=0.01)


def test_how_often_it_polls_is_an_option(page, stage, visit, until):
    stage.refusing = True
    stage.polled = [snapshot(7, fragments=[card(1)])]
    visit(with_options(reconnect_attempts=1, poll_ms=5000))
    until("live.reconnectAttempt === 1")
    page.clock.run_for(1_100)
    until("live.state === 'polling'")
    before = stage.asked

    for polls in (1, 2, 3):
        page.clock.run_for(5_000)
        page.wait_for_timeout(200)
        assert stage.asked == before + polls


def test_live_that_is_switched_off_connects_only_when_asked(page, stage, visit, until):
    visit(with_options(enabled=False))
    page.wait_for_timeout(200)
    assert page.evaluate("live.state") == "idle"
    assert stage.connections.empty()
    assert page.locator("#conn .words").inner_text() == "Disconnected"

    page.locator("#conn").get_by_role("button", name="Connect").click()
    stage.connection().send(snapshot())
    until("live.state === 'live'")


@pytest.mark.parametrize(("query", "lines"), [("", 0), ("?debug", 2)])
def test_it_says_what_it_does_on_the_console_only_when_asked(
    page, stage, visit, until, query, lines
):
    said = []
    page.on("console", lambda message: said.append(message.text))
    visit(query=query)
    stage.connection().send(snapshot())

    until("live.state === 'live'")
    assert len([text for text in said if text.startswith("live: ")]) >= lines
    assert bool(said) is bool(lines)


def test_a_network_that_went_away_is_noticed_within_5_s(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")

    page.evaluate("dispatchEvent(new Event('offline'))")
    assert server.heard()["type"] == "beat"
    page.clock.run_for(7_000)

    until("live.state !== 'live'")


def test_a_page_whose_servers_are_all_stale_says_so(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot(1, fragments=[card(1, "idle", iso(-90))]))

    until("live.state === 'stale'")
    assert page.locator("#conn .words").text_content() == "Stale"
    server.send(change(2, patches=[["server-1", "data-heard", iso(0)]]))
    until("live.state === 'live'")


WORKING = '<p>{} <span class="streaming">Streaming</span></p>'


def test_it_streams_only_while_a_server_at_work_is_heard_of(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot(1, fragments=[card(1, "idle")]))
    until("live.state === 'live'")
    assert page.evaluate("live.isStreaming") is False

    at_work = [card(1, "executing"), work(1, WORKING.format("step 3"))]
    server.send(change(2, fragments=at_work))
    page.clock.run_for(300)
    until("live.isStreaming")
    page.clock.run_for(11_000)
    assert page.evaluate("live.isStreaming") is False, "not heard of for 10 s"
    server.send(change(3, patches=[["server-1", "data-heard", iso(12)]]))
    page.clock.run_for(1_000)
    until("live.isStreaming")
    page.evaluate("live.disconnect()")
    assert page.evaluate("live.isStreaming") is False


MENU = '<details open><p id="live-age"></p><dl id="live-debug"></dl></details></body>'


def test_the_age_of_the_last_word_ticks_and_stays_after_the_end(page, stage, visit, until):
    visit(PAGE.replace("</body>", MENU))
    stage.connection().send(snapshot())
    age = "document.getElementById('live-age').textContent === 'Last update: {}'"

    until(age.format("now, WebSocket"))
    page.clock.run_for(5_000)
    until(age.format("5s ago, WebSocket"))
    page.evaluate("live.disconnect()")
    page.clock.run_for(60_000)

    until(age.format("1m\u00a005s ago"))


def test_numbers_for_staff_stand_where_the_page_has_a_place_for_them(page, stage, visit, until):
    visit(PAGE.replace("</body>", MENU))
    server = stage.connection()
    server.send(snapshot(7))
    until("live.state === 'live'")
    server.send(change(9))
    page.clock.run_for(1_000)

    words = page.locator("#live-debug > *").all_text_contents()
    numbers = dict(zip(words[::2], words[1::2], strict=True))
    assert numbers["Transport"] == "socket"
    assert numbers["team-1"] == "abc.7"
    assert (numbers["Gaps"], numbers["Malformed"], numbers["Attempt"]) == ("1", "0", "0")


def test_a_page_without_a_badge_is_live_all_the_same(page, stage, visit, until):
    visit(PAGE.replace('<span id="conn" data-login="/login/?next=/live" role="status"></span>', ""))

    stage.connection().send(snapshot(1, fragments=[card(1)]))

    until("document.getElementById('server-1') !== null")


def test_who_has_too_many_pages_open_is_told_so_and_what_to_do(page, stage, visit, until):
    visit()
    server = stage.connection()
    server.send(snapshot())
    until("live.state === 'live'")
    stage.refusing = True

    server.close(4429)
    until("live.state === 'reconnecting'")
    page.clock.run_for(200)

    assert page.locator("#conn .words").text_content().startswith("Too many pages, next in")
    page.clock.run_for(800)
    stage.refusing = False
    stage.connection().send(snapshot())
    until("live.state === 'live'")
    assert page.locator("#conn").text_content() == "Live"


def test_the_banner_says_that_too_many_pages_are_open(page, stage, visit, until):
    visit()
    for delay_s in (1, 2, 4):
        stage.connection().close(4429)
        until("live.state === 'reconnecting' && live.link.nextAt !== null")
        page.clock.run_for(delay_s * 1000 + 100)
    until("!document.getElementById('conn-banner').hidden")

    said = page.locator("#conn-banner").text_content()
    assert "close some, and this one goes on" in said

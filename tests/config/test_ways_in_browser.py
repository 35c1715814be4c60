"""A wall behind a proxy that lets less and less through, and then everything again."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.config.test_in_browser import PASSWORD
from tests.nginx import Nginx
from tests.processes import Site, free_port, simulator, submit
from tests.processes import until as comes
from tests.telemetry.certificates import make

pytest_plugins = ("tests.browser", "tests.processes")


@pytest.fixture
def comfyui(started):
    """Return the port of a simulated server that runs what it is sent."""
    port = free_port()
    simulator(started, port)
    return port


@pytest.fixture
def before_a_site(started, comfyui, tmp_path):
    """Return what starts a site that watches the simulated server, and gives an nginx before it."""
    with ExitStack() as stack:

        def start(place=None, **env):
            url = f"http://127.0.0.1:{comfyui}"
            site = started(Site, "--comfyui", url, SCENEWATCH_ADMIN_PASSWORD=PASSWORD, **env).up()
            nginx = Nginx(tmp_path, site.port, **place or {})
            stack.callback(nginx.stop)
            return nginx

        yield start


@pytest.fixture
def proxy(before_a_site):
    """Return an nginx before a site that watches the simulated server."""
    return before_a_site()


def sign_in(page, proxy):
    page.goto(f"http://127.0.0.1:{proxy.port}/")
    fill_in(page)


def fill_in(page):
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sees_a_run(page, comfyui, number):
    """Have a run worked off, and wait until the wall has shown the end of so many in all."""
    submit(comfyui, steps=2 + number, delay=0.02)
    shows_ends(page, number)


def shows_ends(page, count):
    lines = page.locator("#feed > li", has_text="completed in")
    expect(lines).to_have_count(count, timeout=20_000)


def let_pass(page, step_ms, condition):
    """Let the page's clock go on in steps until a condition holds there; five minutes at most.

    What the page asks of the network takes true time, so each step leaves it some.
    """
    for _ in range(300_000 // step_ms):
        for _ in range(10):
            if page.evaluate(condition):
                return
            page.wait_for_timeout(50)
        page.clock.run_for(step_ms)
    raise AssertionError(f"not within five minutes of the page's clock: {condition}")


def test_it_takes_what_the_proxy_lets_through_and_comes_back_live(
    page, proxy, comfyui, until, complaints
):
    page.clock.install()
    proxy.start("/live/socket/")
    sign_in(page, proxy)

    streams = "globalThis.live?.transport === 'stream' && live.state === 'live'"
    until(streams)
    sees_a_run(page, comfyui, 1)
    assert set(proxy.answers("/live/socket/")) == {403}
    page.evaluate("live.disconnect()")  # nginx notes a stream when it ends
    comes(lambda: proxy.answers("/live/events/"), "the stream in nginx's log")
    assert set(proxy.answers("/live/events/")) == {200}
    page.evaluate("live.connect()")
    until(streams)

    page.evaluate("window.sameDocument = true")
    proxy.start("/live/socket/", "/live/events/")
    let_pass(page, 2_000, "live.state === 'polling'")
    assert page.locator("#conn .words").text_content() == "Polling"
    submit(comfyui, steps=4, delay=0.02)
    for _ in range(3):
        page.clock.run_for(30_000)
        page.wait_for_timeout(700)
    shows_ends(page, 2)
    assert {200} <= set(proxy.answers("/live/snapshot/")) <= {200, 304}

    proxy.start()
    let_pass(page, 5_000, "live.transport === 'socket'")
    until("live.state === 'live'")
    sees_a_run(page, comfyui, 3)
    assert page.evaluate("sameDocument")
    page.evaluate("live.disconnect()")
    comes(lambda: 101 in proxy.answers("/live/socket/"), "the end of the socket in nginx's log")
    page.goto("about:blank")
    complaints.clear()  # the browser reports each refusal itself


@pytest.mark.parametrize("cut", [True, False])
def test_it_is_live_below_a_path(before_a_site, page, comfyui, cut):
    below = {"path": "/films/render/", "cut": cut}
    nginx = before_a_site(below, SCENEWATCH_BASE_PATH="/films/render")
    nginx.start()

    page.goto(f"http://127.0.0.1:{nginx.port}/films/render/")
    fill_in(page)

    expect(page.locator("#conn")).to_have_attribute("data-state", "live")
    assert page.evaluate("live.transport") == "socket"
    submit(comfyui, steps=3, delay=0.02)
    expect(page.locator("#feed")).to_contain_text("completed in", timeout=20_000)
    page.locator("#server-1-name a").click()
    expect(page.locator("#record")).to_contain_text("Completed")
    expect(page.locator("#conn")).to_have_attribute("data-state", "live")
    assert "/films/render/teams/" in page.url
    page.goto("about:blank")


def test_it_is_live_behind_https(before_a_site, tmp_path, browser):
    certificate = make("127.0.0.1")
    path = tmp_path / "site.pem"
    path.write_text(certificate.pem + certificate.key_pem)
    nginx = before_a_site({"certificate": path}, SCENEWATCH_HTTPS="1")
    nginx.start()
    context = browser.new_context(ignore_https_errors=True)
    page, sockets = context.new_page(), []
    page.on("websocket", lambda socket: sockets.append(socket.url))

    page.goto(f"https://127.0.0.1:{nginx.port}/")
    fill_in(page)

    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=10_000)
    assert page.evaluate("live.transport") == "socket"
    assert [url.startswith("wss://127.0.0.1:") for url in sockets] == [True]
    context.close()


def test_offline_for_a_minute_it_is_right_within_two_seconds(
    page, proxy, comfyui, until, complaints
):
    proxy.start()
    sign_in(page, proxy)
    until("globalThis.live?.state === 'live'")
    page.clock.install()
    page.context.set_offline(True)
    proxy.stop()
    submit(comfyui, steps=3, delay=0.02)
    for _ in range(6):
        page.clock.run_for(10_000)
        page.wait_for_timeout(200)
    assert page.evaluate("live.state") != "live"

    proxy.start()
    page.context.set_offline(False)

    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=2_000)
    expect(page.locator("article.server")).to_contain_text("Completed", timeout=500)
    page.goto("about:blank")
    complaints.clear()

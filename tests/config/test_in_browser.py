"""The whole way, in a real browser: sign in, watch a simulated run begin, progress and end."""

import json
import re
import signal

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.processes import Site, free_port, simulator, submit
from tests.processes import until as comes

PASSWORD = "correct horse battery"


@pytest.fixture
def comfyui(started):
    """Return the port of a simulated server that runs what it is sent."""
    port = free_port()
    simulator(started, port)
    return port


@pytest.fixture
def site(started, comfyui):
    """Return a site that watches the simulated server."""
    return serve(started, comfyui)


def serve(started, comfyui, port=None):
    url = f"http://127.0.0.1:{comfyui}"
    password = {"SCENEWATCH_ADMIN_PASSWORD": PASSWORD}
    return started(Site, "--comfyui", url, port=port, **password).up()


def sign_in(page, site):
    page.goto(f"http://127.0.0.1:{site.port}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#conn")).to_have_attribute("data-state", "live")


def test_it_shows_a_run_from_its_first_step_to_its_end(page, site, comfyui):
    sign_in(page, site)
    card = page.locator("article.server")
    expect(card).to_have_attribute("data-state", "idle")

    submit(comfyui, steps=30, delay=0.1)

    expect(card).to_have_attribute("data-state", "executing")
    expect(card).to_contain_text("step 1")
    expect(card).to_contain_text("step 2")
    expect(card).to_contain_text("Completed")
    expect(card).to_have_attribute("data-state", "idle")
    expect(page.locator("#feed")).to_contain_text("completed in")
    # The page fixture fails the test for any error on the console, CSP violations included.


def test_it_has_no_barrier_that_axe_knows_of_while_a_run_goes_on(page, site, comfyui):
    sign_in(page, site)
    submit(comfyui, steps=300, delay=0.1)
    submit(comfyui, steps=301, delay=0.1)
    expect(page.locator("article.server")).to_contain_text("Up next")

    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        report = Axe().run(page)
        assert report.violations_count == 0, report.generate_report()


def test_the_stream_goes_on_from_where_the_page_was_served(page, site, comfyui):
    sign_in(page, site)  # the site keeps what was said while anybody follows it
    other, said = page.context.new_page(), []
    other.on("websocket", lambda ws: said.append(ws.url))
    other.on("websocket", lambda ws: ws.on("framereceived", lambda text: said.append(text)))
    submit(comfyui, steps=3)
    expect(page.locator("#feed")).to_contain_text("completed in")

    other.goto(page.url)
    expect(other.locator("#conn")).to_have_attribute("data-state", "live")

    assert re.search(r"topic=team-1%40\w+\.\d+$", said[0])
    assert [json.loads(text)["type"] for text in said[1:3]] == ["hello", "resumed"]
    other.close()


def test_it_shows_the_same_without_any_websocket(page, site, comfyui):
    page.add_init_script("delete globalThis.WebSocket")
    sign_in(page, site)
    assert page.evaluate("[typeof WebSocket, live.transport]") == ["undefined", "stream"]

    submit(comfyui, steps=5)

    expect(page.locator("article.server")).to_contain_text("Completed")


CYCLES = """async () => {
  const told = (name) => new Promise((done, fail) => {
    live.addEventListener(name, done, {once: true});
    setTimeout(() => fail(new Error(`no ${name} within 10 s: ${live.error}`)), 10_000);
  });
  for (let cycle = 0; cycle < 200; cycle += 1) {
    let next = told("disconnect");
    live.disconnect();
    await next;
    next = told("connect");
    live.connect();
    await next;
  }
  live.disconnect();
}"""


def open_connections(site):
    """Return how many connections of browsers the site's process has open."""
    found = psutil.Process(site.popen.pid).net_connections("tcp")
    return [c for c in found if c.laddr.port == site.port and c.status == psutil.CONN_ESTABLISHED]


def test_two_hundred_connections_leave_none_at_the_site(browser, site):
    # The worker of the offline page has connections of its own, for pages that are not these.
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    sign_in(page, site)

    page.evaluate(CYCLES)

    # What a browser keeps open for further requests, and nothing else.
    comes(lambda: len(open_connections(site)) <= 6, "the end of the sockets")
    context.close()
    comes(lambda: open_connections(site) == [], "the end of all connections")


def test_it_comes_back_live_by_itself_after_the_site_was_killed(
    page, complaints, started, site, comfyui
):
    sign_in(page, site)
    site.signal(signal.SIGKILL)
    site.ends()
    expect(page.locator("#conn")).not_to_have_attribute("data-state", "live")

    serve(started, comfyui, port=site.port)

    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=30_000)
    submit(comfyui, steps=5)
    # Who was killed gave no lease back: it runs out first.
    expect(page.locator("article.server")).to_contain_text("Completed", timeout=30_000)
    complaints.clear()  # the browser itself reports each refused connection on the console


def test_it_says_when_the_viewer_may_no_longer_listen(page, started, comfyui):
    site = started(
        Site,
        "--comfyui",
        f"http://127.0.0.1:{comfyui}",
        SCENEWATCH_ADMIN_PASSWORD=PASSWORD,
        SCENEWATCH_ACCESS_RECHECK_S="0.2",
    ).up()
    sign_in(page, site)

    second = page.context.new_page()
    second.goto(f"http://127.0.0.1:{site.port}/")
    second.locator("details.menu summary").last.click()
    second.get_by_role("button", name="Sign out").click()

    expect(page.locator("#conn")).to_have_attribute("data-state", "refused")

"""The offline page in a real browser: the site goes, is said to be gone, and comes back.

Every other browser test blocks service workers; here they run.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from config import offline
from tests.api import signed_in
from tests.cast import Cast, make_cast
from tests.config.test_in_browser import PASSWORD, sign_in
from tests.nginx import Nginx
from tests.processes import Site, free_port, simulator, starting

GONE = "Scenewatch cannot be reached"
KEPT = """caches.keys().then(names => Promise.all(names.map(async name => {
    const cache = await caches.open(name);
    const requests = await cache.keys();
    return Promise.all(requests.map(async request =>
        [name, request.url, await (await cache.match(request)).text()]));
}))).then(all => all.flat())"""
READY = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page of a browser that keeps what it is told to keep."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, service_workers="allow")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


class House:
    """A site that watches a simulated server; it can go, and come back on its port and its data."""

    def __init__(self, start: Callable[..., Any]) -> None:
        self._start = start
        self._simulated = free_port()
        simulator(start, self._simulated)
        self.port = free_port()
        self._site = self._up("--comfyui", f"http://127.0.0.1:{self._simulated}")

    def _up(self, *args: str) -> Any:
        return self._start(Site, *args, port=self.port, SCENEWATCH_ADMIN_PASSWORD=PASSWORD).up()

    def goes(self) -> None:
        """Kill the site."""
        self._site.signal(signal.SIGKILL)
        self._site.ends()

    def returns(self) -> None:
        """Start the site anew."""
        self._site = self._up()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return a site, up at the beginning of each test."""
    with starting(tmp_path_factory.mktemp("house")) as start:
        yield House(start)


def controlled(page: Page) -> None:
    """Wait until the worker looks after the page."""
    for _ in range(200):
        if page.evaluate(READY):
            return
        page.wait_for_timeout(20)
    raise AssertionError("the service worker never took over")


def visit(page: Page, url: str) -> None:
    """Open an address that may not answer."""
    with contextlib.suppress(Exception):
        page.goto(url)


def test_a_visit_tells_that_the_site_is_gone_and_opens_by_itself_when_it_is_back(
    page: Page, site: House
) -> None:
    sign_in(page, site)
    controlled(page)
    page.evaluate("window.sameDocument = true")
    me = f"http://127.0.0.1:{site.port}/settings/me/"
    other, form = page.context.new_page(), page.context.new_page()
    form.goto(f"{page.url.removesuffix('live/')}settings/servers/add/")
    form.get_by_label("Name", exact=True).fill("kino-02")
    site.goes()

    visit(other, me)
    expect(other.get_by_role("heading", name=GONE)).to_be_visible()
    for scheme in ("dark", "light"):
        other.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        report = Axe().run(other)
        assert report.violations_count == 0, report.generate_report()
    other.get_by_role("button", name="Try again").click()
    expect(other.get_by_role("status")).to_have_text("It does not answer yet.")
    # A form that cannot be sent is the browser's own affair: it can send it again.
    form.get_by_role("button", name="Add server").click()
    form.wait_for_url("chrome-error://**")
    site.returns()

    expect(other.get_by_role("heading", name="Live pages")).to_be_visible(timeout=30_000)
    assert other.url == me
    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=40_000)
    assert page.evaluate("sameDocument"), "the open wall was replaced"


def test_a_screen_comes_back_and_a_proxy_in_front_of_a_dead_site_is_seen_through(
    page: Page, site: House, tmp_path: Path
) -> None:
    nginx = Nginx(tmp_path, site.port)
    nginx.start()
    proxied = f"http://127.0.0.1:{nginx.port}"
    page.goto(f"{proxied}/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{page.url.removesuffix('live/')}settings/tv/")
    page.get_by_label("Name", exact=False).first.fill("Studio 2")
    page.get_by_role("button", name="Make link").click()
    link = page.locator("code.address").inner_text()
    page.get_by_label("Account: admin").click()
    page.get_by_role("button", name="Sign out").click()
    controlled(page)
    site.goes()

    page.goto(link)
    expect(page.get_by_role("heading", name=GONE)).to_be_visible()
    signed_out = page.context.new_page()
    signed_out.goto(f"{proxied}/")
    expect(signed_out.get_by_role("heading", name=GONE)).to_be_visible()
    site.returns()

    expect(page.locator("#conn")).to_have_attribute("data-state", "live", timeout=40_000)
    assert page.url == link
    expect(signed_out.get_by_role("heading", name="Sign in")).to_be_visible(timeout=30_000)
    nginx.stop()


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def enter(page: Page, server: Any, user: User, path: str) -> None:
    """Open an address of the site as somebody who is signed in."""
    morsel = signed_in(user).cookies[settings.SESSION_COOKIE_NAME]
    cookie = {"name": morsel.key, "value": morsel.value, "url": server.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(server.url + path)


@pytest.mark.django_db(transaction=True)
def test_a_browser_keeps_the_offline_page_and_nothing_of_anybody(
    page: Page, cast: Cast, live_server: Any
) -> None:
    through: set[str] = set()
    page.on("response", lambda r: r.from_service_worker and through.add(r.url))
    enter(page, live_server, cast.bob, "/teams/northlight/live/")
    controlled(page)

    for path in ("/teams/northlight/live/", "/settings/me/", "/teams/northlight/settings/tokens/"):
        page.goto(live_server.url + path)
    enter(page, live_server, cast.mallory, "/teams/southdark/live/")

    kept = page.evaluate(KEPT)
    wanted = ["/offline/", *(f"/static/{name}?offline" for name in offline.FILES)]
    assert sorted(url for _, url, _ in kept) == sorted(live_server.url + path for path in wanted)
    told = "".join(text for _, url, text in kept if "/static/" not in url)
    assert GONE in told
    assert not [word for word in ("bob", "mallory", "Northlight", "csrf") if word in told]
    # Everything but the visits themselves goes past the worker.
    assert {url.removeprefix(live_server.url) for url in through} == {
        "/teams/northlight/live/",
        "/settings/me/",
        "/teams/northlight/settings/tokens/",
        "/teams/southdark/live/",
    }


@pytest.mark.django_db(transaction=True)
def test_an_upgrade_leaves_nothing_of_the_old_page(
    page: Page, live_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(f"{live_server.url}/login/")
    controlled(page)
    [old] = page.evaluate("caches.keys()")

    monkeypatch.setattr(offline, "page", lambda: "<title>newer</title>")
    offline.version.cache_clear()
    page.goto(f"{live_server.url}/login/")

    try:
        for _ in range(200):
            names = page.evaluate("caches.keys()")
            if names != [old] and len(names) == 1:
                break
            page.wait_for_timeout(20)
        assert names == [f"scenewatch-offline-{offline.version()}"] != [old]
        texts = {url: text for _, url, text in page.evaluate(KEPT)}
        assert texts[f"{live_server.url}/offline/"] == "<title>newer</title>"
    finally:
        offline.version.cache_clear()


def test_a_page_over_plain_http_registers_nothing(page: Page, complaints: list[str]) -> None:
    """Another machine's name without https: the browser would refuse, so nothing is asked."""
    asked: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    html = offline.render_to_string("403.html")
    js = (settings.BASE_DIR / "static/js/register.js").read_text()
    answers = {"/": ("text/html", html), "/static/js/register.js": ("text/javascript", js)}

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix("http://render.example")
        asked.append(path)
        kind, body = answers.get(path, ("text/plain", ""))
        route.fulfill(content_type=kind, body=body)

    page.route("http://render.example/**", answer)

    page.goto("http://render.example/")

    assert "/static/js/register.js" in asked
    assert page.evaluate("isSecureContext") is False
    assert "/service-worker.js" not in asked
    assert complaints == []


@pytest.mark.django_db
def test_the_worker_is_told_from_the_root_for_the_whole_site_and_changes_with_what_it_keeps(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = client.get("/service-worker.js")
    assert told.headers["Service-Worker-Allowed"] == "/"
    assert told.headers["Content-Type"].startswith("text/javascript")
    assert "default-src 'none'" in told.headers["Content-Security-Policy"]
    etag = {"If-None-Match": told.headers["ETag"]}
    assert client.get("/service-worker.js", headers=etag).status_code == 304

    monkeypatch.setattr(offline, "_source", lambda name: b"other")
    offline.version.cache_clear()

    newer = client.get("/service-worker.js", headers=etag)
    offline.version.cache_clear()
    assert newer.status_code == 200

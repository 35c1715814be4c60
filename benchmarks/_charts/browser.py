"""A browser that looks at pages, and what it took until they were painted."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.stack import HOST

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
# So low that the charts of a run's page are far below it.
SIZE: ViewportSize = {"width": 1440, "height": 700}
PATIENCE_MS = 20_000
# What was asked for before the frame is in it; what comes after it was painted.
PAINTED = """() => new Promise((tell) =>
  requestAnimationFrame(() => setTimeout(() => tell(performance.now()))))"""
CHARTS = """async (patience) => {
  const cards = [...document.querySelectorAll("#record .grid [data-chart]")];
  const began = performance.now();
  const drawn = () => performance.getEntriesByName("chart-drawn");
  if (drawn().length) throw new Error("drawn before it was looked at");
  cards[0].scrollIntoView({ block: "center" });
  while (drawn().length < cards.length) {
    if (performance.now() - began > patience) throw new Error("not drawn in time");
    await new Promise((go) => setTimeout(go, 5));
  }
  return Object.fromEntries(drawn().map((mark) => [mark.detail, mark.startTime - began]));
}"""


def find_chromium() -> str | None:
    """Return where a browser is, by CHROMIUM or one of its usual names."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM"), *NAMES) if name)
    return next((path for path in found if path), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a window."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("No Chromium was found: install it, or name it in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def looking(browser: Browser, port: int, cookie: str) -> Iterator[Page]:
    """Open a page as somebody who is signed in, with nothing kept from before."""
    context = browser.new_context(viewport=SIZE, service_workers="block")
    context.add_cookies([{"name": "sessionid", "value": cookie, "domain": HOST, "path": "/"}])
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def painted_ms(page: Page, address: str) -> float:
    """Return how long it takes from the navigation until the page is painted."""
    page.goto(address)
    return float(page.evaluate(PAINTED))


def charts_ms(page: Page, address: str) -> dict[str, float]:
    """Return how long each chart of a page takes from scrolling there until it is painted."""
    page.goto(address)
    told: dict[str, float] = page.evaluate(CHARTS, PATIENCE_MS)
    return told

"""static/js/times.js and clock.js: the zone that times are told in, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

if TYPE_CHECKING:  # pytest imports it, as a plugin
    from tests.browser import Stage

PAGE = """<!doctype html><html lang="en"{zone}><head><meta charset="utf-8"><title>Times</title>
<link rel="icon" href="data:,"><script type="module" src="/static/js/times.js"></script></head>
<body><main>
<time id="today" data-clock="2025-11-20T20:30:00+00:00" data-seconds>20:30:00</time>
<time id="week" data-clock="2025-11-18T01:30:00+00:00">01:30</time>
<time id="day" data-clock="2025-09-03T22:30:00+00:00" data-day>3 Sep</time>
</main>
<footer data-now="2025-11-20T14:32:00+00:00"><b data-told-zone>UTC</b>
<span data-told-offset>UTC+00:00</span></footer></body></html>"""


@pytest.fixture
def visit(page: Page, stage: Stage, until: Callable[[str], None]) -> Callable[[str], str]:
    """Return what opens a page of a zone, and returns all that it says."""

    def open_page(zone: str) -> str:
        stage.pages["times"] = PAGE.format(zone=f' data-time-zone="{zone}"' if zone else "")
        page.goto(f"{stage.url}/times")
        until("document.querySelector('#today').title !== ''")
        return " ".join(page.locator("body").inner_text().replace("\u00a0", " ").split())

    return open_page


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("", "20:30:00 Tue 01:30 3 Sep UTC UTC+00:00"),
        ("Europe/Berlin", "21:30:00 Tue 02:30 4 Sep Europe/Berlin UTC+01:00"),
        ("America/New_York", "15:30:00 Mon 20:30 3 Sep America/New_York UTC-05:00"),
        ("Asia/Tokyo", "Fri 05:30:00 Tue 10:30 4 Sep Asia/Tokyo UTC+09:00"),
        ("Asia/Kathmandu", "Fri 02:15:00 Tue 07:15 4 Sep Asia/Kathmandu UTC+05:45"),
        ("Europe/Atlantis", "20:30:00 Tue 01:30 3 Sep UTC UTC+00:00"),
    ],
)
def test_it_tells_times_in_the_chosen_zone_and_names_it(
    zone: str, said: str, visit: Callable[[str], str]
) -> None:
    assert visit(zone) == said


def test_it_says_the_whole_time_in_the_title(page: Page, visit: Callable[[str], str]) -> None:
    visit("Asia/Tokyo")

    assert page.locator("#today").get_attribute("title") == "Fri 21 Nov 2025 05:30:00"

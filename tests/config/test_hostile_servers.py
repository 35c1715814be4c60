"""Ten servers, nine of them hostile, and a site that must not notice: a real one, in a process."""

import logging
import re
from statistics import median

import pytest

from tests.browser import find_chromium
from tests.config.attack import (
    DIRECT,
    HEALTHY,
    LIAR,
    MIB_LIMIT,
    PAGE_S,
    ROW_S,
    STOP_S,
    STORM,
    TEMPLATE_ATTRS,
    TEMPLATE_TAGS,
    attack,
)

log = logging.getLogger(__name__)

# What a server says that would be an element, or an address to go to.
MARKUP = re.compile(r"<script>|<img src=x|</title>|<svg/onload|<div id=\"wall\"|javascript:alert")


@pytest.fixture(scope="module")
def seen(request, tmp_path_factory):
    """Return what was measured of a site while nine hostile servers were at it."""
    browser = request.getfixturevalue("browser") if find_chromium() else None
    return attack(tmp_path_factory.mktemp("hostile"), browser)


@pytest.fixture
def wall(seen):
    """Return what the wall showed in a browser meanwhile."""
    if seen.wall is None:
        pytest.skip("no browser found (tests/browser.py)")
    return seen.wall


def test_each_prompt_of_the_healthy_server_is_recorded_as_it_ended(seen):
    assert len(seen.expected) >= 9
    assert seen.recorded == seen.expected


def test_its_rows_come_in_time(seen):
    log.warning("row after the end: %.2f s at worst", max(seen.row_lags_s))

    assert max(seen.row_lags_s) < ROW_S


def test_pages_answer_in_time(seen):
    log.warning("%d pages: %.2f s at worst", len(seen.page_times_s), max(seen.page_times_s))

    assert seen.page_errors == []
    assert len(seen.page_times_s) >= 9
    assert max(seen.page_times_s) < PAGE_S


def test_the_site_needs_no_more_memory_than_a_few_answers_at_the_limit(seen):
    log.warning("%.0f MiB before, %.0f MiB at most", seen.memory_mib[0], max(seen.memory_mib))

    assert max(seen.memory_mib) < MIB_LIMIT


def test_the_site_does_not_grow_steadily(seen):
    early, late = split(seen.memory_mib, 3 / 4)

    assert median(late) < 1.1 * max(early)


def split(values, share):
    place = int(len(values) * share)
    return values[:place], values[place:]


def test_nobody_calls_at_the_refused_address(seen):
    assert seen.strangers == 0


def test_the_wall_says_why_the_refused_address_is_not_called(wall):
    assert any("which is never connected to" in text for text in wall.texts(DIRECT))
    assert any("redirects elsewhere" in text for text in wall.texts("redirect"))


def test_the_wall_shows_what_a_liar_says_as_text(wall):
    assert MARKUP.search(" ".join(wall.texts(LIAR)))
    assert wall.all("tags") <= TEMPLATE_TAGS
    assert wall.all("attrs") <= TEMPLATE_ATTRS
    own = re.compile(r"#server-\d+|/servers/\d+/|/teams/[a-z/-]+")
    assert all(own.fullmatch(link) for link in wall.all("links"))


def test_nothing_that_a_liar_says_is_carried_out(wall):
    assert wall.complaints == []
    assert wall.all("spied") == set()
    assert {look["path"] for look in wall.looks} == {"/teams/my-team/live/"}


def test_the_other_cards_are_live(wall):
    healthy = [look["cards"][HEALTHY] for look in wall.looks]
    heard_s = [card["heard_s"] for card in healthy if card["state"] == "executing"]
    states = {look["cards"][HEALTHY]["state"] for look in wall.looks}

    log.warning("the healthy card was %.1f s old at worst", max(heard_s))
    assert {look["conn"] for look in wall.looks} == {"live"}
    assert "executing" in states
    assert states <= {"idle", "queued", "executing"}
    assert max(heard_s) < ROW_S + 5  # a card at work says it was heard of every 5 s
    assert max(card["heard_s"] for card in healthy) < ROW_S + 15
    assert all(wall.looks[-1]["cards"][name]["text"] for name in (STORM, LIAR))


def test_the_admin_shows_what_hostile_servers_left(seen):
    assert {path: status for path, status in seen.admin_statuses.items() if status != 200} == {}
    assert sum("change" in path for path in seen.admin_statuses) >= 9


def test_the_site_stops_cleanly(seen):
    log.warning("stopped within %.1f s", seen.stop_s)

    assert seen.exit_code == 0
    assert seen.stop_s < STOP_S
    assert "Traceback" not in seen.output
    assert "collector step stopped\n" in seen.output  # and not: (not in time)
    assert "ended by force" not in seen.output

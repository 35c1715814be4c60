"""The pages of a team that has just begun: no card is empty, and each says what will come."""

import json
import re

import pytest
from django.urls import reverse

from telemetry.words import Status
from tests.cast import make_cast, make_server
from tests.history.cards import cards_of
from tests.history.fresh import pages_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return make_cast()


@pytest.fixture
def server(cast):
    return make_server(cast.northlight, name="kino-01")


@pytest.fixture
def bob(cast, client):
    client.force_login(cast.bob)
    return client


def read(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def is_said(words):
    """Say whether there is a sentence: some words with an end, not only a dash or a link."""
    return len(words.split()) >= 4 and any(end in words for end in ".:?")


@pytest.mark.parametrize(
    ("count", "state"),
    [
        (0, Status.ENDED),
        (1, Status.QUEUED),
        (1, Status.RUNNING),
        (1, Status.ENDED),
        (4, Status.ENDED),
    ],
    ids=["no run", "one queued", "one executing", "one run", "four runs"],
)
def test_every_card_shows_something_or_says_in_a_sentence_why_not(
    server, bob, count, state
) -> None:
    runs = submit(server, count, state)
    charts = set()

    for address in pages_of(server, runs):
        for card in cards_of(read(bob, address)):
            charts.update(card.charts)
            told = card.shows or bool(card.charts) or is_said(card.words)
            assert told, f"{address}: nothing in {card.heading!r}: {card.words!r}"

    for address in charts:
        told = json.loads(read(bob, address))
        is_drawn = any(stop["y"] is not None for stop in told["stops"])
        assert is_drawn or "data-plot" not in told["figure"], address
        assert is_drawn or is_said(told["figure"]), address


def test_a_chart_of_one_run_says_what_it_will_show_and_of_what(server, bob) -> None:
    [run] = submit(server, 1)

    for name, words in {
        "duration": "The next runs of this work join it here.",
        "success": "there is no earlier run of this work; the next will stand beside it.",
        "memory": "Servers that are watched tell it",
    }.items():
        page = read(bob, reverse("run_chart_page", args=[server.team.slug, run.pk, name]))
        assert words in page, name


def test_a_failed_first_run_has_no_empty_card_either(server, bob) -> None:
    runs = submit(server, 1, outcome="failed")

    for address in pages_of(server, runs):
        for card in cards_of(read(bob, address)):
            told = card.shows or bool(card.charts) or is_said(card.words)
            assert told, f"{address}: nothing in {card.heading!r}"


def test_a_new_team_is_told_where_to_go_next(cast, bob) -> None:
    for name in ("runs", "runs_timeline", "compare", "failures"):
        page = read(bob, reverse(name, args=["northlight"]))
        [told] = re.findall(r'<div class="empty-state">.*?</div>', page, re.DOTALL)
        assert is_said(re.sub(r"<[^>]+>", " ", told)), name
        assert re.search(r'<a class="btn[^>]* href="/', told), name

"""Screens: links that are made and revoked by a team's admins, and what a screen is not told."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from telemetry.access import tv_allowed, tv_link_for
from telemetry.activity import Happening
from telemetry.board import rendered as board_of
from telemetry.live import feed_line, rendered
from telemetry.models import TvLink
from telemetry.tv import for_screen, make_link, text_for_screen
from telemetry.words import Tone
from tests.cast import Cast, make_cast, make_tv_link
from tests.telemetry.sample_cards import (
    NOW,
    ended,
    executing,
    leased,
    overview,
    run_row,
    running,
    waiting,
)

LINKS = "/teams/northlight/settings/tv/"
CANARY = 'qnameq "&<>'


@pytest.fixture
def cast() -> Cast:
    """Return the cast."""
    return make_cast()


def browser_of(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def test_nothing_that_is_rendered_names_a_submitter_to_a_screen() -> None:
    card = executing(
        running=[running(submitter=CANARY)],
        next=[waiting(1, submitter=CANARY)],
        ended=[ended(submitter=CANARY)],
    )
    rows = (run_row(submitter=CANARY), run_row(8, submitter=CANARY, where=""))
    line = Happening("started", Tone.RUN, "s-executing", "Scene 9 started", NOW, submitter=CANARY)
    told = (*board_of(overview(runs=rows)), feed_line(line, leased()))
    html = "".join([*rendered(card).values(), *(fragment.html for fragment in told)])

    assert html.count("qnameq") > 5
    assert "qnameq" not in for_screen(html, False)
    assert "Harbor at Dusk" in for_screen(html, False)


def test_text_of_a_server_cannot_hide_what_a_screen_shows() -> None:
    html = for_screen("<p>&lt;!--by--&gt; Scene 9 &lt;!--/by--&gt;</p>", False)

    assert "Scene 9" in html


def test_a_message_without_names_is_handed_on_as_it_is() -> None:
    text = '{"type":"change","patches":[["server-1-step","text","step 2/20"]]}'

    assert text_for_screen(text, False) is text


@pytest.mark.django_db
def test_the_token_is_told_once_and_not_kept(cast: Cast) -> None:
    link, token = make_link(cast.northlight, cast.alice, "studio", False, None)

    assert token not in str(TvLink.objects.values().get())
    assert tv_link_for(token) == link


@pytest.mark.django_db
def test_when_a_screen_was_seen_is_written_once_a_minute_at_most(cast: Cast) -> None:
    link = make_tv_link(cast.northlight, cast.alice)
    tv_allowed([link.pk])
    first = TvLink.objects.get().last_seen_at
    assert first is not None

    tv_allowed([link.pk])
    assert TvLink.objects.get().last_seen_at == first

    TvLink.objects.update(last_seen_at=first - timedelta(minutes=2))
    tv_allowed([link.pk])
    seen = TvLink.objects.get().last_seen_at
    assert seen is not None
    assert seen >= first


@pytest.mark.django_db
def test_it_asks_for_many_screens_at_once(cast: Cast, django_assert_num_queries: Any) -> None:
    links = [make_tv_link(cast.northlight, cast.alice) for _ in range(5)]

    with django_assert_num_queries(2):
        allowed = tv_allowed([link.pk for link in links])

    assert allowed == {link.pk: cast.northlight.pk for link in links}


@pytest.mark.django_db
def test_an_admin_makes_a_link_and_is_shown_its_address_this_once(cast: Cast) -> None:
    alice = browser_of(cast.alice)

    response = alice.post(LINKS, {"name": "studio 2", "days": "7"})

    link = TvLink.objects.get()
    assert (link.team, link.created_by, link.show_names) == (cast.northlight, cast.alice, False)
    assert link.expires_at is not None
    assert link.expires_at > timezone.now() + timedelta(days=6)
    address = response.context["address"]
    assert Client().get(address.removeprefix("http://testserver")).status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert b"/tv/" not in alice.get(LINKS).content.replace(b"settings/tv/", b"")


@pytest.mark.django_db
def test_a_link_without_a_name_is_not_made(cast: Cast) -> None:
    response = browser_of(cast.alice).post(LINKS, {"name": ""})

    assert not TvLink.objects.exists()
    assert b"No link was made." in response.content


@pytest.mark.django_db
def test_an_admin_revokes_a_link_of_the_team(cast: Cast) -> None:
    link = make_tv_link(cast.northlight, cast.alice)

    browser_of(cast.alice).post(f"{LINKS}{link.pk}/revoke/")

    assert not TvLink.objects.good(timezone.now()).exists()
    assert b"Revoked" in browser_of(cast.alice).get(LINKS).content


@pytest.mark.django_db
def test_nobody_revokes_a_link_of_another_team(cast: Cast) -> None:
    link = make_tv_link(cast.southdark, cast.mallory)

    response = browser_of(cast.alice).post(f"{LINKS}{link.pk}/revoke/")

    assert response.status_code == 404
    assert TvLink.objects.good(timezone.now()).exists()


def test_no_link_leads_from_a_screen_into_the_site() -> None:
    html = '<h3><!--to--><a href="/servers/3/"><!--/to-->kino-01<!--to--></a><!--/to--></h3>'

    assert for_screen(html, True) == "<h3>kino-01</h3>"

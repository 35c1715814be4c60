"""Settings > me: the time zone that pages tell times in, the theme, the live options."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from telemetry.models import Preferences
from tests.cast import make_cast, make_preferences, make_user

pytestmark = pytest.mark.django_db

ME, LIVE = "/settings/me/", "/teams/northlight/live/"


def signed_in(user: User) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def filled(**fields: Any) -> dict[str, Any]:
    """Return the form as a browser sends it."""
    usual = {"time_zone": "Europe/Berlin", "theme": "dark", "live_enabled": "on"}
    return {**usual, "live_buffer_ms": "500", "live_reconnect_attempts": "3", **fields}


def html(user: User, path: str = ME) -> str:
    return signed_in(user).get(path).content.decode()


def test_it_shows_the_usual_to_who_has_saved_nothing() -> None:
    response = signed_in(make_user("newcomer")).get(ME)

    assert response.context["form"].initial["live_buffer_ms"] == 200
    assert not Preferences.objects.exists()


def test_it_saves_what_was_chosen() -> None:
    user = make_user("dana")

    response = signed_in(user).post(ME, filled())

    assert response.headers["Location"] == ME
    saved = Preferences.objects.get(user=user)
    assert (saved.time_zone, saved.theme, saved.live_buffer_ms) == ("Europe/Berlin", "dark", 500)
    assert (saved.live_enabled, saved.live_reconnect_attempts) == (True, 3)


def test_it_saves_a_second_time_into_the_same_row() -> None:
    client = signed_in(make_user("dana"))

    client.post(ME, filled())
    client.post(ME, filled(time_zone=""))

    assert Preferences.objects.get().time_zone == ""


def test_it_changes_nobody_elses() -> None:
    other = make_preferences(make_user("other"), time_zone="Asia/Tokyo")

    signed_in(make_user("dana")).post(ME, filled())

    other.refresh_from_db()
    assert other.time_zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("time_zone", "Mars/Olympus", "no time zone that this system knows"),
        ("time_zone", "../../etc/passwd", "no time zone that this system knows"),
        ("theme", "pink", "not one of the available choices"),
        ("live_buffer_ms", "49", "greater than or equal to 50"),
        ("live_buffer_ms", "1001", "less than or equal to 1000"),
        ("live_reconnect_attempts", "0", "greater than or equal to 1"),
    ],
)
def test_it_says_what_is_wrong_and_saves_nothing(field: str, value: str, words: str) -> None:
    response = signed_in(make_user("dana")).post(ME, filled(**{field: value}))

    assert response.status_code == 200
    assert words in str(response.context["form"].errors[field])
    assert not Preferences.objects.exists()


def test_the_footer_of_every_page_names_the_zone() -> None:
    cast = make_cast()
    make_preferences(cast.bob, time_zone="Asia/Kolkata")

    for path in (ME, LIVE, "/password/"):
        assert "<b data-told-zone>Asia/Kolkata</b>" in html(cast.bob, path)
        assert "UTC+05:30" in html(cast.bob, path)


def test_the_footer_names_utc_until_the_browser_says_more() -> None:
    assert "<b data-told-zone>UTC</b>" in html(make_user("dana"))


def test_a_zone_that_is_no_longer_known_is_that_of_the_browser() -> None:
    user = make_user("dana")
    make_preferences(user, time_zone="Europe/Atlantis")

    page = html(user)

    assert "<b data-told-zone>UTC</b>" in page
    assert "data-time-zone" not in page


def test_the_zone_of_one_person_does_not_stay_for_the_next() -> None:
    dana, other = make_user("dana"), make_user("other")
    make_preferences(dana, time_zone="Asia/Tokyo")

    html(dana)

    assert "UTC+00:00" in html(other)


def test_a_page_has_the_theme_before_any_script_runs() -> None:
    user = make_user("dana")
    make_preferences(user, theme="light")

    assert 'data-account-theme="light" data-theme="light"' in html(user)


def test_the_system_s_theme_is_none_of_ours() -> None:
    assert 'data-theme="' not in html(make_user("dana")).partition("<head>")[0]


def test_a_live_page_carries_the_live_options() -> None:
    cast = make_cast()
    make_preferences(cast.bob, live_enabled=False, live_buffer_ms=1000, live_debug=True)

    response = signed_in(cast.bob).get(LIVE)

    found = json.loads(response.context["preferences"].live_options)
    own = {"enabled": False, "buffer_ms": 1000, "reconnect_attempts": 5, "debug": True}
    assert found == {**own, "reconnect_delay_ms": 1000, "poll_ms": 30_000}
    assert "data-live-options=" in response.content.decode()


def test_the_account_menu_saves_the_theme_and_leads_back() -> None:
    user = make_user("dana")
    client = signed_in(user)

    response = client.post(
        "/settings/me/theme/", {"theme": "dark"}, headers={"referer": "http://testserver/password/"}
    )

    assert response.headers["Location"] == "http://testserver/password/"
    assert Preferences.objects.get(user=user).theme == "dark"


def test_the_theme_leads_to_no_other_site() -> None:
    response = signed_in(make_user("dana")).post(
        "/settings/me/theme/", {"theme": "dark"}, headers={"referer": "http://evil.example/"}
    )

    assert response.headers["Location"] == "/"


def test_an_unknown_theme_is_told_and_not_saved() -> None:
    signed_in(make_user("dana")).post("/settings/me/theme/", {"theme": "pink"})

    assert not Preferences.objects.exists()

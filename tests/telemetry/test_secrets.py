"""Secrets at rest, and what is sent of them."""

import pytest

from telemetry.secrets import SecretLost, authorization, decrypt, encrypt, state_of


def test_it_stores_nothing_that_can_be_read():
    assert "s3cret" not in encrypt("s3cret")
    assert decrypt(encrypt("s3cret")) == "s3cret"


def test_it_sends_a_bearer_token():
    assert authorization(encrypt("s3cret")) == "Bearer s3cret"


def test_it_sends_a_user_and_a_password_in_utf_8():
    pair = encrypt("Aladdin:open sesame")

    assert authorization("", pair) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert authorization("", encrypt("zoë:a:b")) == "Basic em/DqzphOmI="


def test_it_sends_nothing_where_nothing_is_stored():
    assert authorization("", "") == ""


@pytest.mark.parametrize(
    ("place", "kind"), [(0, "bearer token"), (1, "user and password")], ids=["bearer", "basic"]
)
def test_it_says_which_secret_is_to_be_entered_again(settings, place, kind):
    stored = ["", ""]
    stored[place] = encrypt("a:b")
    settings.SECRET_KEY = "another key"

    with pytest.raises(SecretLost, match=f"its {kind} cannot be read any more.*enter it again"):
        authorization(*stored)


def test_it_tells_of_a_secret_only_whether_it_is_there_and_can_be_read(settings):
    stored = encrypt("s3cret")
    assert (state_of(""), state_of(stored)) == ("not set", "set")

    settings.SECRET_KEY = "another key"

    assert state_of(stored).endswith("enter it again")
    assert state_of("damaged").endswith("enter it again")

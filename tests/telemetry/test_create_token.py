"""`manage.py create_token`: a token without the page."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from telemetry.models import ApiToken, Scope
from telemetry.tokens import token_of
from tests.cast import make_cast

pytestmark = pytest.mark.django_db

BOB = {"team": "northlight", "user": "bob"}


def test_it_prints_the_token_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    make_cast()

    call_command("create_token", **BOB)

    found = token_of(capsys.readouterr().out.removesuffix("\n"))
    assert found is not None
    assert found.membership.user.get_username() == "bob"


def test_it_makes_one_that_reads_for_ninety_days(capsys: pytest.CaptureFixture[str]) -> None:
    make_cast()

    call_command("create_token", **BOB)

    token = ApiToken.objects.get()
    assert token.scope == Scope.READ
    assert token.expires_at - timezone.now() > timedelta(days=89, hours=23)


def test_it_tells_beside_it_whose_it_is_and_until_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_cast()

    call_command("create_token", **BOB, days=0)

    told = capsys.readouterr().err
    assert "bob in Northlight: Viewer, scope read, without end" in told


def test_it_makes_one_of_another_scope(capsys: pytest.CaptureFixture[str]) -> None:
    make_cast()

    call_command("create_token", team="northlight", user="olga", scope="ingest", name="farm")

    assert str(ApiToken.objects.values_list("scope", "name").get()) == "('ingest', 'farm')"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"team": "northpole"}, "There is no team 'northpole'. Teams: northlight, southdark."),
        ({"user": "mallory"}, "'mallory' is no active member of Northlight."),
        ({"scope": "write"}, "needs the role operator; bob is viewer in Northlight."),
        ({"days": -1}, "--days: write 0 to 3650"),
    ],
)
def test_it_says_what_is_wrong(wrong: dict[str, str], says: str) -> None:
    make_cast()

    with pytest.raises(CommandError) as error:
        call_command("create_token", **{**BOB, **wrong})

    assert says in str(error.value)
    assert not ApiToken.objects.exists()

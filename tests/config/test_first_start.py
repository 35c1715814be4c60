"""`manage.py first_start`: the first start of the team mode."""

from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import Settings

from config import preflight
from telemetry.models import Membership, Role, Server, Team
from tests.processes import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def team_mode(settings: Settings, tmp_path: Path) -> Settings:
    """Take the database of the suite for that of a team installation."""
    settings.EMBEDDED = False
    settings.DATA_DIR = tmp_path / "data"
    settings.ADMIN_PASSWORD = ""
    return settings


def _first_start(*args: str) -> str:
    out = StringIO()
    call_command("first_start", *args, stdout=out)
    return out.getvalue()


def test_it_makes_a_team_and_a_site_admin_who_signs_in_by_the_link(client: Client) -> None:
    said = _first_start("--url", "https://scenewatch.example.org/")

    link = next(line.strip() for line in said.splitlines() if "/sign-in/" in line)
    assert link.startswith("https://scenewatch.example.org/sign-in/")
    client.post(link.removeprefix("https://scenewatch.example.org"))
    assert client.get("/", follow=True).context["user"].is_superuser
    (member,) = Membership.objects.all()
    assert (member.team.name, member.role) == ("My team", Role.ADMIN)


def test_it_gives_a_new_link_and_nothing_else_when_it_is_repeated() -> None:
    first = _first_start()

    second = _first_start()

    assert "/sign-in/" in second
    assert second != first
    assert (User.objects.count(), Team.objects.count()) == (1, 1)


def test_it_gives_no_link_to_a_site_that_has_its_admin(client: Client) -> None:
    _first_start()
    client.force_login(User.objects.get())

    assert _first_start() == "There is a site admin who has signed in already.\n"


def test_it_takes_the_password_from_the_environment(team_mode: Settings, client: Client) -> None:
    team_mode.ADMIN_PASSWORD = "correct horse battery"

    said = _first_start()

    assert "with the password from SCENEWATCH_ADMIN_PASSWORD" in said
    assert User.objects.get().check_password("correct horse battery")


def test_it_adds_the_servers_that_are_named_and_says_whether_they_answer() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    said = _first_start("--comfyui", url)

    assert f"  {url} does not answer: connection refused." in said
    assert [server.url for server in Server.objects.watched()] == [url]


def test_it_says_that_an_address_is_none() -> None:
    with pytest.raises(CommandError, match="is not a ComfyUI address"):
        _first_start("--comfyui", "ftp://gpu-3")


@pytest.mark.parametrize(
    ("origins", "hosts", "https", "address"),
    [
        (["https://a.example"], ["b.example"], True, "https://a.example"),
        (["https://*.example"], [".example", "b.example"], True, "https://b.example"),
        ([], ["b.example"], False, "http://b.example:8000"),
        ([], ["*"], False, "http://localhost:8000"),
    ],
)
def test_it_guesses_the_address_from_the_settings(
    team_mode: Settings, origins: list[str], hosts: list[str], https: bool, address: str
) -> None:
    team_mode.CSRF_TRUSTED_ORIGINS, team_mode.ALLOWED_HOSTS = origins, hosts
    team_mode.HTTPS = https

    assert f"  {address}/sign-in/" in _first_start()


def test_it_makes_the_data_folder_in_which_beat_keeps_its_schedule(team_mode: Settings) -> None:
    _first_start()

    assert Path(team_mode.DATA_DIR).is_dir()


# --- What it refuses ----------------------------------------------------------------------------


def test_it_refuses_the_one_process_mode(team_mode: Settings) -> None:
    team_mode.EMBEDDED = True

    with pytest.raises(CommandError, match=r"`manage\.py serve` makes its own first start"):
        _first_start()
    assert not User.objects.exists()


def test_it_refuses_a_database_that_is_not_migrated() -> None:
    MigrationRecorder.Migration.objects.filter(app="history").delete()

    with pytest.raises(CommandError, match=r"not of this version yet.*run `manage\.py migrate`"):
        _first_start()


def test_it_refuses_a_database_of_a_newer_version() -> None:
    MigrationRecorder.Migration.objects.create(app="telemetry", name="0099_future")

    with pytest.raises(CommandError, match=r"newer Scenewatch .*telemetry\.0099_future"):
        _first_start()


def test_it_says_in_words_that_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(preflight, "refuse_newer_schema", away)

    with pytest.raises(CommandError, match=r"cannot be used: connection refused\nStart it, or"):
        _first_start()

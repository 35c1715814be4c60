"""config/checks.py: combinations that are wrong together."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from pytest_django import Settings

from config import bootstrap, checks

POSTGRES = "postgres://scenewatch:hush@db/scenewatch"
REDIS = "redis://redis:6379/0"


@pytest.fixture
def embedded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings as if nothing were set, whatever this run is pointed at."""
    settings.DATABASE_URL = settings.REDIS_URL = ""
    _engine(settings, monkeypatch, "sqlite3")
    return settings


@pytest.fixture
def team(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a team installation."""
    settings.DATABASE_URL, settings.REDIS_URL = POSTGRES, REDIS
    _engine(settings, monkeypatch, "postgresql")
    return settings


def _engine(settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    engine = f"django.db.backends.{name}"
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)


def _ids(messages: list[CheckMessage]) -> list[str]:
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


def test_they_are_registered() -> None:
    registered = set(registry.get_checks(include_deployment_checks=True))

    assert {checks.database_of_the_mode, checks.secret_key_for_a_team} <= registered


# --- Modes --------------------------------------------------------------------------------------


def test_it_is_content_with_the_embedded_mode(embedded: Settings) -> None:
    assert checks.database_of_the_mode(None) == []


def test_it_is_content_with_the_team_mode(team: Settings) -> None:
    assert checks.database_of_the_mode(None) == []


def test_it_refuses_several_processes_on_sqlite(embedded: Settings) -> None:
    embedded.REDIS_URL = REDIS

    assert _ids(checks.database_of_the_mode(None)) == ["scenewatch.E001"]


def test_it_refuses_another_kind_of_database(
    team: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _engine(team, monkeypatch, "mysql")

    (error,) = checks.database_of_the_mode(None)

    assert error.id == "scenewatch.E002"
    assert "mysql" in error.msg


def test_it_warns_of_postgresql_without_redis(team: Settings) -> None:
    team.REDIS_URL = ""

    assert _ids(checks.database_of_the_mode(None)) == ["scenewatch.W001"]


def test_it_does_not_repeat_the_password_of_the_database(
    team: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _engine(team, monkeypatch, "mysql")

    assert "hush" not in str(checks.database_of_the_mode(None))


def test_it_refuses_an_old_sqlite(embedded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    assert _ids(checks.sqlite_new_enough(None)) == ["scenewatch.E004"]


def test_it_does_not_mind_an_old_sqlite_beside_postgresql(
    team: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    assert checks.sqlite_new_enough(None) == []


# --- The data folder ----------------------------------------------------------------------------


def test_it_takes_a_data_folder_that_is_still_to_be_made(
    settings: Settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path / "not" / "yet"

    assert checks.data_folder_usable(None) == []
    assert not (tmp_path / "not").exists()


def test_it_refuses_a_data_folder_that_is_a_file(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "file"
    settings.DATA_DIR.touch()

    (error,) = checks.data_folder_usable(None)

    assert error.id == "scenewatch.E003"
    assert "is a file" in error.msg


def test_it_refuses_a_data_folder_that_cannot_be_written(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    (error,) = checks.data_folder_usable(None)

    assert error.id == "scenewatch.E003"
    assert "may not write there" in error.msg


# --- Hosts --------------------------------------------------------------------------------------


@pytest.fixture
def public(settings: Settings) -> Settings:
    """Return the settings of a site with a name."""
    settings.ALLOWED_HOSTS = ["scenewatch.example.org"]
    settings.HTTPS = settings.DEBUG = False
    settings.CSRF_TRUSTED_ORIGINS = []
    return settings


def test_it_lets_developers_debug_on_their_own_machine(public: Settings) -> None:
    public.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    public.DEBUG = True

    assert checks.hosts_and_debug(None) == []


def test_it_warns_of_debug_pages_that_others_may_reach(public: Settings) -> None:
    public.DEBUG = True

    (warning,) = checks.hosts_and_debug(None)

    assert warning.id == "scenewatch.W002"
    assert "scenewatch.example.org" in warning.msg


def test_it_warns_of_https_without_trusted_origins(public: Settings) -> None:
    public.HTTPS = True

    (warning,) = checks.hosts_and_debug(None)

    assert warning.id == "scenewatch.W003"
    assert "https://scenewatch.example.org" in str(warning.hint)


def test_it_is_content_with_https_and_trusted_origins(public: Settings) -> None:
    public.HTTPS = True
    public.CSRF_TRUSTED_ORIGINS = ["https://scenewatch.example.org"]

    assert checks.hosts_and_debug(None) == []


def test_it_warns_of_any_host(public: Settings) -> None:
    public.ALLOWED_HOSTS = ["*"]

    assert _ids(checks.hosts_and_debug(None)) == ["scenewatch.W004"]


# --- Variables ----------------------------------------------------------------------------------


def test_it_names_the_variable_that_was_most_likely_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_DATABSE_URL", POSTGRES)

    (warning,) = checks.variables_known(None)

    assert warning.id == "scenewatch.W005"
    assert warning.hint == "Did you mean SCENEWATCH_DATABASE_URL?"
    assert "hush" not in str(warning)


def test_it_points_to_the_list_where_nothing_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_QQQ", "1")

    (warning,) = checks.variables_known(None)

    assert "docs/configuration.md" in str(warning.hint)


@pytest.mark.parametrize("name", ["LOG_LEVEL", "SECRET_KEY_FILE", "VENV", "TEST_REDIS_URL"])
def test_it_knows_what_is_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"SCENEWATCH_{name}", "1")

    assert checks.variables_known(None) == []


# --- The secret key -----------------------------------------------------------------------------


def test_it_warns_of_a_short_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_SECRET_KEY", "swordfish")

    (warning,) = checks.secret_key_for_a_team(None)

    assert warning.id == "scenewatch.W006"
    assert "swordfish" not in str(warning)


def test_it_warns_of_a_team_without_a_common_key(team: Settings) -> None:
    assert _ids(checks.secret_key_for_a_team(None)) == ["scenewatch.W007"]


def test_it_lets_a_single_process_make_its_own_key(embedded: Settings) -> None:
    assert checks.secret_key_for_a_team(None) == []


# --- All of them --------------------------------------------------------------------------------


def _documented_team_variables() -> dict[str, str]:
    text = (bootstrap.ROOT / "docs" / "configuration.md").read_text("utf-8")
    found = dict(re.findall(r"^    (SCENEWATCH_\w+)=(\S+)$", text, re.MULTILINE))
    return found | {"SCENEWATCH_SECRET_KEY": "".join(map(chr, range(48, 123)))}


def test_it_has_nothing_to_say_of_the_team_installation_in_the_docs(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCENEWATCH_", "DJANGO_"))}
    variables = kept | _documented_team_variables() | {"SCENEWATCH_DATA_DIR": str(tmp_path)}

    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=bootstrap.ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""

"""manage.py test, and the settings that it runs under (tests/settings.py)."""

import os
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from config.management.commands import test as command


def test_it_hands_its_arguments_to_pytest_and_its_exit_code_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[str] = []

    def run(arguments: list[str]) -> pytest.ExitCode:
        given.extend(arguments)
        return pytest.ExitCode.NO_TESTS_COLLECTED

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pytest, "main", run)

    with pytest.raises(SystemExit) as ended:
        command.Command().run_from_argv(["manage.py", "test", "tests/telemetry", "-k", "seq"])

    assert given == ["tests/telemetry", "-k", "seq"]
    assert ended.value.code == 5
    assert Path.cwd() == settings.BASE_DIR


def test_it_keeps_the_data_of_the_tests_apart() -> None:
    assert settings.DATA_DIR.is_relative_to(tempfile.gettempdir())


def test_it_hides_the_settings_of_the_developer() -> None:
    ours = {name for name in os.environ if name.startswith("SCENEWATCH_")}

    assert {name for name in ours if not name.startswith("SCENEWATCH_TEST_")} <= {
        "SCENEWATCH_DATA_DIR",
        "SCENEWATCH_DATABASE_URL",
        "SCENEWATCH_REDIS_URL",
    }


def test_it_runs_all_on_all_cores_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(pytest, "main", lambda arguments: given.extend(arguments) or 0)

    with pytest.raises(SystemExit):
        command.Command().run_from_argv(["manage.py", "test"])

    assert given[:2] == ["-n", "auto"]

"""config/secret.py: where the site's key comes from, and how it is kept."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.secret import secret_key


def test_it_takes_the_key_that_is_given(tmp_path: Path) -> None:
    assert secret_key("given", tmp_path, keep=True) == "given"
    assert not list(tmp_path.iterdir())


def test_it_makes_a_key_once_that_nobody_else_may_read(tmp_path: Path) -> None:
    key = secret_key("", tmp_path / "var", keep=True)

    [path] = (tmp_path / "var").iterdir()
    assert secret_key("", tmp_path / "var", keep=True) == key == path.read_text()
    assert len(key) >= 50
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("secret.key", 0o600)


def test_it_takes_the_right_to_read_the_key_from_others(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("kept\n")
    path.chmod(0o644)

    assert secret_key("", tmp_path, keep=True) == "kept"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_replaces_a_file_that_was_left_empty(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()

    key = secret_key("", tmp_path, keep=True)

    assert len(key) >= 50
    assert secret_key("", tmp_path, keep=True) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_it_takes_the_key_of_a_process_that_was_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, path = Path.hardlink_to, tmp_path / "secret.key"

    def late(self: Path, target: Path) -> None:
        path.write_text("theirs")
        real(self, target)

    monkeypatch.setattr(Path, "hardlink_to", late)

    assert secret_key("", tmp_path, keep=True) == "theirs"


def test_it_goes_on_without_a_file_where_none_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert len(secret_key("", tmp_path / "file", keep=True)) >= 50


def test_it_writes_nothing_for_tests(tmp_path: Path) -> None:
    assert secret_key("", tmp_path, keep=False) != secret_key("", tmp_path, keep=False)
    assert not list(tmp_path.iterdir())


def test_it_says_what_to_do_about_a_file_that_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"\xff\xfe")

    with pytest.raises(ImproperlyConfigured, match="enter those secrets again"):
        secret_key("", tmp_path, keep=True)

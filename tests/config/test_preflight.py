"""config/preflight.py: what `serve` makes sure of, and the words it refuses with."""

import errno
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler

from config import filelock, preflight
from config.preflight import NotReady

AT = datetime(2026, 11, 21, 9, 35, tzinfo=UTC)


class Usage(NamedTuple):
    """What shutil.disk_usage returns."""

    total: int
    used: int
    free: int


# --- The data folder ----------------------------------------------------------------------------


def test_it_makes_the_data_folder(tmp_path: Path) -> None:
    preflight.data_folder(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_it_names_the_file_that_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotReady, match=r"file is a file\. .*SCENEWATCH_DATA_DIR"):
        preflight.data_folder(tmp_path / "file" / "var")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "cannot be written"),
        (errno.EROFS, "cannot be written"),
        (errno.ENOSPC, "is full"),
        (errno.EIO, "cannot be used"),
    ],
)
def test_it_words_why_the_data_folder_takes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(*_: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(NotReady, match=words) as refused:
        preflight.data_folder(tmp_path)

    assert str(tmp_path) in str(refused.value)
    assert "SCENEWATCH_DATA_DIR" in str(refused.value)


def test_it_wants_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 10**7, 10**7))

    with pytest.raises(NotReady, match="nearly full: 10 MB are left, 52 MB are needed"):
        preflight.data_folder(tmp_path)


# --- One serve for a data folder ----------------------------------------------------------------


def test_it_refuses_a_second_serve_and_names_the_first(tmp_path: Path) -> None:
    with (
        preflight.lock(tmp_path),
        pytest.raises(NotReady, match=rf"already runs .*process {os.getpid()}, started 20"),
    ):
        preflight.lock(tmp_path)


def test_it_starts_again_after_the_first_has_ended(tmp_path: Path) -> None:
    preflight.lock(tmp_path).close()

    with preflight.lock(tmp_path) as file:
        assert Path(file.name).read_text("utf-8").startswith(f"process {os.getpid()}, started")


def test_it_starts_after_a_crash_that_left_the_file(tmp_path: Path) -> None:
    (tmp_path / "serve.lock").write_text("process 4711, started long ago, and more than fits now")

    with preflight.lock(tmp_path) as file:
        assert "4711" not in Path(file.name).read_text("utf-8")


def test_it_says_where_a_disk_knows_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> NoReturn:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "_lock", fail)

    with pytest.raises(NotReady, match=r"No locks available.*a folder on a local disk"):
        preflight.lock(tmp_path)


# --- The port -----------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port, and return it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_it_takes_a_free_port(taken: int) -> None:
    port = preflight._free_port("127.0.0.1", taken)

    preflight.port_free("127.0.0.1", port)


def test_it_suggests_a_port_and_how_to_find_who_holds_this_one(taken: int) -> None:
    with pytest.raises(NotReady, match=rf"Port {taken} on 127\.0\.0\.1 is taken") as refused:
        preflight.port_free("127.0.0.1", taken)

    text = str(refused.value)
    assert "--port " in text
    assert f"--port {taken}." not in text
    assert str(taken) in text.partition("To find who holds it: ")[2]


def test_it_says_that_low_ports_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(preflight, "_bind", fail)

    with pytest.raises(NotReady, match=r"below 1024 are kept.*Use --port 8000"):
        preflight.port_free("127.0.0.1", 80)


def test_it_says_that_an_address_is_not_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> NoReturn:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(preflight, "_bind", fail)

    with pytest.raises(NotReady, match=r"192\.0\.2\.1 must be an address of this machine"):
        preflight.port_free("192.0.2.1", 8000)


def test_it_says_that_a_host_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(NotReady, match=r"host nowhere is not known here .*--host 127"):
        preflight.port_free("nowhere", 8000)


# --- The database -------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path, db: None) -> Iterator[BaseDatabaseWrapper]:
    """Put an SQLite file in the place of the site's database; it is not there yet."""
    name = str(tmp_path / "scenewatch.sqlite3")
    engine = "django.db.backends.sqlite3"
    own = ConnectionHandler({"default": {"ENGINE": engine, "NAME": name}})["default"]
    usual = connections["default"]
    connections["default"] = own
    yield own
    connections["default"] = usual
    own.close()


def _migrated(database: BaseDatabaseWrapper, *, but_one: bool = False) -> None:
    """Record every migration of this version as applied, or all but the newest of one app."""
    loader = MigrationLoader(None)
    left_out = loader.graph.leaf_nodes("history") if but_one else []
    recorder = MigrationRecorder(database)
    recorder.ensure_schema()
    for app, name in loader.disk_migrations:
        if (app, name) not in left_out:
            recorder.record_applied(app, name)


def _copies(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "backups").glob("*"))


def test_it_makes_no_database_by_asking(database: BaseDatabaseWrapper, tmp_path: Path) -> None:
    preflight.refuse_newer_schema()
    preflight.copy_database(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_it_takes_the_data_of_this_version(database: BaseDatabaseWrapper) -> None:
    _migrated(database)

    preflight.refuse_newer_schema()


def test_it_refuses_the_data_of_a_newer_version(
    database: BaseDatabaseWrapper, tmp_path: Path
) -> None:
    _migrated(database)
    MigrationRecorder(database).record_applied("telemetry", "0099_future")

    with pytest.raises(NotReady, match=r"newer Scenewatch .*telemetry\.0099_future") as refused:
        preflight.refuse_newer_schema()

    assert str(tmp_path / "backups") in str(refused.value)


def test_it_does_not_mind_what_other_apps_left(database: BaseDatabaseWrapper) -> None:
    _migrated(database)
    MigrationRecorder(database).record_applied("polls", "0001_initial")

    preflight.refuse_newer_schema()


def test_it_copies_the_database_before_it_is_changed(
    database: BaseDatabaseWrapper, tmp_path: Path
) -> None:
    _migrated(database, but_one=True)

    preflight.copy_database(tmp_path, AT)

    assert _copies(tmp_path) == ["scenewatch-20261121T093500Z.sqlite3"]
    copy = tmp_path / "backups" / "scenewatch-20261121T093500Z.sqlite3"
    with closing(sqlite3.connect(copy)) as opened:
        (rows,) = opened.execute("SELECT count(*) FROM django_migrations").fetchone()
    assert rows == len(MigrationLoader(None).disk_migrations) - 1


def test_it_makes_no_copy_where_nothing_changes(
    database: BaseDatabaseWrapper, tmp_path: Path
) -> None:
    _migrated(database)

    preflight.copy_database(tmp_path, AT)

    assert not (tmp_path / "backups").exists()


def test_it_keeps_the_newest_five_copies(database: BaseDatabaseWrapper, tmp_path: Path) -> None:
    _migrated(database, but_one=True)

    for day in range(7):
        preflight.copy_database(tmp_path, AT + timedelta(days=day))

    assert [name[11:19] for name in _copies(tmp_path)] == [
        f"202611{day}" for day in (23, 24, 25, 26, 27)
    ]


def test_it_does_not_go_on_without_a_copy(database: BaseDatabaseWrapper, tmp_path: Path) -> None:
    _migrated(database, but_one=True)
    (tmp_path / "backups").write_text("a file in the way")

    with pytest.raises(NotReady, match=r"no copy of it could be made first.*nothing has been"):
        preflight.copy_database(tmp_path, AT)

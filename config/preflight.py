"""What `serve` makes sure of before it starts; each check raises NotReady in words.

Every text says what is wrong, where, and what to do.
"""

import errno
import logging
import os
import shutil
import socket
import sqlite3
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config import filelock

log = logging.getLogger(__name__)

OUR_APPS = ("config", "telemetry", "history")
# Below this SQLite's log alone may fill the disk during one busy evening.
LEAST_FREE_BYTES = 50 * 1024 * 1024
COPIES_KEPT = 5


class NotReady(Exception):
    """Why the site cannot start here, and what to do about it."""


def data_folder(folder: Path) -> None:
    """Make the data folder if it is missing, and see that it takes a file and has room."""
    probe = folder / f"write-test-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise NotReady(_unusable(folder, error)) from error
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise NotReady(
            f"The disk of the data folder {folder} is nearly full: {_megabytes(free)} are left, "
            f"{_megabytes(LEAST_FREE_BYTES)} are needed. Free some space, or let "
            "SCENEWATCH_DATA_DIR name a folder on another disk."
        )


def _unusable(folder: Path, error: OSError) -> str:
    elsewhere = "let SCENEWATCH_DATA_DIR name another folder."
    if isinstance(error, FileExistsError | NotADirectoryError):
        file = next((p for p in (folder, *folder.parents) if p.exists()), folder)
        return f"The data folder {folder} cannot be made: {file} is a file. Move it, or {elsewhere}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of the data folder {folder} is full. Free some space, or {elsewhere}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"The data folder {folder} cannot be written ({error.strerror}). Give the user that "
            f"runs Scenewatch the right to write there, or {elsewhere}"
        )
    return f"The data folder {folder} cannot be used ({error}). Repair it, or {elsewhere}"


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB"


def lock(folder: Path) -> IO[str]:
    """Hold the data folder against a second `serve`, for as long as the returned file is open."""
    path = folder / "serve.lock"
    says = f"process {os.getpid()}, started {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    try:
        return filelock.hold(path, says)
    except filelock.Held as held:
        raise NotReady(
            f"Scenewatch already runs on the data folder {folder} ({held.said or 'starting'}). "
            "Use that one, stop it first, or let SCENEWATCH_DATA_DIR name another folder."
        ) from held
    except OSError as error:
        raise NotReady(
            f"The data folder cannot be locked ({path}: {error.strerror or error}), so two "
            "processes could write into one database. Let SCENEWATCH_DATA_DIR name a folder on a "
            "local disk."
        ) from error


def port_free(host: str, port: int) -> None:
    """See that the port can be listened at; what holds it is for the person to find."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise NotReady(
            f"The host {host} is not known here ({error.strerror or error}). "
            "Use --host 127.0.0.1, or --host 0.0.0.0 for every network of this machine."
        ) from error
    for family, kind, _, _, address in addresses:
        try:
            _bind(family, kind, address)
        except OSError as error:
            raise NotReady(_taken(host, port, error)) from error


def _bind(family: int, kind: int, address: Any) -> None:
    with socket.socket(family, kind) as sock:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # As the server does: a connection that is still closing holds no port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and hasattr(socket, "IPV6_V6ONLY"):
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(1)


def _taken(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = _free_port(host, port)
        return (
            f"Port {port} on {host} is taken by another program. Use another one: "
            f"--port {other}. To find who holds it: {_who_holds(port)}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"Port {port} on {host} may not be used by this user (ports below 1024 are kept for "
            "the administrator). Use --port 8000, with a proxy in front of it if need be."
        )
    return (
        f"Port {port} on {host} cannot be listened at ({error.strerror or error}): {host} must be "
        "an address of this machine. Use --host 127.0.0.1, or --host 0.0.0.0 for all of them."
    )


def _free_port(host: str, port: int) -> int:
    """Return a free port near the one wanted, else any."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for other in [*range(port + 1, min(port + 20, 65_536)), 0]:
        with socket.socket(family) as sock:
            try:
                sock.bind((host, other))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    return port + 1


def _who_holds(port: int) -> str:
    if sys.platform == "win32":
        return f"netstat -ano | findstr :{port}"
    if sys.platform == "darwin":
        return f"lsof -nP -iTCP:{port} -sTCP:LISTEN"
    return f"ss -ltnp 'sport = :{port}'"


def refuse_newer_schema() -> None:
    """Refuse a database whose migrations this version does not have: a newer one wrote it."""
    if not _holds_data():
        return
    applied = set(MigrationRecorder(connection).applied_migrations())
    unknown = sorted(
        f"{app}.{name}" for app, name in applied - _known_migrations() if app in OUR_APPS
    )
    if unknown:
        raise NotReady(
            "The data were written by a newer Scenewatch (this one does not know "
            f"{', '.join(unknown)}). Run that version, or restore the copy that was made before "
            f"its first start: {_where_copies_are()}."
        )


def _holds_data() -> bool:
    """Return whether the database was migrated before; asking makes no SQLite file."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).is_file():
        return False
    return MigrationRecorder(connection).has_table()


def _known_migrations() -> set[tuple[str, str]]:
    """Return the migrations on disk, with those that squashed ones stand for."""
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    known = set(disk)
    for migration in disk.values():
        known.update(migration.replaces)
    return known


def _where_copies_are() -> str:
    if connection.vendor == "sqlite":
        return str(Path(connection.settings_dict["NAME"]).parent / "backups")
    return "from your database's backups"


def copy_database(folder: Path, at: datetime | None = None) -> None:
    """Copy an SQLite database into folder/backups if migrations are about to change it."""
    if connection.vendor != "sqlite" or not _holds_data() or not migrations_pending():
        return
    name = connection.settings_dict["NAME"]
    at = at or datetime.now(UTC)
    copy = folder / "backups" / f"scenewatch-{at:%Y%m%dT%H%M%SZ}.sqlite3"
    part = copy.with_suffix(".part")
    try:
        copy.parent.mkdir(exist_ok=True)
        with closing(sqlite3.connect(name)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        os.replace(part, copy)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            part.unlink()
        raise NotReady(
            "The database must be changed for this version, and no copy of it could be made first "
            f"({copy.parent}: {error}). Make room or give the right to write there; nothing has "
            "been changed."
        ) from error
    log.info("the database is changed for this version; a copy is in %s", copy)
    _remove_old_copies(copy.parent)


def migrations_pending() -> bool:
    """Say whether the database still has to be changed for this version."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _remove_old_copies(folder: Path) -> None:
    for path in sorted(folder.glob("scenewatch-*.sqlite3"))[:-COPIES_KEPT]:
        path.unlink()

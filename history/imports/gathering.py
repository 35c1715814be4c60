"""Files to read out of files, folders and zip archives, one at a time: nothing is unpacked to disk.

A run-summary.txt goes with the artifact-metadata.json beside it. In folders and archives only what
may tell of runs is looked at, by its name; links are not followed, archives within archives not
opened, and of an archive's file no more is inflated than we would read anyway.
"""

import lzma
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from history.imports import beside
from history.imports.beside import PLACES, is_beside
from history.imports.errors import Unreadable
from history.imports.json_text import LARGEST_BYTES
from history.imports.reading import File

SUMMARY, METADATA = "run-summary.txt", ("artifact-metadata.json", "latest-run.json")
# What else lies in the folder of a run and tells of none.
OTHERS = {
    *("story.json", "scene.json", "history.json", "vitest-results.json", "comfyui-status.json"),
    *("mapping-preflight.json", "package.json", "package-lock.json", "tsconfig.json"),
}
SUFFIXES = (".json", ".csv")
ARCHIVE = b"PK\x03\x04"
# What zipfile raises: a broken archive, a password, a method that it does not know, broken bytes.
BROKEN = (
    *(zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError),
    *(zlib.error, lzma.LZMAError),
)
MOST_MEMBERS = 20_000
MOST_BESIDE, BESIDE_BYTES = 16, beside.LARGEST_BYTES + 1
MOST_INFLATED_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot be read at all, and why."""

    name: str
    error: Unreadable


Gathered = File | Problem


def wanted(name: str) -> bool:
    """Say whether a file of a folder may tell of a run."""
    base = PurePosixPath(name.replace("\\", "/")).name.lower()
    if base == SUMMARY:
        return True
    return base.endswith(SUFFIXES) and base not in OTHERS and not is_beside(base)


def is_archive(data: bytes) -> bool:
    """Say whether bytes are a zip archive."""
    return data[:4] == ARCHIVE


# --- Files and folders --------------------------------------------------------------------------


def count(paths: list[Path]) -> int:
    """Return how many files of the disk there are to look at."""
    return sum(1 for path in paths for _ in _files(path))


def gather(paths: list[Path], done: Callable[[], None] = lambda: None) -> Iterator[Gathered]:
    """Yield what is to be read below the paths; `done` hears of each file of the disk."""
    for path in paths:
        for file in _files(path):
            yield from _of_disk(file, alone=path.is_file())
            done()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for found in sorted(path.rglob("*")):
        below = found.is_file() and not found.is_symlink()
        if below and (wanted(found.name) or found.suffix.lower() == ".zip"):
            yield found


def _of_disk(path: Path, alone: bool) -> Iterator[Gathered]:
    if path.name.lower() == SUMMARY and not alone and _has_metadata(path.parent):
        return
    try:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(0)
            if is_archive(head):
                yield from gather_archive(file, str(path))
            else:
                data = file.read(LARGEST_BYTES + 1)
                yield File(str(path), data, _summary_beside(path), _told_beside(path))
    except OSError as error:
        yield Problem(str(path), Unreadable(f"It cannot be read: {error.strerror or error}"))


def _has_metadata(folder: Path) -> bool:
    return any((folder / name).is_file() for name in METADATA)


def _summary_beside(path: Path) -> bytes | None:
    beside = path.parent / SUMMARY
    if path.name.lower() not in METADATA or not beside.is_file() or beside.is_symlink():
        return None
    with beside.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)[:LARGEST_BYTES]


def _told_beside(path: Path) -> tuple[tuple[str, bytes], ...]:
    """Return what lies beside metadata on the disk, by name; links are not followed."""
    if path.name.lower() not in METADATA:
        return ()
    told: dict[str, bytes] = {}
    for place in PLACES:
        folder = path.parent / place
        if not folder.is_dir() or (place and _is_linked(folder, path.parent)):
            continue
        for found in sorted(folder.iterdir())[:MOST_MEMBERS]:
            if len(told) >= MOST_BESIDE:
                break
            if is_beside(found.name) and found.is_file() and not found.is_symlink():
                with found.open("rb") as file:
                    told.setdefault(found.name, file.read(BESIDE_BYTES))
    return tuple(told.items())


def _is_linked(folder: Path, root: Path) -> bool:
    """Say whether a folder below another is reached through a link."""
    return any(one.is_symlink() for one in (folder, *folder.parents) if root in one.parents)


# --- Archives -----------------------------------------------------------------------------------


def gather_archive(file: BinaryIO, name: str) -> Iterator[Gathered]:
    """Yield what is to be read in a zip archive, and what of it cannot be."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _members(archive, name)
    except BROKEN as error:
        yield Problem(name, Unreadable(f"It is no zip archive that can be read: {error}"))


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[Gathered]:
    members = [one for one in archive.infolist() if not one.is_dir() and wanted(one.filename)]
    if len(members) > MOST_MEMBERS:
        yield Problem(name, Unreadable(f"It holds {len(members)} files; {MOST_MEMBERS} are taken"))
        return
    folders: defaultdict[str, dict[str, zipfile.ZipInfo]] = defaultdict(dict)
    for member in members:
        folder, _, base = member.filename.replace("\\", "/").rpartition("/")
        below = folders[folder]
        # Two of a name, or of two that differ in case alone, are two files.
        key = base.lower()
        below[key if key not in below else f"{key} {len(below)}"] = member
    told = _beside_members(archive)
    left = MOST_INFLATED_BYTES
    for folder, below in folders.items():
        for file in _of_folder(archive, below, name, told.get(folder, {})):
            yield file
            if isinstance(file, File):
                left -= len(file.data) + len(file.summary or b"")
                left -= sum(len(data) for _, data in file.beside)
            if left < 0:
                limit = f"{MOST_INFLATED_BYTES // 10**9} GB"
                yield Problem(name, Unreadable(f"It inflates to more than {limit}"))
                return


def _beside_members(archive: zipfile.ZipFile) -> dict[str, dict[str, zipfile.ZipInfo]]:
    """Return what may tell more of a run, by the folder that the run's metadata would be in."""
    told: defaultdict[str, dict[str, zipfile.ZipInfo]] = defaultdict(dict)
    for member in archive.infolist():
        folder, _, base = member.filename.replace("\\", "/").rpartition("/")
        if not is_beside(base):
            continue
        for place in PLACES:
            if folder == place or folder.endswith(f"/{place}") or not place:
                root = folder.removesuffix(place).rstrip("/")
                told[root].setdefault(base, member)
    return told


def _of_folder(
    archive: zipfile.ZipFile,
    members: dict[str, zipfile.ZipInfo],
    name: str,
    told: dict[str, zipfile.ZipInfo],
) -> Iterator[Gathered]:
    described = any(base in members for base in METADATA)
    for base, member in members.items():
        if base == SUMMARY and described:
            continue
        path = f"{name}: {member.filename}"
        try:
            summary = members.get(SUMMARY) if base in METADATA else None
            said = _inflated(archive, summary)[:LARGEST_BYTES] if summary else None
            more = list(told.items())[:MOST_BESIDE] if base in METADATA else []
            inflated = tuple((at, _inflated(archive, one)[:BESIDE_BYTES]) for at, one in more)
            yield File(path, _inflated(archive, member), said, inflated)
        except BROKEN as error:
            yield Problem(path, Unreadable(f"It cannot be inflated: {error}"))


def _inflated(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, one more than we read at most: what it says of its size is its."""
    with archive.open(member) as file:
        return file.read(LARGEST_BYTES + 1)

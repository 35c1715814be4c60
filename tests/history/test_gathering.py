"""history/imports/gathering.py: files, folders and archives, one at a time, nothing unpacked."""

import io
import os
import struct
import zipfile

import pytest

from history.imports import gathering
from history.imports.gathering import Problem, count, gather, gather_archive
from history.imports.json_text import LARGEST_BYTES
from history.imports.reading import File
from tests.history.artifacts import as_bytes, metadata, summary

METADATA = as_bytes(metadata())


def archive(members, **options):
    """Return a zip archive of names and bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, **options) as writing:
        for name, data in members.items():
            writing.writestr(name, data)
    return held.getvalue()


def members(data):
    return list(gather_archive(io.BytesIO(data), "a.zip"))


def put(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_a_file_is_read_whatever_its_name(tmp_path):
    put(tmp_path, {"anything.txt": METADATA})

    (file,) = gather([tmp_path / "anything.txt"])

    assert file == File(str(tmp_path / "anything.txt"), METADATA, None)


def test_a_folder_is_walked_in_order_and_its_other_files_left(tmp_path):
    others = ("story.json", "history.json", "frame.png", "vitest.log", "notes.txt")
    put(tmp_path, {f"b/{name}": b"{}" for name in others})
    put(tmp_path, {"b/artifact-metadata.json": METADATA, "a/export.json": b"{}", "c.CSV": b"x"})

    names = [os.path.relpath(file.name, tmp_path) for file in gather([tmp_path])]

    assert names == [
        os.path.join("a", "export.json"),
        os.path.join("b", "artifact-metadata.json"),
        "c.CSV",
    ]


def test_a_summary_goes_with_the_metadata_beside_it(tmp_path):
    put(tmp_path, {"a/artifact-metadata.json": METADATA, "a/run-summary.txt": b"S"})
    put(tmp_path, {"b/run-summary.txt": b"alone"})

    told = [(file.data, file.summary) for file in gather([tmp_path])]

    assert told == [(METADATA, b"S"), (b"alone", None)]


def test_what_tells_more_of_a_run_goes_with_its_metadata(tmp_path):
    beside = {
        "story/story.json": b"1",
        "test-results/comfyui-status/comfyui-status-20251120.json": b"2",
        "mapping-preflight.json": b"3",
        "vitest-results.json": b"4",
    }
    put(tmp_path, {"a/artifact-metadata.json": METADATA, "a/scene-001/story.json": b"no"})
    put(tmp_path, {f"a/{name}": data for name, data in beside.items()})
    told = {os.path.basename(name): data for name, data in beside.items()}

    (file,) = gather([tmp_path])
    zipped = {"a/artifact-metadata.json": METADATA, **{f"a/{k}": v for k, v in beside.items()}}
    (member,) = members(archive({**zipped, "a/scene-001/story.json": b"no", "story.json": b"no"}))

    assert dict(file.beside) == told
    assert dict(member.beside) == told


def test_links_beside_metadata_are_not_followed(tmp_path):
    put(tmp_path, {"outside/story.json": b"1", "inside/artifact-metadata.json": METADATA})
    (tmp_path / "inside/story").symlink_to(tmp_path / "outside")
    (tmp_path / "inside/story.json").symlink_to(tmp_path / "outside/story.json")

    (file,) = gather([tmp_path / "inside"])

    assert file.beside == ()


def test_links_are_not_followed(tmp_path):
    put(tmp_path, {"outside/secret.json": b"{}", "inside/a.json": b"{}"})
    (tmp_path / "inside/link.json").symlink_to(tmp_path / "outside/secret.json")
    (tmp_path / "inside/folder").symlink_to(tmp_path / "outside")

    assert [file.name for file in gather([tmp_path / "inside"])] == [
        str(tmp_path / "inside/a.json")
    ]


def test_a_summary_that_is_a_link_is_left_out(tmp_path):
    put(tmp_path, {"outside/secret.txt": b"S", "inside/artifact-metadata.json": METADATA})
    (tmp_path / "inside/run-summary.txt").symlink_to(tmp_path / "outside/secret.txt")

    assert [(file.data, file.summary) for file in gather([tmp_path / "inside"])] == [
        (METADATA, None)
    ]


def test_it_counts_what_it_then_goes_through(tmp_path):
    put(tmp_path, {"a.json": b"{}", "b.zip": archive({"x.json": b"{}", "y.json": b"{}"})})
    done = []

    files = list(gather([tmp_path], lambda: done.append(1)))

    assert (count([tmp_path]), len(done), len(files)) == (2, 2, 3)


def test_an_archive_is_read_with_its_summaries():
    data = archive(
        {
            "logs/1/artifact-metadata.json": METADATA,
            "logs/1/run-summary.txt": summary().encode(),
            "logs/1/story/story.json": b"{}",
            "logs/2/run-summary.txt": b"alone",
        }
    )

    first, second = members(data)

    assert (first.name, first.summary) == (
        *("a.zip: logs/1/artifact-metadata.json",),
        summary().encode(),
    )
    assert (second.name, second.data) == ("a.zip: logs/2/run-summary.txt", b"alone")


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x.json", "/etc/x.json", "C:\\Windows\\x.json", "..\\..\\x.json"]
)
def test_a_path_that_leads_out_of_an_archive_is_a_name_and_nothing_else(
    name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    (file,) = members(archive({name: b"{}"}))

    assert (file.data, list(tmp_path.rglob("*"))) == (b"{}", [])


def test_files_of_an_archive_whose_names_differ_in_case_alone_are_all_read():
    named = {"a/Run.json": b"1", "a/run.json": b"2", "a/RUN.json": b"3", "a/other.json": b"4"}

    assert sorted(file.data for file in members(archive(named))) == [b"1", b"2", b"3", b"4"]


def test_of_a_bomb_no_more_is_inflated_than_would_be_read():
    bomb = archive({"bomb.json": b" " * (4 * LARGEST_BYTES)})

    (file,) = members(bomb)

    assert (len(bomb) < 200_000, len(file.data)) == (True, LARGEST_BYTES + 1)


def test_a_member_that_lies_about_its_size_inflates_to_no_more():
    honest = archive({"bomb.json": b" " * (3 * LARGEST_BYTES)})
    lying = honest.replace(struct.pack("<L", 3 * LARGEST_BYTES), struct.pack("<L", 10))

    (told,) = members(lying)

    assert isinstance(told, Problem) or len(told.data) <= LARGEST_BYTES + 1


def test_an_archive_of_many_bombs_ends_early(monkeypatch):
    monkeypatch.setattr(gathering, "MOST_INFLATED_BYTES", 2500)
    data = archive({f"{n}/{n}.json": b" " * 1000 for n in range(9)})

    *files, last = members(data)

    assert len(files) == 3
    assert "inflates to more" in str(last.error)


def test_an_archive_of_many_summaries_that_are_bombs_ends_early(monkeypatch):
    monkeypatch.setattr(gathering, "MOST_INFLATED_BYTES", 2500)
    runs = {f"{n}/artifact-metadata.json": b"{}" for n in range(9)}
    data = archive({**runs, **{f"{n}/run-summary.txt": b" " * 1000 for n in range(9)}})

    *files, last = members(data)

    assert len(files) == 3
    assert "inflates to more" in str(last.error)


def test_an_archive_of_too_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(gathering, "MOST_MEMBERS", 2)

    (problem,) = members(archive({f"{n}.json": b"{}" for n in range(3)}))

    assert "3 files" in str(problem.error)


def test_an_archive_in_an_archive_is_not_opened():
    assert members(archive({"inner.zip": archive({"a.json": b"{}"})})) == []


def test_a_broken_archive_is_told():
    (problem,) = members(archive({"a.json": METADATA})[:200])

    assert "no zip archive" in str(problem.error)


def test_a_broken_member_is_told_and_the_others_are_read():
    data = bytearray(archive({"a.json": METADATA, "b.json": b"{}"}))
    data[60:90] = bytes(30)

    broken, whole = members(bytes(data))

    assert "cannot be inflated" in str(broken.error)
    assert whole.data == b"{}"

"""requirements.lock and requirements-dev.lock against pyproject.toml (docs/dependencies.md)."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from config.installation import pinned

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
DEV: list[str] = PROJECT["dependency-groups"]["dev"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
WANTED = [(lock, text) for lock in LOCKS for text in RUNTIME] + [(LOCKS[1], text) for text in DEV]


def _text(lock: str) -> str:
    return (ROOT / lock).read_text("utf-8")


@pytest.mark.parametrize(("lock", "wanted"), WANTED)
def test_it_pins_each_dependency_in_an_allowed_version(lock: str, wanted: str) -> None:
    requirement = Requirement(wanted)
    name = canonicalize_name(requirement.name)

    versions = [v for other, v in pinned(_text(lock)) if canonicalize_name(other) == name]

    assert versions, f"{requirement.name} is missing: renew the locks"
    assert all(requirement.specifier.contains(v, prereleases=True) for v in versions)


@pytest.mark.parametrize("lock", LOCKS)
def test_it_pins_each_package_with_hashes(lock: str) -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", _text(lock), flags=re.MULTILINE)[1:]

    assert blocks
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_it_names_no_host_no_address_and_no_folder(lock: str) -> None:
    without_pointer = _text(lock).replace("docs/dependencies.md", "")

    assert not re.search(r"://|/|\\\w|--index|--extra|--find|--trusted|@ ", without_pointer)


def test_the_tests_run_on_the_versions_that_the_site_runs_on() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==[^\\\n]+", _text(lock), re.MULTILINE))

    assert pins(LOCKS[0]) <= pins(LOCKS[1])


def test_the_docs_give_a_reason_for_each_dependency_and_no_other() -> None:
    docs = (ROOT / "docs" / "dependencies.md").read_text("utf-8")

    explained = re.findall(r"^\| ([\w-]+) \| \w.*\|$", docs, re.MULTILINE)

    wanted = [Requirement(text).name for text in (*RUNTIME, *DEV)]
    assert sorted(name for name in explained if name != "package") == sorted(wanted)

"""docs/configuration.md against what the code reads."""

import os
import re

from django.conf import settings

from config import checks, env

TEXT = (settings.BASE_DIR / "docs" / "configuration.md").read_text("utf-8")


def _rows(title: str) -> dict[str, list[str]]:
    """Return the cells of a section's table by the variable or id that is its first one."""
    section = TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows}


def _as_written(default: str) -> str:
    return default.removeprefix(f"{settings.BASE_DIR}{os.sep}")


def test_it_lists_the_variables_that_the_settings_read() -> None:
    assert set(_rows("Variables")) == set(env.VARIABLES)


def test_it_gives_their_defaults() -> None:
    said = {name: cells[0].strip("`–") for name, cells in _rows("Variables").items()}

    assert said == {name: _as_written(default) for name, default in env.VARIABLES.items()}


def test_it_says_what_each_means_and_what_is_allowed() -> None:
    for name, cells in _rows("Variables").items():
        assert len(cells) == 3, name
        assert all(cells), name


def test_it_lists_what_is_read_elsewhere() -> None:
    assert set(_rows("Read elsewhere")) == set(checks.OTHER_VARIABLES)


def test_it_lists_the_checks() -> None:
    source = (settings.BASE_DIR / "config" / "checks.py").read_text("utf-8")

    ids = set(re.findall(r'id="(scenewatch\.\w+)"', source))

    assert set(_rows("What the checks say")) == ids

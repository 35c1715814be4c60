"""docs/tests.md names files that are there, for each of the questions."""

import re

import pytest
from django.conf import settings

TEXT = (settings.BASE_DIR / "docs" / "tests.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|]*\?) \| (.*) \|$", TEXT, re.MULTILINE)


def test_it_has_six_suites() -> None:
    assert len(ROWS) == 6


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", TEXT))))
def test_what_it_names_is_there(path: str) -> None:
    assert (settings.BASE_DIR / path).exists()

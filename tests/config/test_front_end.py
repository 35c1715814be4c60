"""What a browser is sent beside pages: how much it is, and that all of it is ours."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

SCRIPTS = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
STYLES = sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
BUDGET_BYTES = 200_000
ELSEWHERE = re.compile(r"""(?:src|href|import|from|url\()\s*=?\s*["'(]?(?:https?:)?//[^\s"')]+""")


def test_all_scripts_and_styles_together_keep_within_the_budget() -> None:
    assert SCRIPTS
    assert STYLES

    zipped = sum(len(gzip.compress(path.read_bytes())) for path in (*SCRIPTS, *STYLES))

    assert zipped <= BUDGET_BYTES


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES, *TEMPLATES], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    assert ELSEWHERE.findall(path.read_text("utf-8")) == []

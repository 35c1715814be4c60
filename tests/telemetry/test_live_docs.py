"""docs/live-protocol.md against the code: its sections, its messages, its codes."""

import re

import pytest
from django.conf import settings

from telemetry import envelope, listener
from telemetry.streams import STATUSES

TEXT = (settings.BASE_DIR / "docs" / "live-protocol.md").read_text("utf-8")
SECTIONS = [
    "Architecture",
    "Endpoints",
    "Connection protocol",
    "Message types",
    "Client integration",
    "Connection management",
    "Error handling",
    "Performance",
    "Security",
    "Testing",
    "Troubleshooting",
]


def test_it_has_the_eleven_sections() -> None:
    assert re.findall(r"^## (\d+)\. (.+)$", TEXT, re.MULTILINE) == [
        (str(number), title) for number, title in enumerate(SECTIONS, start=1)
    ]


@pytest.mark.parametrize(("code", "status"), list(STATUSES.items()))
def test_it_tells_every_code_and_its_status(code: int, status: int) -> None:
    assert f"| {code} | {status} |" in TEXT


def test_it_tells_every_type_of_message() -> None:
    written = (settings.BASE_DIR / "telemetry" / "envelope.py").read_text("utf-8")
    types = set(re.findall(r'_(?:head|place|envelope)\(\s*"(\w+)"', written))

    assert types == {"hello", "snapshot", "change", "resumed", "beat", "error"}
    assert all(f"| `{kind}` |" in TEXT for kind in types)


def test_it_tells_the_version() -> None:
    assert f"`v` is {envelope.VERSION};" in TEXT
    assert listener.TRY_AGAIN == 4013

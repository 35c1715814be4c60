"""What the site is made of: each package's licence is known and goes with ours (Apache-2.0)."""

import json
import re
from typing import Any

import pytest
from django.core.management import call_command

from config.components import Component, components, cyclonedx
from config.installation import pinned
from tests.config.test_locks import ROOT

# What may be used beside a program under Apache-2.0. Under the LGPL is psycopg alone: imported as
# it is published, and anybody may put another in its place.
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-0"),
    *("PSF-2.0", "TCL", "ZPL-2.1", "Zlib"),
}
LIBRARIES = {"psycopg", "psycopg-binary", "psycopg-pool"}


@pytest.mark.parametrize("one", components(), ids=lambda one: f"{one.name}-{one.version}")
def test_the_licence_of_each_package_is_known_and_goes_with_ours(one: Component) -> None:
    asked = re.split(r" (?:AND|OR) ", one.licence)

    allowed = ALLOWED | {"LGPL-3.0-only"} if one.name in LIBRARIES else ALLOWED
    assert set(asked) <= allowed


def test_it_lists_each_package_of_the_lock(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("list_components")

    lines = [tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()]
    assert lines == pinned((ROOT / "requirements.lock").read_text("utf-8"))


def test_a_bill_of_materials_names_each_package_once_as_programs_want_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("list_components", "--cyclonedx")

    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    refs = [one["bom-ref"] for one in told["components"]]
    assert len(refs) == len(set(refs)) == len(components())
    assert all(one["purl"] == one["bom-ref"] and one["licenses"] for one in told["components"])


@pytest.mark.parametrize(
    ("word", "entry"),
    [
        ("MIT", [{"expression": "MIT"}]),
        ("Apache-2.0 OR BSD-3-Clause", [{"expression": "Apache-2.0 OR BSD-3-Clause"}]),
        ("BSD", [{"license": {"name": "BSD"}}]),
        ("", []),
    ],
)
def test_a_licence_that_is_no_word_of_spdx_is_told_by_name(word: str, entry: Any) -> None:
    [told] = cyclonedx([Component("a", "1", word)])["components"]

    assert told["licenses"] == entry

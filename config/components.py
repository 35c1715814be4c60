"""What the site is made of: each package of requirements.lock with version and licence.

The versions are those of the lock. A licence is what the installed package says of itself, as an
SPDX expression where it does. Of packages that only other platforms need it stands here.
"""

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from config.installation import pinned

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
# Packages of other platforms and older Pythons, which need not be installed where this is asked.
ELSEWHERE = {
    "async-timeout": "Apache-2.0",
    "autobahn": "MIT",
    "cbor2": "MIT",
    "pycparser": "BSD-3-Clause",
    "setuptools": "MIT",
    "tzdata": "Apache-2.0",
    "u-msgpack-python": "MIT",
    "ujson": "BSD-3-Clause AND TCL",
}
# Words that packages use for licences, as SPDX has them. "BSD" leaves open which of its kinds.
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "New BSD": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
_IDENTIFIER = re.compile(r"[A-Z0-9][\w.+-]*(?: (?:AND|OR) [A-Z0-9][\w.+-]*)*")


@dataclass(frozen=True, slots=True)
class Component:
    """A package that the site runs on; licence is "" where nobody says it."""

    name: str
    version: str
    licence: str


def components() -> list[Component]:
    """Return the packages of the lock; one stands twice where platforms need different versions."""
    return [Component(*pin, licence_of(pin[0])) for pin in pinned(LOCK.read_text("utf-8"))]


def licence_of(name: str) -> str:
    """Return the licence of a package, as SPDX where it or the table above can say so."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ELSEWHERE.get(name, "")
    classified = [
        one.rpartition(" :: ")[2]
        for one in told.get_all("Classifier") or ()
        if one.startswith("License :: ") and one != "License :: OSI Approved"
    ]
    # A whole text in place of a name is no name; nor is "Dual License".
    words = [
        _first(told, "License-Expression"),
        _first(told, "License"),
        " OR ".join(map(_spdx, classified)),
    ]
    known = (_spdx(word.strip()) for word in words if word and "\n" not in word.strip())
    return next((word for word in known if word != "Dual License" and word), "")


def _first(told: metadata.PackageMetadata, name: str) -> str | None:
    return next(iter(told.get_all(name) or ()), None)


def _spdx(word: str) -> str:
    return SPDX.get(word, word)


def cyclonedx(told: list[Component]) -> dict[str, Any]:
    """Return a bill of materials in CycloneDX 1.6; without a time, so that the same is the same."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "scenewatch"}},
        "components": [_entry(one) for one in told],
    }


def _entry(one: Component) -> dict[str, Any]:
    purl = f"pkg:pypi/{one.name}@{one.version}"
    entry = {"type": "library", "bom-ref": purl, "name": one.name, "version": one.version}
    return {**entry, "purl": purl, "licenses": [_licence(one.licence)] if one.licence else []}


def _licence(word: str) -> dict[str, Any]:
    is_spdx = _IDENTIFIER.fullmatch(word) is not None and word != "BSD"
    return {"expression": word} if is_spdx else {"license": {"name": word}}

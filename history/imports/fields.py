"""Reading values out of objects that scripts wrote: what is odd becomes a finding, never an error.

A key is found in any case and with or without underscores ("SceneId", "scene_id"), by any of the
names given; the first is the one of today.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from history.imports import times
from history.imports.findings import Findings
from history.imports.text import LONGEST, LONGEST_PROSE, is_truncated, tidy

# More than any count, memory in bytes or milliseconds that a script can mean.
LARGEST = 1e15
LARGEST_COUNT = 1_000_000_000
# What a column of 32 bits with a sign holds is less than what a script might write.
LONGEST_DAYS_S = 366 * 86_400.0
_LONGEST_SHOWN = 60
_MISSING = ("", None)
_YES_NO = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}


class NotFinite(str):
    """Stands for NaN or an infinity, which JSON does not know but scripts write."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What all values of a file are read by: its findings, its zone, and what time it is.

    `legacy` are keys that are noted where they are found, each with its name of today.
    """

    findings: Findings
    at: datetime
    zone: tzinfo = UTC
    legacy: Mapping[str, str] = field(default_factory=dict)


def shown(value: Any) -> str:
    """Return a value as a message names it: short, and without what cannot be shown."""
    if isinstance(value, list | dict):
        return "A list" if isinstance(value, list) else "An object"
    return tidy(str(value), _LONGEST_SHOWN).replace("\n", " ")


def key_of(name: str) -> str:
    """Return the form in which keys are compared."""
    return name.replace("_", "").lower()


# For the names that we ask by, which are few; those of a file may be anything.
_asked = cache(key_of)


@dataclass(slots=True)
class Fields:
    """An object of a file, and where it stands: "Scenes[2].Telemetry"."""

    raw: dict[str, Any]
    path: str
    reading: Reading
    _by_key: dict[str, tuple[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_key = {}
        for name, value in self.raw.items():
            self._by_key.setdefault(key_of(name), (name, value))

    def at(self, name: str) -> str:
        """Return the path of a value."""
        return f"{self.path}.{name}" if self.path else name

    def find(self, code: str, name: str, message: str) -> None:
        """Note what is odd about a value."""
        self.reading.findings.add(code, self.at(name) if name else self.path, message)

    def get(self, *names: str) -> tuple[str, Any]:
        """Return the name under which a value stands, and the value; the first name and None.

        Null counts as missing, and so does what its writer cut off; an old name is told.
        """
        for name in names:
            found = self._by_key.get(_asked(name))
            if found is None or found[1] is None:
                continue
            today = self.reading.legacy.get(found[0])
            if today is not None:
                self.find("legacy_key", found[0], f"{found[0]} is an old name of {today}.")
            if isinstance(found[1], str) and is_truncated(found[1]):
                self.find("truncated", found[0], f"Cut off by its writer: {shown(found[1])}")
                return names[0], None
            return found
        return names[0], None

    def has(self, *names: str) -> bool:
        """Say whether a key is there, be its value null."""
        return any(_asked(name) in self._by_key for name in names)

    def told(self, *names: str) -> bool:
        """Say whether a value is there that is not null."""
        return any(self._by_key.get(_asked(name), _MISSING)[1] is not None for name in names)

    # --- Plain values ---------------------------------------------------------------------------

    def text(self, *names: str, limit: int = LONGEST) -> str | None:
        """Return a text, None where it is missing or blank; a number counts as one."""
        name, value = self.get(*names)
        if isinstance(value, NotFinite):
            self.find("not_finite", name, f"{value} is no text.")
            return None
        if isinstance(value, bool | int | float):
            value = str(value)
        if value is None or not isinstance(value, str):
            self._refuse(name, value, "a text")
            return None
        if len(value) > limit:
            self.find("too_long", name, f"{len(value)} characters; {limit} are kept.")
        return tidy(value.strip(), limit) or None

    def prose(self, *names: str) -> str | None:
        """Return a long text."""
        return self.text(*names, limit=LONGEST_PROSE)

    def number(
        self, *names: str, low: float = 0.0, high: float = LARGEST, unit: str = ""
    ) -> float | None:
        """Return a number from low to high; as text it counts too, with or without its unit."""
        name, value = self.get(*names)
        number = self._number(name, value, unit)
        if number is None:
            return None
        if not low <= number <= high:
            self.find("out_of_range", name, f"{shown(value)} is not between {low:g} and {high:g}.")
            return None
        return number

    def _number(self, name: str, value: Any, unit: str) -> float | None:
        if isinstance(value, NotFinite):
            self.find("not_finite", name, f"{value} is no number.")
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._finite(name, value)
        if isinstance(value, str) and value.strip():
            try:
                number = float(value.strip().removesuffix(unit).strip())
            except ValueError:
                self._refuse(name, value, "a number")
                return None
            self.find("number_as_text", name, f"{shown(value)} is written as text.")
            return self._finite(name, number)
        self._refuse(name, None if value == "" else value, "a number")
        return None

    def _finite(self, name: str, value: float) -> float | None:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
        self.find("not_finite", name, f"{shown(value)} is no number that we can hold.")
        return None

    def seconds(self, *names: str) -> float | None:
        """Return a duration in seconds."""
        return self.number(*names, high=LONGEST_DAYS_S, unit="s")

    def whole(self, *names: str, low: int = 0, high: int = LARGEST_COUNT) -> int | None:
        """Return a whole number."""
        number = self.number(*names, low=low, high=high)
        if number is None:
            return None
        if number != int(number):
            self.find(
                "not_whole", names[0], f"{number:g} has a fraction; taken as {round(number)}."
            )
        return round(number)

    def flag(self, *names: str) -> bool | None:
        """Return yes or no."""
        name, value = self.get(*names)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if isinstance(value, str | int) and word in _YES_NO:
            self.find("flag_as_text", name, f"{shown(value)} is written as text or number.")
            return _YES_NO[word]
        self._refuse(name, None if value == "" else value, "yes or no")
        return None

    def moment(self, *names: str) -> datetime | None:
        """Return a time; a number is milliseconds since 1970."""
        name, value = self.get(*names)
        if value is None or value == "":
            return None
        told, zoned = self._moment(value)
        if told is None:
            self.find("time_unreadable", name, f"{shown(value)} is no time of a run.")
            return None
        if not zoned:
            zone = self.reading.zone.tzname(None) or "UTC"
            self.find("time_no_zone", name, f"{shown(value)} names no zone; taken as {zone}.")
        if told > self.reading.at + timedelta(minutes=5):
            self.find("time_in_future", name, f"{shown(value)} is still to come.")
        return told

    def _moment(self, value: Any) -> tuple[datetime | None, bool]:
        if isinstance(value, str) and not isinstance(value, NotFinite):
            return times.from_text(value[:80], self.reading.zone)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return times.from_ms(value), True
        return None, True

    def _refuse(self, name: str, value: Any, wanted: str) -> None:
        """Note what is there in place of what is wanted."""
        if value is not None:
            self.find("wrong_type", name, f"{shown(value)} is not {wanted}.")

    # --- Values that hold others ----------------------------------------------------------------

    def below(self, *names: str) -> "Fields | None":
        """Return an object, None where it is missing or no object."""
        name, value = self.get(*names)
        if isinstance(value, dict):
            return Fields(value, self.at(name), self.reading)
        self._refuse(name, value, "an object")
        return None

    def items(self, *names: str) -> list[tuple[str, Any]]:
        """Return the values of a list, each with its path; a single one counts as a list of one."""
        name, value = self.get(*names)
        if value is None:
            return []
        if not isinstance(value, list):
            self.find("not_a_list", name, "One thing stands where a list is expected.")
            return [(self.at(name), value)]
        return [(f"{self.at(name)}[{place}]", one) for place, one in enumerate(value)]

    def each(self, *names: str) -> "Iterator[Fields]":
        """Yield the objects of a list; what is none is noted and passed over."""
        for path, value in self.items(*names):
            if isinstance(value, dict):
                yield Fields(value, path, self.reading)
            elif value is not None:
                told = f"{shown(value)} is not an object."
                code = "truncated" if isinstance(value, str) and is_truncated(value) else ""
                self.reading.findings.add(code or "wrong_type", path, told)

    def texts(self, *names: str, most: int = 1000) -> list[str]:
        """Return a list of texts; a single text counts as a list of one, null as none."""
        _, value = self.get(*names)
        values = [value] if isinstance(value, str) else [one for _, one in self.items(*names)]
        kept = [tidy(one, LONGEST_PROSE) for one in values if isinstance(one, str) and one.strip()]
        if len(kept) < sum(one is not None and one != "" for one in values):
            self.find("wrong_type", names[0], "Not all of it is text.")
        return kept[:most]

"""Read settings from environment variables, and fail loudly with the variable's name.

Every variable is read through one of these functions and remembered in `VARIABLES`, so that a test
can hold docs/configuration.md against the code.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

PREFIX = "SCENEWATCH_"
VARIABLES: dict[str, str] = {}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True}
_BOOLEANS |= {"0": False, "false": False, "no": False, "off": False, "": False}

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:[1-9]\d{0,4})?")
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)*")


def text(name: str, default: str = "") -> str:
    """Return the variable SCENEWATCH_<name>, or the content of the file SCENEWATCH_<name>_FILE."""
    VARIABLES[PREFIX + name] = default
    path = os.environ.get(f"{PREFIX}{name}_FILE")
    if path is None:
        return os.environ.get(PREFIX + name, default)
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{PREFIX}{name}_FILE: cannot read {path}: {error}") from error


def boolean(name: str, default: bool = False) -> bool:
    """Return a variable that is 1/true/yes/on or 0/false/no/off."""
    value = text(name, "1" if default else "0").strip().lower()
    if value not in _BOOLEANS:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; write one of: 1, true, yes, on, 0, false, no, off."
        )
    return _BOOLEANS[value]


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    """Return a variable that is one of options, written in capitals or not."""
    value = text(name, default).strip().upper()
    if value not in options:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; write one of: {', '.join(options)}."
        )
    return value


def number(name: str, default: float, low: float, high: float) -> float:
    """Return a variable that is a number from low to high."""
    value = text(name, f"{default:g}")
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not low <= result <= high:
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; write a number from {low:g} to {high:g}."
        )
    return result


def whole(name: str, default: int, low: int, high: int) -> int:
    """Return a variable that is a whole number from low to high."""
    value = text(name, str(default)).strip()
    if not (value.isascii() and value.isdigit() and low <= int(value[:9]) <= high):
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; write a whole number from {low} to {high}."
        )
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list without empty items."""
    return [word for word in (part.strip() for part in text(name, default).split(",")) if word]


def numbers(name: str, default: str) -> tuple[float, ...]:
    """Return a comma-separated variable of positive numbers; at least one."""
    try:
        result = tuple(float(word) for word in words(name, default))
    except ValueError:
        result = ()
    if not result or not all(0 < value <= 86_400 for value in result):
        raise ImproperlyConfigured(
            f"{PREFIX}{name} must be numbers above 0 with commas between them, like {default}."
        )
    return result


def origins(name: str) -> tuple[str, ...]:
    """Return a comma-separated variable of exact origins, as browsers write them; none unless set.

    "*" and "null" are refused: they would let in everybody.
    """
    found = tuple(words(name))
    wrong = next((word for word in found if not _ORIGIN.fullmatch(word)), None)
    if wrong is not None:
        raise ImproperlyConfigured(
            f"{PREFIX}{name}: {wrong!r} is no origin; write scheme, host in small letters and, if "
            "it is not the usual one, port, with commas between them, like "
            "https://tools.example.org,http://localhost:3000."
        )
    return found


def base_path(name: str) -> str:
    """Return a variable that is a path below which the site lives, "" for the root of its host."""
    value = text(name).strip().rstrip("/")
    if not _PATH.fullmatch(value):
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is {value!r}; write a path that begins with a slash, of letters, "
            "digits, dots, dashes and underscores, like /scenewatch."
        )
    return value


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return a comma-separated variable of IP addresses and networks; none unless set."""
    try:
        return tuple(ip_network(word, strict=False) for word in words(name))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{PREFIX}{name}: {error}; write addresses or networks with commas between them, "
            "like 10.8.0.0/16,192.168.1.1."
        ) from error

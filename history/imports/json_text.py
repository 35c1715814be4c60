"""Bytes to text, and text to JSON: what is none is told with line and column."""

import codecs
import hashlib
import json
import zlib
from typing import Any

from history.imports.errors import Unreadable
from history.imports.fields import NotFinite

LARGEST_BYTES = 20_000_000
# What scripts write is nested ten deep; whatever goes through it level by level takes far more.
DEEPEST = 100
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def text_of(data: bytes) -> tuple[str, bool]:
    """Return the text, and whether it was UTF-8 or told its encoding; raises Unreadable.

    What is neither is taken as the code page that Windows writes in the west.
    """
    if len(data) > LARGEST_BYTES:
        mb = len(data) / 1e6
        raise Unreadable(f"It has {mb:.1f} MB; {LARGEST_BYTES // 10**6} MB are taken at most")
    try:
        return data.decode(_WIDE.get(data[:2], "utf-8-sig")), True
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), False


def json_of(text: str) -> Any:
    """Return the JSON in a text, NaN and infinities as NotFinite; raises Unreadable."""
    try:
        value = json.loads(text, parse_constant=NotFinite)
    except json.JSONDecodeError as error:
        raise Unreadable(f"It is not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None
    except ValueError:  # an integer of more digits than Python reads
        raise Unreadable("It holds a number of thousands of digits") from None
    _check_depth(value)
    return value


TOO_DEEP = "It is nested too deeply"


def _check_depth(value: Any) -> None:
    """Raise Unreadable for what is nested beyond DEEPEST; level by level, as no call is."""
    level: list[Any] = [[value]]
    for _ in range(DEEPEST + 1):
        below = (one.values() if type(one) is dict else one for one in level)
        level = [e for each in below for e in each if type(e) is dict or type(e) is list]
    if level:
        raise Unreadable(TOO_DEEP)


def digest(value: Any) -> str:
    """Return the SHA-256 of content: the same however it was laid out."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:
    """Return content as JSON in ASCII, its keys in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def packed(value: Any) -> bytes:
    """Return content as it is kept: zlib of JSON."""
    return zlib.compress(canonical(value), 6)


def unpacked(data: bytes) -> Any:
    """Return content that `packed` made."""
    return json.loads(zlib.decompress(data))

"""From bytes to typed structs, within limits, without raising anything but `Unreadable`."""

import json
from typing import Annotated, Any, TypeVar

import msgspec

# A frame or answer above this is not looked at: ComfyUI's own messages stay far below, previews
# and SaveImageWebsocket frames included.
LARGEST_BYTES = 64 * 1024 * 1024
# The second, slower reading is for the odd frame with a NaN or half an emoji, not for bulk.
LARGEST_REPAIR_BYTES = 8 * 1024 * 1024
# All servers are read in one thread: 64 MiB of small objects in JSON take it 4 to 9 s. Text that
# ComfyUI sends over the socket is small, what is large there is binary and not decoded; and no
# graph of people comes near.
LARGEST_TEXT_BYTES = 8 * 1024 * 1024

Id = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]
# Milliseconds since 1970; the upper bound is the year 5138, so that no datetime overflows.
Millis = Annotated[float, msgspec.Meta(ge=0, le=1e14)]

# The nodes of one prompt: far above any graph that people draw.
NODES_LIMIT = 2_000

T = TypeVar("T")


class Unreadable(Exception):
    """The bytes are no usable message; the text says why, without quoting them at length."""


def read(raw: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """Return the JSON in raw as the given struct type.

    Raises Unreadable, and nothing else, for whatever raw may hold: too large, not UTF-8, not JSON,
    nested beyond the interpreter's depth, other types than the struct names.
    """
    if isinstance(raw, str):
        data = raw.encode("utf-8", "replace")
    else:
        data = raw if isinstance(raw, bytes) else bytes(raw)
    if len(data) > LARGEST_BYTES:
        raise Unreadable(f"{len(data)} bytes; the limit is {LARGEST_BYTES}")
    data = _without_nul(data)
    try:
        value: T = _decoder(kind).decode(data)
        return value
    except msgspec.ValidationError as error:
        raise Unreadable(str(error)[:200]) from error
    except RecursionError as error:
        raise Unreadable("nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _read_repaired(data, kind, error)


_DECODERS: dict[Any, "msgspec.json.Decoder[Any]"] = {}


def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.json.Decoder(kind)
    return _DECODERS[kind]


def _without_nul(data: bytes) -> bytes:
    """Return data with escaped NULs replaced: PostgreSQL refuses them in text."""
    return data.replace(b"\\u0000", b"\\ufffd") if b"\\u0000" in data else data


def _read_repaired(data: bytes, kind: type[T], first: Exception) -> T:
    """Read again what Python's json writes and the standard forbids: NaN and lone surrogates."""
    if len(data) > LARGEST_REPAIR_BYTES:
        raise Unreadable(str(first)[:200]) from first
    try:
        value = json.loads(data.decode("utf-8", "replace"), parse_constant=lambda _: None)
        again = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return msgspec.json.decode(again, type=kind)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Unreadable(str(error)[:200]) from first


def clean(text: str, limit: int) -> str:
    """Return text for people: without control characters but newline and tab, cut to limit."""
    cut = text[: limit + 1]
    if cut.isprintable():  # nearly always, and 40 times as fast
        return cut if len(cut) <= limit else cut[: limit - 1] + "…"
    kept = "".join(c if c in "\n\t" or c.isprintable() else "�" for c in cut)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def plain(value: Any, kind: type[T]) -> T | None:
    """Return value if it is of the kind, else None: for the corners that ComfyUI leaves untyped."""
    return value if isinstance(value, kind) else None

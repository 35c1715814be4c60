"""From one batch to the next: types swapped, keys dropped and doubled, numbers beyond reason.

Byte-level changes leave most JSON unreadable; these keep it readable and make it mean nonsense.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.batch import KINDS, Message, packed, unpacked

MOST_MESSAGES = 12

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e15, 1e16, 1e308, 1795179260000, 10**14, 10**14 + 1,
    1 << 31, 1 << 60, (1 << 63) - 1, 1 << 64, 10**30, -(10**30), "", " ", "\n", "\x00", "\x85",
    "\u2028", "\ud800", "\udfff\ud800", "é", "😀", "a", "x" * 201, "x" * 5000, ".", "..", "/",
    [], {}, [[]], [{}], {"": ""}, {"a": None}, "running", "finished", "success", "error",
    "execution_start", "execution_success", "execution_error", "execution_interrupted",
    "ExecutionBlocked", "torch.OutOfMemoryError", "scene-007", "KSampler",
]  # fmt: skip
# What Python's json does not write, put in by text.
RAW = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "9" * 400, "9" * 5000,
    "-" + "9" * 5000, "0." + "3" * 400, "[" * 300 + "]" * 300, "[" * 5000 + "]" * 5000,
    '{"a":' * 1200 + "1" + "}" * 1200, '{"type":1,"type":2}', '"\\ud800"', '"\\u0000"',
    '"\\ud83d\\ude00"', '"\\x"', '{"node":"1","node":null}', "{", "]", "", "01", "+1", "1.", "'a'",
]  # fmt: skip
TYPES = [
    "status", "execution_start", "execution_cached", "executing", "progress", "progress_state",
    "executed", "execution_success", "execution_error", "execution_interrupted", "logs",
    "feature_flags", "assets.seed.started", "crystools.monitor",
]  # fmt: skip
LOG_PIECES = [
    "\r", "\n", "\x1b[0m", "\x1b[", "%|", "|", "/", "[", "]", "it/s", "s/it", "?", ": ", "<",
    "999999999", "0.000000001", "0", "Prompt executed in ", " seconds", "got prompt",
    "Processing interrupted", "!!! Exception during processing !!! ", "100%|", "█" * 40, " " * 60,
    "loaded completely; ", " MB loaded", "GiB", "Requested", "Requested to load ", "é", "\x00",
]  # fmt: skip
_MARK = "\x01raw\x01"


def mutated(data: bytes, rng: Random, other: Callable[[], bytes]) -> bytes:
    """Return a batch near data; `other` proposes a batch to take messages from."""
    messages = unpacked(data) or [Message(ord("T"), b"{}")]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        place = rng.randrange(len(messages))
        if rng.random() < 0.15:
            _shuffle(messages, place, rng, other)
        else:
            kind, payload = messages[place]
            messages[place] = Message(kind, _changed(kind, payload, rng))
    return packed(messages[:MOST_MESSAGES])


def _shuffle(messages: list[Message], place: int, rng: Random, other: Callable[[], bytes]) -> None:
    """Double, drop, move or take over a message, or let it come by another channel."""
    what = rng.randrange(5)
    message = messages[place]
    if what == 0:
        messages.insert(rng.randrange(len(messages) + 1), message)
    elif what == 1 and len(messages) > 1:
        del messages[place]
    elif what == 2:
        messages.append(messages.pop(place))
    elif what == 3:
        messages[place:place] = rng.sample(taken := unpacked(other()), k=min(2, len(taken)))
    else:
        messages[place] = Message(rng.choice(KINDS), message.payload)


def _changed(kind: int, payload: bytes, rng: Random) -> bytes:
    if kind == ord("L") and rng.random() < 0.8:
        return _text_changed(payload, rng, LOG_PIECES)
    if rng.random() < 0.12:
        return _bytes_changed(payload, rng)
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return _bytes_changed(payload, rng)
    box = [value]
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change_in(box, rng)
    return _written(box[0], rng)


def _written(value: Any, rng: Random) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=rng.random() < 0.7)
    except (ValueError, RecursionError):
        return b"[" * 3000
    while (mark := json.dumps(_MARK)) in text:
        text = text.replace(mark, rng.choice(RAW), 1)
    return text.encode("utf-8", "surrogatepass")


def _change_in(box: list[Any], rng: Random) -> None:
    """Walk down to somewhere and change what stands there."""
    holder: Any = box
    key: Any = 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    CHANGES[rng.randrange(len(CHANGES))](holder, key, rng)


def _replace(holder: Any, key: Any, rng: Random) -> None:
    holder[key] = rng.choice(VALUES)


def _replace_raw(holder: Any, key: Any, rng: Random) -> None:
    holder[key] = _MARK


def _nudge(holder: Any, key: Any, rng: Random) -> None:
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        value = rng.randrange(4)
    try:
        holder[key] = rng.choice((value + 1, value - 1, -value, value * 1000, value + 0.5))
    except OverflowError:
        holder[key] = 0


def _drop(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, dict) or len(holder) > 1:
        del holder[key]


def _double(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, dict):
        holder[str(key) + rng.choice(("", "2", "x"))] = holder[key]
    else:
        holder.insert(key, holder[key])


def _rename(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, dict):
        name = rng.choice(("a", "", "x" * 300, "\ud800", "prompt_id", str(rng.randrange(9))))
        holder[name] = holder.pop(key)


def _wrap(holder: Any, key: Any, rng: Random) -> None:
    holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, str(holder[key])[:500]))


def _retype(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, dict) and "type" in holder:
        holder["type"] = rng.choice(TYPES)
    else:
        _replace(holder, key, rng)


def _reword(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder[key], str):
        holder[key] = _text_changed(holder[key].encode("utf-8", "replace"), rng, LOG_PIECES).decode(
            "utf-8", "replace"
        )
    else:
        _nudge(holder, key, rng)


CHANGES: list[Callable[[Any, Any, Random], None]] = [
    _replace, _replace_raw, _nudge, _drop, _double, _rename, _wrap, _retype, _reword,
]  # fmt: skip


def _text_changed(payload: bytes, rng: Random, pieces: list[str]) -> bytes:
    text = payload.decode("utf-8", "replace")
    place = rng.randrange(len(text) + 1)
    cut = place + rng.choice((0, 0, 1, 4, 20))
    return (text[:place] + rng.choice(pieces) * rng.choice((1, 1, 1, 3, 40)) + text[cut:]).encode(
        "utf-8", "replace"
    )


def _bytes_changed(payload: bytes, rng: Random) -> bytes:
    data = bytearray(payload or b"\0")
    for _ in range(rng.choice((1, 2, 8))):
        place = rng.randrange(len(data))
        what = rng.randrange(4)
        if what == 0:
            data[place] = rng.randrange(256)
        elif what == 1:
            data[place] ^= 1 << rng.randrange(8)
        elif what == 2:
            data[place:place] = rng.randbytes(rng.choice((1, 4)))
        elif len(data) > 1:
            del data[place : place + rng.choice((1, 1, 8, 64))]
        data = data or bytearray(b"\0")
    return bytes(data)

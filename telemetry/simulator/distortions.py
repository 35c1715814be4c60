"""Ways to make a JSON text wrong, as a table; each gets a value and returns what is sent."""

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

HUGE = 1_000_000
DEPTH = 50_000
OTHERS: tuple[Any, ...] = (None, True, -1, 1.5, "text", "", [], {}, [[]], {"a": {"b": 1}}, [None])
WHOLES = ("null", "[]", "{}", '"text"', "17", "", "<html>502 Bad Gateway</html>", "[" * 100)
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 4000, "-" + "9" * 400, "-0.0", "1e-999")
# Stands in the encoded text where something goes in that json.dumps would not write.
MARK = "@here@"

Distortion = Callable[[Random, Any], str]


def wrong_type(rng: Random, value: Any) -> str:
    return _with(rng, value, rng.choice(OTHERS))


def missing(rng: Random, value: Any) -> str:
    return json.dumps(_changed(rng, value, lambda place, key: place.pop(key)))


def huge_string(rng: Random, value: Any) -> str:
    return _with(rng, value, rng.choice("A<\n") * HUGE)


def deep(rng: Random, value: Any) -> str:
    """Nest lists or objects beyond what any parser's recursion takes."""
    opening, closing = rng.choice([("[", "]"), ('{"nodes":', "}")])
    return _with_raw(rng, value, opening * DEPTH + "1" + closing * DEPTH)


def odd_number(rng: Random, value: Any) -> str:
    return _with_raw(rng, value, rng.choice(NUMBERS), of=(int, float))


def negative(rng: Random, value: Any) -> str:
    """Turn the sign of every number there is."""
    return json.dumps(_negated(value))


def cut_short(rng: Random, value: Any) -> str:
    text = json.dumps(value)
    return text[: rng.randrange(len(text))]


def said_twice(rng: Random, value: Any) -> str:
    """Repeat all keys of an object within it; elsewhere, the whole text behind itself."""
    text = json.dumps(value)
    return f"{text[:-1]}, {text[1:]}" if isinstance(value, dict) and value else text + text


def something_else(rng: Random, value: Any) -> str:
    return rng.choice(WHOLES)


def not_utf8(rng: Random, value: Any) -> str:
    """Return text that `surrogateescape` encodes to bytes which are no UTF-8."""
    return _with_raw(rng, value, '"\udcff\udcc3("')


DISTORTIONS: Mapping[str, Distortion] = {
    distortion.__name__: distortion
    for distortion in (
        wrong_type,
        missing,
        huge_string,
        deep,
        odd_number,
        negative,
        cut_short,
        said_twice,
        something_else,
        not_utf8,
    )
}


def _with(rng: Random, value: Any, other: Any) -> str:
    return json.dumps(_changed(rng, value, lambda place, key: place.__setitem__(key, other)))


def _with_raw(rng: Random, value: Any, raw: str, of: tuple[type, ...] = (object,)) -> str:
    changed = _changed(rng, value, lambda place, key: place.__setitem__(key, MARK), of)
    return json.dumps(changed).replace(f'"{MARK}"', raw)


def _changed(
    rng: Random,
    value: Any,
    change: Callable[[Any, Any], object],
    of: tuple[type, ...] = (object,),
) -> Any:
    """Return a copy with one place in it changed, drawn from those that hold one of the types."""
    copied = json.loads(json.dumps({"": value}))
    places = list(_places(copied[""]))
    wanted = [(place, key) for place, key in places if isinstance(place[key], of)]
    change(*rng.choice(wanted or places or [(copied, "")]))
    return copied.get("")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of all that is within a value."""
    keys = value if isinstance(value, dict) else range(len(value)) if _is_list(value) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _negated(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict):
        return value
    if isinstance(value, list):
        return [_negated(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _negated(entry) for key, entry in value.items()}
    return -value

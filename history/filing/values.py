"""What is told as the values of rows, in the order of columns whose names are the same."""

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    """Return the names of all that one of a kind tells."""
    return tuple(one.name for one in fields(kind))


def values_of(told: Any) -> list[Any]:
    """Return what is told, in the order of its names, as the database takes it."""
    return attributes_of(told, names_of(told.__class__))


def attributes_of(row: Any, names: tuple[str, ...]) -> list[Any]:
    """Return these attributes as the database takes them: what is nested as JSON."""
    told = _reader(names)(row)
    return [_nested(one) if isinstance(one, dict | list) else one for one in told]


def _nested(value: dict[str, Any] | list[Any]) -> str:
    # Most are empty.
    return json.dumps(value) if value else "{}" if isinstance(value, dict) else "[]"


@cache
def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*names)

"""The API's document as people read it: routes with their parameters, and shapes. Pure.

It knows what this API's document holds (config/api.py) and no more of OpenAPI.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
# What a value is, in words; a format says more than its type.
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "date-time": "time",
    "object": "object",
}
ANYTHING = "any value"
# When a request is refused, by status (telemetry/api_errors.py has the codes).
WHEN = {
    400: "a parameter that is not known here, a cursor of another list, a team that must be named",
    401: "no token, or one that is unknown, expired, revoked, or whose owner left the team",
    403: "the token's scope, or its owner's role, does not include it",
    404: "no such thing, or not this team's: the two are not told apart",
    405: "what a route cannot be asked",
    409: "it is not so that this can be done now",
    413: "more than one document may be",
    422: "a value that cannot be",
    429: "too often: wait as many seconds as Retry-After says",
    500: "our mistake; the site's log says which",
    503: "the database or Redis is away: ask again in some seconds",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: `many` for a list of it; `shape` names what has fields or choices."""

    words: str
    shape: str = ""
    many: bool = False
    null: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a shape; `default` is "" where there is none."""

    name: str
    kind: Kind
    about: str
    required: bool
    default: str
    choices: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """What can be asked; `answer` and `body` name shapes, "" where there is none."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Field, ...]
    answer: str
    body: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands in answers: an object with fields, or one of a few words."""

    name: str
    about: str
    fields: tuple[Field, ...]
    choices: tuple[str, ...]


class ApiPage:
    """The document, cut into what the page shows."""

    def __init__(self, document: Schema) -> None:
        self._paths: Schema = document["paths"]
        self._schemas: Schema = document["components"]["schemas"]

    @cached_property
    def routes(self) -> list[Route]:
        """Return every route, in the document's order."""
        return [
            self._route(method, path, told)
            for path, methods in self._paths.items()
            for method, told in methods.items()
        ]

    @cached_property
    def shapes(self) -> list[Shape]:
        """Return the shapes that answers are made of, each once, in the order of their use."""
        found: dict[str, None] = {}
        for route in self.routes:
            for name in filter(None, (route.body, route.answer)):
                self._gather(name, found)
        self._gather("Error", found)
        return [self._shape(name) for name in found]

    def _route(self, method: str, path: str, told: Schema) -> Route:
        good = next(told for status, told in told["responses"].items() if str(status)[0] == "2")
        return Route(
            anchor=told["operationId"].partition("_api_")[2].replace("_", "-"),
            method=method.upper(),
            path=path,
            summary=told["summary"],
            about=_prose(told),
            parameters=tuple(self._parameter(asked) for asked in told.get("parameters", ())),
            answer=_content(good),
            body=_content(told.get("requestBody", {})),
        )

    def _parameter(self, asked: Schema) -> Field:
        return self._field(
            asked["name"], asked["schema"], asked.get("required", False), asked["in"]
        )

    def _field(self, name: str, schema: Schema, required: bool, where: str = "") -> Field:
        kind = kind_of(schema)
        default = schema.get("default")
        return Field(
            name=name,
            kind=kind,
            about=_prose(schema),
            required=required,
            default="" if default in (None, []) else str(default),
            choices=tuple(_choices(schema)) or tuple(self._words(kind.shape)),
            where=where,
        )

    def _words(self, shape: str) -> list[str]:
        return list(self._schemas[shape].get("enum", ())) if shape else []

    def _shape(self, name: str) -> Shape:
        told = self._schemas[name]
        required = told.get("required", ())
        fields = told.get("properties", {}).items()
        return Shape(
            name,
            _prose(told),
            tuple(self._field(key, schema, key in required) for key, schema in fields),
            tuple(told.get("enum", ())),
        )

    def _gather(self, name: str, found: dict[str, None]) -> None:
        if name in found:
            return
        found[name] = None
        for field in self._shape(name).fields:
            if field.kind.shape:
                self._gather(field.kind.shape, found)


def kind_of(schema: Schema) -> Kind:
    """Return what a schema allows, in words."""
    null = {"type": "null"} in schema.get("anyOf", ())
    some = [each for each in schema.get("anyOf", (schema,)) if each != {"type": "null"}]
    one = some[0] if len(some) == 1 else {}
    many = one.get("type") == "array"
    item = one["items"] if many else one
    shape = _name(item)
    words = "" if shape else WORDS.get(item.get("format") or item.get("type", ""), ANYTHING)
    return Kind(words, shape, many, null)


def _content(told: Schema) -> str:
    """Return the name of the shape that an answer or a body has."""
    return _name(told.get("content", {}).get("application/json", {}).get("schema", {}))


def _prose(told: Schema) -> str:
    """Return a description as one line without the marks of its docstring."""
    return " ".join(told.get("description", "").replace("`", "").split())


def _choices(schema: Schema) -> Iterator[str]:
    """Yield the words that a schema allows, by itself or in a list."""
    yield from schema.get("enum", ())
    yield from schema.get("items", {}).get("enum", ())


def _name(schema: Schema) -> str:
    """Return the name of the shape that a schema refers to, "" for none."""
    return str(schema.get("$ref", "")).removeprefix(REFERENCE)

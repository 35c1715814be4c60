"""docs/models.md: what the tables hold and how they hang together, from the models themselves.

The migrations make those tables (`makemigrations --check`), so what is written here is what a
database has.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models

PATH = Path(__file__).resolve().parent.parent / "docs" / "models.md"
APPS = ("telemetry", "history")
LOOKUPS = {"gte": "≥", "lte": "≤", "in": "one of", "is": "is"}
HEAD = """\
# Tables

Made by `python3 manage.py describe_models` from the models; do not edit. What the tables are for,
and why they are so: [history.md](history.md), [servers.md](servers.md), [people.md](people.md).

In the diagrams a line leads from what is pointed at to what points at it: `||--o{` many rows may
point at one, `||--o|` one may, `|o` instead of `||` says that it need not. Primary keys and columns
are in the tables below them. `_s` are seconds, `_bytes` bytes, `_at` times in UTC.
"""


def document() -> str:
    """Return docs/models.md as it should be."""
    parts = [HEAD]
    for label in APPS:
        found = sorted(apps.get_app_config(label).get_models(), key=lambda one: one.__name__)
        parts += [f"## {label.capitalize()}\n", _diagram(found), *(_section(one) for one in found)]
    return "\n".join(parts)


def _diagram(found: Iterable[type[models.Model]]) -> str:
    lines = [line for model in found for line in _relations(model)]
    return "\n".join(["```mermaid", "erDiagram", *lines, "```\n"])


def _relations(model: type[models.Model]) -> Iterator[str]:
    for field in _columns(model):
        if field.remote_field is not None:
            one = "|o" if field.null else "||"
            many = "o|" if field.one_to_one else "o{"
            yield f"    {_target(field)} {one}--{many} {model.__name__} : {field.name}"


def _section(model: type[models.Model]) -> str:
    """Return a model's table of columns, and what its database holds it to."""
    meta = model._meta
    rows = [_row(field) for field in _columns(model)]
    held = [*(_constraint(one) for one in meta.constraints), *(_index(one) for one in meta.indexes)]
    return "\n".join(
        [
            f"### {model.__name__}\n",
            f"{_text(model)}\n",
            f"Table `{meta.db_table}`.\n",
            "| column | type | empty | |",
            "|---|---|---|---|",
            *rows,
            "",
            *([*held, ""] if held else []),
        ]
    )


def _columns(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


def _row(field: Any) -> str:
    notes = [f"→ {_target(field)}"] if field.remote_field is not None else []
    notes += ["primary key"] if field.primary_key else []
    if field.choices:
        notes.append("one of " + ", ".join(str(value) for value, _ in field.choices))
    if field.help_text:
        notes.append(_cell(str(field.help_text).rstrip(".")))
    cells = (field.column, _type(field), "null" if field.null else "–", "; ".join(notes))
    return f"| {' | '.join(cells)} |"


def _type(field: Any) -> str:
    name = field.get_internal_type().removesuffix("Field")
    return f"{name}({field.max_length})" if field.max_length else str(name)


def _target(field: Any) -> str:
    return str(field.related_model.__name__)


def _constraint(constraint: Any) -> str:
    if isinstance(constraint, models.UniqueConstraint):
        return f"- unique `{constraint.name}`: {', '.join(constraint.fields)}"
    return f"- check `{constraint.name}`: {_condition(constraint.condition)}"


def _condition(told: Any) -> str:
    """Return a condition in words: "waited_s ≥ 0 and duration_s ≥ 0"."""
    if isinstance(told, models.Q):
        words = [_condition(one) for one in told.children]
        inner = f" {told.connector.lower()} ".join(words)
        return f"({inner})" if len(words) > 1 and told.connector == "OR" else inner
    name, value = told
    column, _, lookup = name.rpartition("__") if "__" in name else (name, "", "is")
    if lookup == "isnull":
        return f"{column} is {'' if value else 'not '}null"
    return f"{column} {LOOKUPS[lookup]} {_value(value)}"


def _value(value: Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _index(index: models.Index) -> str:
    return f"- index `{index.name}`: {', '.join(index.fields)}"


def _text(model: type[models.Model]) -> str:
    """Return the first paragraph of a model's docstring."""
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""Rows that templates read."""

from dataclasses import dataclass

import pytest
from django.template import Context, Template

from telemetry.readable import Readable


@dataclass(frozen=True, slots=True)
class Row(Readable):
    """A row."""

    name: str

    @property
    def loud(self) -> str:
        """Return the name, louder."""
        return f"{self.name}!"


def drawn(text: str) -> str:
    return Template(text).render(Context({"row": Row("dusk")}))


def test_a_template_finds_fields_and_properties() -> None:
    assert drawn("{{ row.name }} {{ row.loud }}") == "dusk dusk!"


def test_it_is_asked_as_a_template_asks_first() -> None:
    """Else the template is refused, and asks again in another way."""
    assert Row("dusk")["name"] == "dusk"


def test_a_name_that_is_not_there_is_nothing() -> None:
    assert drawn("{{ row.other }}{% if row.other %}yes{% endif %}") == ""


def test_it_stays_a_value() -> None:
    assert {Row("dusk"), Row("dusk")} == {Row("dusk")}
    with pytest.raises(AttributeError):
        Row("dusk").__setattr__("name", "dawn")

"""Parts that are drawn once for each value."""

import pytest
from django.template import Context, Template
from django.test import override_settings

from telemetry.overview import Cell
from telemetry.templatetags import drawn

CELLS = (Cell("failed", "F"), Cell("completed", ""))
STRIP = '{% load drawn %}{% drawn "history/_strip.html" cells=cells words=words %}'


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    drawn._drawn.cache_clear()


def _strip(words: str) -> str:
    return Template(STRIP).render(Context({"cells": CELLS, "words": words, "unasked": "x"}))


def test_it_draws_a_value_once() -> None:
    assert _strip("2 scenes") == _strip("2 scenes")
    assert drawn._drawn.cache_info().misses == 1


def test_it_draws_another_value_anew() -> None:
    assert 'title="2 scenes"' in _strip("2 scenes")
    assert 'title="3 scenes"' in _strip("3 scenes")


def test_it_escapes_what_a_value_says() -> None:
    assert "&lt;b&gt;" in _strip("<b>")


@override_settings(DEBUG=True)
def test_it_keeps_nothing_while_templates_are_worked_on() -> None:
    _strip("2 scenes")

    assert drawn._drawn.cache_info().currsize == 0

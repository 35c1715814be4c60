"""Draw once, and keep, a small part that many rows show."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.template.loader import get_template

register = template.Library()
MOST = 2048


@register.simple_tag
def drawn(name: str, **values: Hashable) -> str:
    """Return what a template makes of values alone, which are immutable; the page lends none.

    What depends on who looks, as times and the addresses of a team do, is among the values as text
    or is not there.
    """
    if settings.DEBUG:
        return str(get_template(name).render(values))
    return _drawn(name, tuple(values.items()))


@lru_cache(maxsize=MOST)
def _drawn(name: str, values: tuple[tuple[str, Hashable], ...]) -> str:
    html: str = _template(name).render(dict(values))
    return html


@lru_cache
def _template(name: str) -> Any:
    return get_template(name)

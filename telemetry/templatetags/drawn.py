"""Draw once, and keep, a small part that many rows show."""

from collections.abc import Hashable
from functools import lru_cache

from django import template
from django.conf import settings
from django.template.loader import get_template

register = template.Library()
MOST = 2048


@register.simple_tag
def drawn(name: str, **values: Hashable) -> str:
    """Return what a template makes of values alone, which are immutable; the page lends none.

    Only for what does not depend on who looks: no times, no addresses of a team.
    """
    draw = _drawn.__wrapped__ if settings.DEBUG else _drawn
    return draw(name, tuple(values.items()))


@lru_cache(maxsize=MOST)
def _drawn(name: str, values: tuple[tuple[str, Hashable], ...]) -> str:
    return get_template(name).render(dict(values))

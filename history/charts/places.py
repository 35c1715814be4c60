"""Where a chart stands on a page."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from history.charts.library import digest


@dataclass(frozen=True, slots=True)
class Place:
    """A chart's card: its title, and the addresses of its data, its table and the library.

    `version` is any text that changes with the data: an open page asks again only when it did, and
    with "" whenever the part around the card was refreshed.
    """

    key: str
    title: str
    data: str
    page: str
    library: str
    version: str = ""


def place(key: str, title: str, data: str, page: str, /, **arguments: Any) -> Place:
    """Return a chart's place; `data` and `page` are names of routes with the same arguments."""
    return Place(
        key,
        title,
        reverse(data, kwargs=arguments),
        reverse(page, kwargs=arguments),
        reverse("chart_library", args=[digest()]),
    )

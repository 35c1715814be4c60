"""Hot values: those that change with every step. A part of a card has slots in their place.

So the HTML of a part stays the same while its prompt samples: it is rendered once, and what changes
goes to the viewers as patches (element, name, value) of some fifty bytes. What stands in a slot is
filled in where the HTML leaves for a page or a message.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# An element's id, the name of an attribute or TEXT, the value.
Patch = tuple[str, str, str]
TEXT = "text"
# No text of a server can be mistaken for a slot: once escaped it holds no "<".
_SLOT = re.compile(r"<\?(\S+) (\S+)\?>")


@dataclass(frozen=True, slots=True)
class Hot:
    """A hot value: equal to any other of the same place, rendered by templates as its slot."""

    element: str
    name: str
    value: str = field(compare=False)

    def __str__(self) -> SafeString:
        return mark_safe(f"<?{self.element} {self.name}?>")

    @property
    def patch(self) -> Patch:
        """Return the value and its place as they go over the wire."""
        return self.element, self.name, self.value


def filled(html: str, patches: Iterable[Patch]) -> str:
    """Return HTML with the values in its slots, escaped; "" where a slot has none."""
    if "<?" not in html:
        return html
    values = {(element, name): value for element, name, value in patches}
    return _SLOT.sub(lambda slot: escape(values.get((slot[1], slot[2]), "")), html)

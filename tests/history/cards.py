"""What stands in the cards of a page, as a reader without pictures finds it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "br", "hr", "img", "meta", "link", "use", "path", "rect", "line", "circle"}
# What a card has drawn or listed; anything else has to say in words why there is none of it.
SHOWN = {"td", "li", "dd", "input", "textarea", "article", "figure"}


@dataclass
class Card:
    """A card: its heading, its words below the head, and whether it shows anything."""

    heading: str = ""
    words: str = ""
    shows: bool = False
    charts: list[str] = field(default_factory=list)


class _Cards(HTMLParser):
    """Collect cards; of those within another only the outer one."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self._path: list[str] = []
        self._card_at: int | None = None
        self._head_at: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        looks = (known.get("class") or "").split()
        if self._card_at is None and "card" in looks:
            self.cards.append(Card())
            self._card_at = len(self._path)
        if self._card_at is not None:
            if known.get("data-chart"):
                self.cards[-1].charts.append(known["data-chart"] or "")
            if self._head_at is None and ("card-head" in looks or tag in ("h2", "h3")):
                self._head_at = len(self._path)
            elif self._head_at is None and tag in SHOWN:
                self.cards[-1].shows = True
        if tag not in VOID:
            self._path.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag not in self._path:
            return
        while self._path.pop() != tag:
            pass
        if self._head_at is not None and len(self._path) <= self._head_at:
            self._head_at = None
        if self._card_at is not None and len(self._path) <= self._card_at:
            self._card_at = None

    def handle_data(self, data: str) -> None:
        if self._card_at is None or not data.strip():
            return
        if self._head_at is not None:
            self.cards[-1].heading += f" {data.strip()}"
        else:
            self.cards[-1].words += f" {data.strip()}"


def cards_of(html: str) -> list[Card]:
    """Return the cards of a page, in its order."""
    reader = _Cards()
    reader.feed(html)
    return reader.cards

"""Topics and places in them, as they are written in addresses: `team-1` and `team-1@3f2a.12`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from telemetry.stores import Stamp

# Nobody's page needs more; each costs a query when it is opened.
MOST_TOPICS = 20
_WANTED = re.compile(r"([a-z]{1,16}-[1-9][0-9]{0,17})(?:@([0-9a-f]{1,32})\.([0-9]{1,15}))?")


class NotATopic(ValueError):
    """What was asked for is not written like a topic, or is too much; says what to write."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic, and how far whoever asks has come in it; None where from the beginning."""

    topic: str
    place: Stamp | None = None

    def __str__(self) -> str:
        if self.place is None:
            return self.topic
        return f"{self.topic}@{self.place.epoch}.{self.place.seq}"


def wanted(text: str) -> Wanted:
    """Read a topic as it is written, with or without a place; raises NotATopic."""
    found = _WANTED.fullmatch(text)
    if found is None:
        raise NotATopic(f"{text[:80]!r} is no topic: write team-1, or team-1@EPOCH.SEQ")
    topic, epoch, seq = found.groups()
    return Wanted(topic, None if epoch is None else Stamp(epoch, int(seq)))


def wanted_in(query: str) -> list[Wanted]:
    """Read the `topic=` of a query, each once; raises NotATopic, also where there is none."""
    try:
        pairs = parse_qsl(query, max_num_fields=2 * MOST_TOPICS)
    except ValueError:
        raise NotATopic(f"more than {MOST_TOPICS} topics") from None
    found = {each.topic: each for name, text in pairs if name == "topic" for each in [wanted(text)]}
    if not found:
        raise NotATopic("no topic: write ?topic=team-1")
    if len(found) > MOST_TOPICS:
        raise NotATopic(f"more than {MOST_TOPICS} topics")
    return list(found.values())


def joined(places: Iterable[Wanted]) -> str:
    """Return places as one text, as an ETag or an event's id has them."""
    return ",".join(str(each) for each in places)


def caught_up(asked: list[Wanted], event_id: str) -> list[Wanted]:
    """Return what was asked for, with the places that a Last-Event-ID tells; bad ones are none."""
    told = {each.topic: each for text in event_id.split(",") for each in _readable(text)}
    return [told.get(each.topic, each) for each in asked]


def _readable(text: str) -> list[Wanted]:
    try:
        return [wanted(text)]
    except NotATopic:
        return []

"""What the viewers' notes say: how long texts were under way, and which were missed. Pure."""

import json
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks._live.audience import Heard
from benchmarks.figures import Figure

# Returns a message's time of sending in ns, given it and when the first viewer had it; None for one
# that is not measured, such as a snapshot.
SentAt = Callable[[dict[str, Any], int], int | None]


def lags_ms(heard: Iterable[Heard], sent_at: SentAt) -> list[float]:
    """Return how long each delivery was under way, in ms, for messages that have a time."""
    lags = []
    for each in heard:
        first_ns = first_came_ns(each)
        sent_ns = [sent_at(json.loads(text), first_ns[n]) for n, text in enumerate(each.texts)]
        for place, at_ns in each.came:
            sent = sent_ns[place]
            if sent is not None:
                lags.append((at_ns - sent) / 1e6)
    return lags


def first_came_ns(heard: Heard) -> list[int]:
    """Return when the first viewer of a process had each text, in ns."""
    first: dict[int, int] = {}
    for place, at_ns in heard.came:
        first.setdefault(place, at_ns)
    return [first[place] for place in range(len(heard.texts))]


def told_in_step(message: dict[str, Any], came_ns: int) -> int | None:
    """Return the time that the publisher wrote into the step of a message."""
    if message["type"] != "change":
        return None
    values = (patch[-1] for patch in message["patches"] if patch[0].endswith("-step"))
    return next((int(value) for value in values), None)


def percentiles(name: str, values: list[float], limits: tuple[float | None, ...]) -> list[Figure]:
    """Return p50 and p99, with the limit of each; – where there are too few values."""
    cuts = statistics.quantiles(values, n=100, method="inclusive") if len(values) > 1 else None
    return [
        Figure(f"{name}, p{rank}", cuts[rank - 1] if cuts else None, "ms", limit)
        for rank, limit in zip((50, 99), limits, strict=True)
    ]

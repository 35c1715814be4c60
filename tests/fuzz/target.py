"""What the collector does with a message, up to its card: nothing of it may raise, or take long."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from telemetry.activity import happenings
from telemetry.attempt import AttemptState
from telemetry.cards import card_of
from telemetry.comfyui import _skew
from telemetry.contact import Answered, Passed, SocketClosed, SocketOpened, StatsTold
from telemetry.leases import Leased
from telemetry.machine import ServerState
from telemetry.outlook import Outlook
from telemetry.protocol import decode, read_history, read_jobs, read_queue, read_stats
from telemetry.protocol.frames import LogEntry, Logs, Malformed
from telemetry.protocol.wire import Unreadable
from telemetry.referee import HistoryTold, QueueTold, unjudged
from tests.fuzz.batch import Message, unpacked

BEGAN = datetime(2026, 11, 20, 12, 54, 20, tzinfo=UTC)
STEP = timedelta(seconds=0.4)
LEASED = Leased(1, 1, "fuzzed", "http://fuzzed:8188", "", False, 1)
# A message of at most SMALL bytes must not hold the other servers up for longer than this.
SMALL = 64 * 1024
SLOW_S = 0.05
USELESS = {"Malformed", "Unreadable", "Unknown"}


@dataclass
class Tally:
    """How many messages of which channel came to what, and those that took too long."""

    messages: int = 0
    batches: int = 0
    events: Counter[str] = field(default_factory=Counter)
    slow: list[tuple[float, Message]] = field(default_factory=list)
    slowest_s: float = 0.0

    @property
    def useful(self) -> int:
        """Return how many messages became a real event."""
        return sum(n for name, n in self.events.items() if name.split()[1] not in USELESS)


class Broken(AssertionError):
    """A message left a state that cannot be."""


def take(data: bytes, tally: Tally) -> None:
    """Have a fresh server's state take a batch in, as Watch.take would; raises what that raises."""
    tally.batches += 1
    take_messages(unpacked(data), tally)


def take_messages(messages: list[Message], tally: Tally) -> None:
    """Have a fresh server's state take messages in; raises what that raises."""
    state, at = ServerState(), BEGAN
    for number, message in enumerate(messages):
        began = time.thread_time()
        at += STEP
        name = _message(state, message, at)
        if number % 4 == 3:
            card_of(state, LEASED, at)
        _clock(tally, time.thread_time() - began, message)
        tally.messages += 1
        tally.events[f"{chr(message.kind)} {name}"] += 1
    _look_ahead(state)
    card_of(state, LEASED, at)
    _check(state)


def _clock(tally: Tally, took_s: float, message: Message) -> None:
    tally.slowest_s = max(tally.slowest_s, took_s)
    if took_s > SLOW_S and len(message.payload) <= SMALL and len(tally.slow) < 100:
        tally.slow.append((took_s, message))


def _message(state: ServerState, message: Message, at: datetime) -> str:
    name = "Unreadable"
    try:
        for event in EVENTS[message.kind](message.payload, at):
            name = type(event).__name__
            happenings(state, state.apply(event, at))
    except Unreadable as error:
        state.apply(Malformed("answer", str(error)), at)
    return name


def _text(payload: bytes, at: datetime) -> Iterator[Any]:
    yield decode(payload.decode("utf-8", "surrogateescape"))


def _log(payload: bytes, at: datetime) -> Iterator[Any]:
    text = payload.decode("utf-8", "replace")
    yield Logs([LogEntry(text, at.replace(tzinfo=None).isoformat()), LogEntry(text, text[:40])])


def _date(payload: bytes, at: datetime) -> Iterator[Any]:
    response: Any = SimpleNamespace(headers={"Date": payload.decode("latin-1")})
    yield Answered(_skew(response, at))


def _history(complete: bool, single: bool) -> Callable[[bytes, datetime], Iterator[Any]]:
    def told(payload: bytes, at: datetime) -> Iterator[Any]:
        answer = read_history(payload)
        only = answer.entries[0].item.prompt_id if single and answer.entries else None
        yield HistoryTold(answer, at - STEP / 4, complete, only)

    return told


EVENTS: dict[int, Callable[[bytes, datetime], Iterator[Any]]] = {
    ord("T"): _text,
    ord("B"): lambda payload, at: iter([decode(payload)]),
    ord("L"): _log,
    ord("D"): _date,
    ord("Q"): lambda payload, at: iter([QueueTold(read_queue(payload), at - STEP / 2)]),
    ord("H"): _history(complete=True, single=False),
    ord("h"): _history(complete=False, single=False),
    ord("o"): _history(complete=False, single=True),
    ord("S"): lambda payload, at: iter([StatsTold(read_stats(payload))]),
    ord("J"): lambda payload, at: iter([read_jobs(payload)]),
    ord("P"): lambda payload, at: iter([Passed()]),
    ord("C"): lambda payload, at: iter([SocketClosed("cut"), SocketOpened(True)]),
}


def _look_ahead(state: ServerState) -> None:
    """Let the state know outlooks as the record would give them, for the card's ETAs."""
    lengths: dict[str, list[float]] = {}
    for ended in state.recent:
        if ended.facts.workload and ended.duration_s is not None:
            lengths.setdefault(ended.facts.workload, []).append(ended.duration_s)
    for workload, took in lengths.items():
        state.outlooks[workload] = Outlook(len(took), took[0], min(took), max(took))


def _check(state: ServerState) -> None:
    """Raise Broken where the state holds what no events may lead to."""
    _expect(unjudged(state) == [a.key.prompt_id for a in _vanished(state)], "unjudged")
    _expect(not state.untold, "something was left untold")
    _expect(all(a.is_open for a in state.attempts.values()), "an ended attempt is kept as open")
    _expect(all(key == a.key.prompt_id for key, a in state.attempts.items()), "a wrong key")


def _vanished(state: ServerState) -> list[AttemptState]:
    return [a for a in state.attempts.values() if a.vanished_at is not None]


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)

"""What a server is doing, from the events of all its channels. Pure: no Django, no clock, no I/O.

`ServerState.apply(event, at)` returns what the event changed. Late, repeated and contradicting
events are harmless: the best grade wins, an end is only ever corrected by a better one. Who decides
what is split by channel:

    running.py   frames of /ws: starts, nodes, steps, ends (our own prompts, and broadcasts)
    referee.py   /queue and /history: who exists, who vanished, how it ended, restarts
    logstream.py log lines: steps of everybody's prompts
    contact.py   whether the server answers at all
    gpu.py       memory of its devices, and what each attempt took of it
    moving.py    whether the ComfyUI at a changed address is the one that was known
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from telemetry import contact, gpu, logstream, moving, packs, referee, running
from telemetry.admission import Admission
from telemetry.attempt import AttemptState
from telemetry.contact import Contact
from telemetry.hearing import Channel, Health, unheard
from telemetry.logbook import Logbook
from telemetry.outlook import Outlook
from telemetry.protocol import StatsAnswer
from telemetry.protocol import frames as f
from telemetry.protocol.outputs import Outputs
from telemetry.transitions import AttemptEnded, AttemptStarted, Key, Transition
from telemetry.words import Grade, Status

# ComfyUI keeps 10 001 prompts; what it can tell again must still be known here.
KNOWN_LIMIT = 12_000
RECENT_LIMIT = 5
# Frames can name prompts that are in no queue; beyond this they do not make new ones known.
OPEN_LIMIT = 10_000
OUTLOOKS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Ended:
    """What must be remembered of an ended prompt to know it again."""

    key: Key
    number: float | None
    end: AttemptEnded


@dataclass(slots=True)
class ServerState:
    """One server's prompts, log, contact and memory; built anew by replaying what is on record."""

    attempts: OrderedDict[str, AttemptState] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, Ended] = field(default_factory=OrderedDict)
    recent: deque[AttemptState] = field(default_factory=lambda: deque(maxlen=RECENT_LIMIT))
    logbook: Logbook = field(default_factory=Logbook)
    contact: Contact = field(default_factory=Contact)
    channels: dict[Channel, Health] = field(default_factory=unheard)
    untold: dict[str, AttemptState] = field(default_factory=dict)
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    stats: StatsAnswer | None = None
    stats_at: datetime | None = None
    # None: nobody told; by name, the version or a digest of its nodes.
    node_packs: dict[str, str] | None = None
    gpus: gpu.Gpus = field(default_factory=gpu.Gpus)
    queue_remaining: int | None = None
    queue_known: bool = False
    # The highest number that ComfyUI gave out in its life; a fresh lower one means a new life.
    highest_number: float = -1.0
    # Prompts found in the history that ran unwatched, until told as activity.
    found_later: int = 0
    backfilling: bool = False
    # A change of address, until it is known whether this is the same ComfyUI.
    move: moving.Move | None = None
    # Prompts that ended before this may have been recorded and deleted: they are not found again.
    forgotten_before: datetime | None = None
    skew_s: float | None = None
    admission: Admission = field(default_factory=Admission)
    malformed: int = 0
    last_malformed: str = ""
    unknown: Counter[str] = field(default_factory=Counter)

    def apply(self, event: Any, at: datetime) -> list[Transition]:
        """Take one event of any channel in, and return what it changed.

        `at` is when the event came, by our clock. Events of types without an entry in HANDLERS
        change nothing.
        """
        handler = HANDLERS.get(type(event))
        changes = list(handler(self, event, at)) if handler else []
        changes += gpu.follow(self, event, changes, at)
        return [*self._seen(), *changes]

    def _seen(self) -> list[Transition]:
        """Tell of attempts that are new or newly identified; their graphs are for the record."""
        told = [attempt.seen() for attempt in self.untold.values()]
        for attempt in self.untold.values():
            attempt.forget_graph()
        self.untold.clear()
        return list(told)

    # --- Attempts -------------------------------------------------------------------------------

    def open_attempts(self) -> list[AttemptState]:
        """Return the attempts that have not ended, in the order in which they came or began."""
        return [attempt for attempt in self.attempts.values() if attempt.is_open]

    def running_attempt(self) -> AttemptState | None:
        """Return the attempt that executes now, None while none is known to.

        ComfyUI runs one at a time: the last to begin. How the one before ended is yet to be told.
        """
        latest_first = reversed(self.attempts.values())
        return next((a for a in latest_first if a.status is Status.RUNNING), None)

    def queued_attempts(self) -> list[AttemptState]:
        """Return the attempts that wait, next first."""
        waiting = [a for a in self.attempts.values() if a.status is Status.QUEUED]
        return sorted(waiting, key=lambda a: a.number if a.number is not None else float("inf"))

    def known(self, prompt_id: str) -> AttemptState | None:
        """Return the open attempt with this prompt_id."""
        return self.attempts.get(prompt_id)

    def add(self, prompt_id: str, at: datetime, number: float | None = None) -> AttemptState | None:
        """Begin to follow a prompt; a used prompt_id gets the next repeat.

        None where the server names more prompts than can be followed.
        """
        if not self.admission.admits(at, len(self.attempts)):
            return None
        before = self.ended.get(prompt_id)
        repeat = before.key.repeat + 1 if before else 0
        attempt = AttemptState(Key(prompt_id, repeat), at, number)
        self.attempts[prompt_id] = attempt
        self.tell(attempt)
        return attempt

    def tell(self, attempt: AttemptState) -> None:
        """Have AttemptSeen told of the attempt, before all else that the event changed."""
        self.untold[attempt.key.prompt_id] = attempt

    def sight(self, prompt_id: str, at: datetime) -> AttemptState | None:
        """Return the open attempt that a frame speaks of; None where it is late: it has ended."""
        attempt = self.attempts.get(prompt_id)
        if attempt is None and prompt_id not in self.ended and len(self.attempts) < OPEN_LIMIT:
            attempt = self.add(prompt_id, at)
        return attempt

    def start(
        self, attempt: AttemptState, started_at: datetime, grade: Grade
    ) -> Iterator[AttemptStarted]:
        """Set the attempt running, or correct when it began by a better grade."""
        known = attempt.started_grade
        if not attempt.is_open or (known is not None and known.rank <= grade.rank):
            return
        if attempt.status is not Status.RUNNING:
            self.attempts.move_to_end(attempt.key.prompt_id)
        attempt.status = Status.RUNNING
        attempt.started_at, attempt.started_grade = started_at, grade
        yield AttemptStarted(attempt.key, started_at, grade)

    def finish(self, attempt: AttemptState, end: AttemptEnded) -> Iterator[Transition]:
        """End the attempt: its running nodes end with it, its last words are kept."""
        if attempt.started_grade is not None and end.started_at is not None:
            # When it began, which a poll told only roughly, comes exact with the end.
            yield from self.start(attempt, end.started_at, end.grade)
        ended_at = end.ended_at or attempt.seen_at
        for run in list(attempt.nodes.values()):
            yield from attempt.finish_node(run.node, ended_at)
        attempt.end, attempt.status = end, Status.ENDED
        attempt.started_at = end.started_at or attempt.started_at
        self.attempts.pop(attempt.key.prompt_id, None)
        self.remember(Ended(attempt.key, attempt.number, end))
        if not attempt.found_later:
            self.recent.appendleft(attempt)
        yield end

    def correct(self, known: Ended, end: AttemptEnded) -> Iterator[AttemptEnded]:
        """Replace an end by one of a better grade, or by one that tells more."""
        merged = _merged(known.end, end)
        if _remembered(merged) == known.end:
            return
        self.remember(replace(known, end=merged))
        for attempt in self.recent:
            if attempt.key == known.key:
                attempt.end = merged
                attempt.started_at = merged.started_at or attempt.started_at
        yield merged

    def remember(self, ended: Ended) -> None:
        """Keep an ended prompt as known, and forget the oldest beyond the limit."""
        self.ended[ended.key.prompt_id] = replace(ended, end=_remembered(ended.end))
        self.ended.move_to_end(ended.key.prompt_id)
        while len(self.ended) > KNOWN_LIMIT:
            self.ended.popitem(last=False)

    def pass_over(self, number: float | None, end: AttemptEnded) -> None:
        """Know an ended prompt without telling of it."""
        self.remember(Ended(end.key, number, end))

    def keep_outlook(self, workload: str, outlook: Outlook) -> None:
        """Keep how long a workload takes, and forget the one that was told longest ago."""
        self.outlooks.pop(workload, None)
        self.outlooks[workload] = outlook
        while len(self.outlooks) > OUTLOOKS_LIMIT:
            self.outlooks.pop(next(iter(self.outlooks)))

    def note_number(self, number: float | None) -> None:
        """Keep the highest number that ComfyUI gave out (front of the queue: negative)."""
        if number is not None:
            self.highest_number = max(self.highest_number, abs(number))


def _remembered(end: AttemptEnded) -> AttemptEnded:
    """Return an end as it is remembered: tracebacks and file names are for the record, not memory.

    How many files there were stays, so that the same is not told again.
    """
    fault, outputs = end.fault, end.outputs
    if fault is not None and fault.traceback is not None:
        end = replace(end, fault=replace(fault, traceback=None))
    if outputs is not None and outputs.files:
        end = replace(end, outputs=Outputs(count=outputs.count))
    return end


def _merged(known: AttemptEnded, new: AttemptEnded) -> AttemptEnded:
    if new.grade.rank > known.grade.rank:
        return known
    if new.grade.rank < known.grade.rank:
        return replace(
            new,
            started_at=new.started_at or known.started_at,
            fault=new.fault or (known.fault if new.outcome is known.outcome else None),
            outputs=new.outputs or known.outputs,
        )
    # Only the history tells an end again: its times are ComfyUI's own, a frame's may be ours.
    return replace(
        known,
        started_at=new.started_at or known.started_at,
        ended_at=new.ended_at or known.ended_at,
        fault=known.fault or (new.fault if new.outcome is known.outcome else None),
        cached_nodes=new.cached_nodes if known.cached_nodes is None else known.cached_nodes,
        outputs=new.outputs if known.outputs is None else known.outputs,
    )


def _malformed(state: ServerState, event: f.Malformed, at: datetime) -> Iterator[Transition]:
    state.malformed += 1
    state.last_malformed = f"{event.where}: {event.reason}"
    came_by = Channel.SOCKET if event.where == "frame" else Channel.POLL
    state.channels[came_by].dropped += 1
    return iter(())


def _unknown(state: ServerState, event: f.Unknown, at: datetime) -> Iterator[Transition]:
    # A hostile server may invent types without end.
    if event.type in state.unknown or len(state.unknown) < 100:
        state.unknown[event.type] += 1
    return iter(())


HANDLERS: dict[type[Any], Callable[[ServerState, Any, datetime], Iterator[Transition]]] = {
    f.Malformed: _malformed,
    f.Unknown: _unknown,
    **running.HANDLERS,
    **referee.HANDLERS,
    **logstream.HANDLERS,
    **contact.HANDLERS,
    **moving.HANDLERS,
    **packs.HANDLERS,
}

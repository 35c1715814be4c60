"""One prompt as the state machine knows it now."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from telemetry.clock import lasted
from telemetry.graph import GraphFacts
from telemetry.identity import Identity
from telemetry.protocol.wire import NODES_LIMIT
from telemetry.transitions import AttemptEnded, AttemptSeen, Key, NodeFinished
from telemetry.words import Grade, Outcome, Status


class StepNow(msgspec.Struct, frozen=True):
    """A progress bar: value of total steps, and steps per second; None where not told."""

    value: float
    total: float | None
    rate_per_s: float | None
    grade: Grade
    at: datetime
    node: str | None = None


@dataclass(slots=True)
class NodeRun:
    """A display node at work: expanded subgraph nodes count as the node that the artist sees."""

    node: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(slots=True)
class AttemptState:
    """A prompt from its first sight to a little after its end. Times in ComfyUI's clock."""

    key: Key
    seen_at: datetime
    number: float | None = None
    identity: Identity = field(default_factory=Identity)
    facts: GraphFacts = field(default_factory=GraphFacts)
    # As JSON, until it was told: None while unknown, b"" once told or where too large to keep.
    graph: bytes | None = None
    status: Status = Status.QUEUED
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    started_grade: Grade | None = None
    end: AttemptEnded | None = None
    found_later: bool = False
    cached_nodes: int | None = None

    step: StepNow | None = None
    phase: str | None = None
    node: str | None = None
    node_grade: Grade | None = None
    nodes: dict[str, NodeRun] = field(default_factory=dict)

    # When a /queue answer first came without it: from then on a verdict is due.
    vanished_at: datetime | None = None
    # What its log lines claim; used where the history does not tell.
    log_end: AttemptEnded | None = None
    log_end_at: datetime | None = None
    log_error: str | None = None
    log_interrupted: bool = False

    @property
    def is_open(self) -> bool:
        """Say whether it has not ended."""
        return self.status is not Status.ENDED

    @property
    def outcome(self) -> Outcome | None:
        """Return how it ended, None while it has not."""
        return self.end.outcome if self.end else None

    @property
    def duration_s(self) -> float | None:
        """Return how long it executed, None while unknown."""
        return lasted(self.end.ended_at, self.end.started_at) if self.end else None

    def seen(self) -> AttemptSeen:
        """Return all that is known of whose it is and what it does."""
        return AttemptSeen(
            self.key,
            self.seen_at,
            self.number,
            self.identity,
            self.facts,
            self.graph,
            self.submitted_at,
            self.found_later,
        )

    def forget_graph(self) -> None:
        """Let go of the graph once it was told: thousands are for the record, not for memory."""
        self.graph = None if self.graph is None else b""

    def class_of(self, node: str | None) -> str | None:
        """Return the class_type of a node, None where the graph does not tell."""
        return self.facts.classes.get(node) if node is not None else None

    def begin_node(self, node: str, at: datetime) -> None:
        """Take node as the one at work; doing so again changes nothing.

        Beyond NODES_LIMIT a node is shown and not remembered: frames may invent them without end.
        """
        if node not in self.nodes and len(self.nodes) < NODES_LIMIT:
            self.nodes[node] = NodeRun(node, at)
        self.node, self.node_grade, self.phase = node, Grade.MEASURED, None

    def finish_node(self, node: str, at: datetime) -> Iterator[NodeFinished]:
        """Yield the node's end, once."""
        run = self.nodes.get(node)
        if run is None or run.ended_at is not None:
            return
        run.ended_at = max(at, run.started_at)
        yield NodeFinished(self.key, node, self.class_of(node), run.started_at, run.ended_at)

    def take_step(self, step: StepNow) -> bool:
        """Show a step unless a better grade stands for the same node; say whether it is shown."""
        now = self.step
        better_stands = (
            now is not None
            and now.grade.rank < step.grade.rank
            and now.node == self.node
            and (step.at - now.at).total_seconds() < 5
        )
        if not better_stands:
            self.step, self.phase = step, None
        return not better_stands

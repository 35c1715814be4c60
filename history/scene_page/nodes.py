"""The nodes of an attempt as a waterfall: who worked when, what was cached or not reached. Pure.

Places are percent of the time from the attempt's start to its end, or to now.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime

from history.models import Attempt, NodeExecution
from history.scene_page.reading import NODES, Read
from telemetry.graph import LARGEST_KEPT_BYTES
from telemetry.protocol.wire import NODES_LIMIT, Unreadable, clean, plain, read
from telemetry.text import MISSING, duration
from telemetry.words import Outcome, Status

# A bar below it cannot be seen.
THINNEST = 0.5
CACHED, REACHED, FAILED, NOT_REACHED, AT_WORK = "cached", "", "failed", "not reached", "at work"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node; `kind` says in words what became of it, "" that it worked. `width` 0: no bar."""

    node: str
    name: str
    kind: str
    took: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The rows, how long they took together at most, and how many more there are."""

    rows: list[NodeRow]
    span: str
    more: int


def waterfall_of(of: Read) -> Waterfall | None:
    """Return the waterfall of the attempt that is looked at, None where no node is on record."""
    attempt = of.shown
    if attempt is None or not of.nodes:
        return None
    begin = attempt.started_at or of.nodes[0].started_at
    until = attempt.ended_at or of.at
    span = (until - begin).total_seconds() if begin else 0.0
    rows = [_row(node, attempt, begin, span) for node in _in_order(of.nodes)]
    known = {node.node for node in of.nodes}
    classes = classes_of(of.graph)
    rows += _missing_fault(attempt, known)
    unreached = _unreached(attempt, classes, known)
    room = max(0, NODES - len(rows))
    return Waterfall(rows + unreached[:room], duration(span), max(0, len(unreached) - room))


def _in_order(nodes: list[NodeExecution]) -> list[NodeExecution]:
    """Return nodes as they worked; those out of the cache first, for they took no time."""
    return sorted(nodes, key=lambda node: (not node.cached, node.started_at is None))


def _row(node: NodeExecution, attempt: Attempt, begin: datetime | None, span: float) -> NodeRow:
    name = node.class_type or MISSING
    if node.cached:
        return NodeRow(node.node, name, CACHED, CACHED, 0, 0)
    kind = FAILED if _is_at_fault(node.node, attempt) else REACHED
    if begin is None or node.started_at is None or span <= 0:
        return NodeRow(node.node, name, kind, duration(node.duration_s), 0, 0)
    x = _share((node.started_at - begin).total_seconds(), span)
    width = max(THINNEST, _share(node.duration_s or 0.0, span))
    return NodeRow(node.node, name, kind, duration(node.duration_s), min(x, 100 - THINNEST), width)


def _share(seconds: float, span: float) -> float:
    return round(100 * min(1.0, max(0.0, seconds / span)), 2)


def _is_at_fault(node: str, attempt: Attempt) -> bool:
    return attempt.outcome == Outcome.FAILED and node == attempt.error_node


def _missing_fault(attempt: Attempt, known: set[str]) -> list[NodeRow]:
    """Return the node at fault where nobody told when it worked."""
    if attempt.outcome != Outcome.FAILED or not attempt.error_node or attempt.error_node in known:
        return []
    name = attempt.error_node_type or MISSING
    return [NodeRow(attempt.error_node, name, FAILED, MISSING, 0, 0)]


def _unreached(attempt: Attempt, classes: dict[str, str], known: set[str]) -> list[NodeRow]:
    """Return the nodes of the graph that nobody told of: of what ended early, not reached."""
    if attempt.status != Status.ENDED or attempt.outcome == Outcome.SUCCESS:
        return []
    left = [node for node in classes if node not in known and node != attempt.error_node]
    return [NodeRow(node, classes[node], NOT_REACHED, MISSING, 0, 0) for node in left]


def classes_of(compressed: bytes | None) -> dict[str, str]:
    """Return node id to class_type of a kept graph, {} where none is kept or it cannot be read.

    No more of it: what is in the nodes may be a prompt, and is for operators.
    """
    if compressed is None:
        return {}
    try:
        raw = zlib.decompressobj().decompress(compressed, LARGEST_KEPT_BYTES + 1)
        nodes = read(raw, dict[str, object])
    except (zlib.error, Unreadable):
        return {}
    told = list(nodes.items())[:NODES_LIMIT]
    return {clean(key, 200): _class(node) for key, node in told}


def _class(node: object) -> str:
    told = plain((plain(node, dict) or {}).get("class_type"), str)
    return clean(told, 200) if told else MISSING


def why_none(of: Read) -> str:
    """Return why there are no node times, and what would give them."""
    attempt = of.shown
    if attempt is None:
        return "There is no attempt whose nodes could be told."
    if attempt.status == Status.QUEUED:
        return "It waits: none of its nodes has worked yet."
    cached = attempt.cached_nodes
    known = f" ComfyUI told only that {cached:,} came out of its cache." if cached else ""
    return (
        f"No channel told when its nodes worked.{known} ComfyUI tells that to who submitted a "
        "prompt, and to the companion: with the companion on the server, or prompts that are "
        "submitted through Scenewatch, each node stands here with its time."
    )

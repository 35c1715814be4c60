"""The order in which ComfyUI runs the nodes of a graph, and what it finds in its cache."""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256

from .nodes import NODE_CLASSES, Graph, Json, is_link


def links_of(node: Json) -> Iterator[str]:
    """Yield the ids of the nodes this one takes its inputs from."""
    return (value[0] for value in node["inputs"].values() if is_link(value))


def is_output(graph: Graph, node_id: str) -> bool:
    return bool(NODE_CLASSES[graph[node_id]["class_type"]].output)


def signature(graph: Graph, node_id: str) -> str:
    """Return what the cache knows a node by: its class, its inputs and all that feeds them."""
    node = graph[node_id]
    inputs = {
        name: [signature(graph, value[0]), value[1]] if is_link(value) else value
        for name, value in node["inputs"].items()
    }
    told = json.dumps([node["class_type"], inputs], sort_keys=True, default=str)
    return sha256(told.encode()).hexdigest()


class OutputCache:
    """Remember node results, newest kept: `ui` dictionaries, or None where a node has none."""

    # The real cache goes by free memory; a few hundred nodes are what a workstation keeps.
    SIZE = 500

    def __init__(self) -> None:
        self._ui: OrderedDict[str, Json | None] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._ui

    def get(self, key: str) -> Json | None:
        self._ui.move_to_end(key)
        return self._ui[key]

    def put(self, key: str, ui: Json | None) -> None:
        self._ui[key] = ui
        self._ui.move_to_end(key)
        while len(self._ui) > self.SIZE:
            self._ui.popitem(last=False)


class ExecutionList:
    """Hand out the nodes that are ready, in ComfyUI's order: previews as early as possible."""

    def __init__(self, graph: Graph, is_cached: Callable[[str], bool]) -> None:
        self.graph = graph
        self.is_cached = is_cached
        self.waits_for: dict[str, set[str]] = {}

    def add_node(self, node_id: str) -> None:
        """Add a node and whatever it needs; cached inputs are not visited at all."""
        waiting = [node_id]
        while waiting:
            current = waiting.pop()
            if current in self.waits_for:
                continue
            needed = []
            if not self.is_cached(current):
                needed = [n for n in links_of(self.graph[current]) if not self.is_cached(n)]
            self.waits_for[current] = set(needed)
            waiting.extend(needed)

    def __iter__(self) -> Iterator[str]:
        while self.waits_for:
            node_id = self._pick([n for n, needs in self.waits_for.items() if not needs])
            yield node_id
            self._complete(node_id)

    def _complete(self, node_id: str) -> None:
        del self.waits_for[node_id]
        for needs in self.waits_for.values():
            needs.discard(node_id)

    def _pick(self, ready: list[str]) -> str:
        """Prefer an output, then what an output waits for, then what that waits for."""
        reach = {n for n in self.waits_for if is_output(self.graph, n)}
        for _ in range(3):
            for node_id in ready:
                if node_id in reach:
                    return node_id
            reach = {n for waiting in reach for n in self.waits_for[waiting]}
        return ready[0]

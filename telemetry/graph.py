"""What a prompt's API graph says about the work, and its compressed form for the record."""

import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from telemetry.protocol.wire import LARGEST_TEXT_BYTES, NODES_LIMIT, Unreadable, clean, read

# A larger graph is not kept; its facts are.
LARGEST_KEPT_BYTES = 1_000_000
# Inputs that change from prompt to prompt without changing the work.
_VARYING = {"seed", "noise_seed", "control_after_generate", "filename_prefix"}
_TEXTS = {"clip_l", "t5xxl", "llama", "negative", "positive", "string", "value", "tags", "lyrics"}
_TEXT_NODES = ("CLIPTextEncode", "LoadImage", "LoadVideo")
MODEL_FILES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
# A string of so many words is prose: what people choose from lists has fewer.
_WORDS_OF_PROSE = 6
_SAMPLERS = ("KSampler", "SamplerCustom", "WanVideoSampler", "HyVideoSampler", "LTXVBaseSampler")

Node: TypeAlias = dict[str, Any]
Nodes: TypeAlias = dict[str, Node]


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What is worth knowing of a graph: node id to class_type, samplers, and the workload.

    `workload` is a SHA-256 over the graph without seeds, prompts, file prefixes and the numbers of
    its nodes: prompts with the same workload cost about the same.
    """

    classes: dict[str, str] = field(default_factory=dict)
    workload: str | None = None
    # How many nodes sample; asked at every step, so counted once.
    samplers: int = 0

    @property
    def node_count(self) -> int:
        """Return the number of nodes."""
        return len(self.classes)


def facts_of(raw: bytes) -> GraphFacts:
    """Return the facts of a graph in JSON; empty facts where it is no usable graph."""
    nodes = nodes_of(raw)
    if nodes is None:
        return GraphFacts()
    classes = {key: node["class_type"] for key, node in nodes.items()}
    samplers = sum(name.startswith(_SAMPLERS) for name in classes.values())
    return GraphFacts(classes, digest_of(nodes), samplers)


def nodes_of(raw: bytes) -> Nodes | None:
    """Return a graph's nodes without what varies, None where it is no usable graph.

    One above LARGEST_TEXT_BYTES or of more than NODES_LIMIT nodes is none: a million of them took
    24 s, in the one thread that follows all servers. Each has a class_type and inputs.
    """
    if len(raw) > LARGEST_TEXT_BYTES:
        return None
    try:
        nodes = read(raw, dict[str, Any])
    except Unreadable:
        return None
    if len(nodes) > NODES_LIMIT:
        return None
    seeds = _seed_sources(nodes)
    return {clean(key, 200): _stripped(node, key in seeds) for key, node in nodes.items()}


def digest_of(nodes: Nodes) -> str | None:
    """Return a SHA-256 over nodes and links, whatever the nodes are called; None if too deep.

    A node's digest holds those of its sources, so two graphs have the same one if they are the same
    drawing: the numbers that an editor gave to the nodes, and their order, do not count.
    """
    digests: dict[str, str] = {}
    try:
        for key in _sources_first(nodes):
            digests[key] = _sha256(_canonical(nodes[key], digests))
    except RecursionError:
        return None
    return _sha256("".join(sorted(digests.values())))


def source_of(value: Any) -> str | None:
    """Return the id of the node that an input is linked to, None where it is a value."""
    is_link = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return value[0] if is_link and isinstance(value[1], int) else None


def _sources_first(nodes: Nodes) -> list[str]:
    sources = {key: _sources(node["inputs"]) & nodes.keys() for key, node in nodes.items()}
    try:
        return list(TopologicalSorter(sources).static_order())
    except CycleError:
        return sorted(nodes)  # ComfyUI refuses to run it


def _sources(inputs: Node) -> set[str]:
    return {source for value in inputs.values() if (source := source_of(value)) is not None}


def _canonical(node: Node, digests: dict[str, str]) -> str:
    inputs = {name: _named(value, digests) for name, value in node["inputs"].items()}
    return json.dumps([node["class_type"], inputs], sort_keys=True, separators=(",", ":"))


def _named(value: Any, digests: dict[str, str]) -> Any:
    source = source_of(value)
    return value if source is None else [digests.get(source, ""), value[1]]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _seed_sources(nodes: Nodes) -> set[str]:
    """Return the nodes whose only use is to hand a seed to others."""
    seeds, others = set[str](), set[str]()
    for name, value in _all_inputs(nodes.values()):
        source = source_of(value)
        if source is not None:
            (seeds if name in _VARYING else others).add(source)
    return seeds - others


def _all_inputs(nodes: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    for node in nodes:
        inputs = node.get("inputs") if isinstance(node, dict) else None
        yield from inputs.items() if isinstance(inputs, dict) else ()


def _stripped(node: Any, is_seed: bool) -> Node:
    class_type = clean(str(node.get("class_type", "")), 200) if isinstance(node, dict) else ""
    kept = {
        name: value
        for name, value in _all_inputs([] if is_seed else [node])
        if name not in _VARYING and not _is_free_text(class_type, name, value)
    }
    return {"class_type": class_type, "inputs": kept}


def _is_free_text(class_type: str, name: str, value: Any) -> bool:
    if not isinstance(value, str) or value.lower().endswith(MODEL_FILES):
        return False
    if name in _TEXTS or "text" in name or "prompt" in name:
        return True
    return class_type.startswith(_TEXT_NODES) or value.count(" ") >= _WORDS_OF_PROSE - 1


def kept(raw: bytes) -> bytes:
    """Return the graph's JSON, b"" where it is above LARGEST_KEPT_BYTES."""
    return raw if len(raw) <= LARGEST_KEPT_BYTES else b""


def compressed(raw: bytes) -> bytes | None:
    """Return the graph's JSON, zlib-compressed, or None where it is above LARGEST_KEPT_BYTES."""
    return zlib.compress(raw, 6) if kept(raw) else None

"""What a prompt's API graph says about the work, and its compressed form for the record."""

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from telemetry.protocol.wire import LARGEST_TEXT_BYTES, NODES_LIMIT, Unreadable, clean, read

# A larger graph is not kept; its facts are.
LARGEST_KEPT_BYTES = 1_000_000
# Inputs that change from prompt to prompt without changing the work.
_VARYING = {"seed", "noise_seed", "control_after_generate", "filename_prefix"}
_TEXTS = {"text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "negative", "positive", "string"}
_TEXTS |= {"negative_prompt", "positive_prompt", "value"}
_SAMPLERS = ("KSampler", "SamplerCustom", "WanVideoSampler", "HyVideoSampler", "LTXVBaseSampler")


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What is worth knowing of a graph: node id to class_type, samplers, and the workload.

    `workload` is a SHA-256 over the graph without seeds, prompts and file prefixes: prompts with
    the same workload cost about the same.
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
    """Return the facts of a graph in JSON; empty facts where it is no usable graph.

    One above LARGEST_TEXT_BYTES or of more than NODES_LIMIT nodes is none: a million of them took
    24 s, in the one thread that follows all servers.
    """
    if len(raw) > LARGEST_TEXT_BYTES:
        return GraphFacts()
    try:
        nodes = read(raw, dict[str, Any])
        if len(nodes) > NODES_LIMIT:
            return GraphFacts()
        stripped = {clean(key, 200): _stripped(node) for key, node in nodes.items()}
        canonical = json.dumps(stripped, sort_keys=True, separators=(",", ":"))
    except (Unreadable, RecursionError):
        return GraphFacts()
    classes = {key: node["class_type"] for key, node in stripped.items()}
    samplers = sum(name.startswith(_SAMPLERS) for name in classes.values())
    return GraphFacts(classes, hashlib.sha256(canonical.encode()).hexdigest(), samplers)


def _stripped(node: Any) -> dict[str, Any]:
    node = node if isinstance(node, dict) else {}
    class_type = clean(str(node.get("class_type", "")), 200)
    inputs = node.get("inputs")
    kept = {
        key: value
        for key, value in (inputs.items() if isinstance(inputs, dict) else ())
        if key not in _VARYING and not _is_free_text(class_type, key, value)
    }
    return {"class_type": class_type, "inputs": kept}


def _is_free_text(class_type: str, key: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return key in _TEXTS or class_type.startswith(("CLIPTextEncode", "LoadImage", "LoadVideo"))


def kept(raw: bytes) -> bytes:
    """Return the graph's JSON, b"" where it is above LARGEST_KEPT_BYTES."""
    return raw if len(raw) <= LARGEST_KEPT_BYTES else b""


def compressed(raw: bytes) -> bytes | None:
    """Return the graph's JSON, zlib-compressed, or None where it is above LARGEST_KEPT_BYTES."""
    return zlib.compress(raw, 6) if kept(raw) else None

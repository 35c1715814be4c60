"""Which custom node packs a server has, from what can be asked of it.

ComfyUI-Manager tells packs with their versions. A server without it tells each node's module, and
no version: then a pack is told by a digest of its nodes, their inputs and outputs, which changes
where an update changed one of them. Lists to choose from are left out of it: they are files on the
server's disk.
"""

import hashlib
import json
from collections import defaultdict
from typing import Any

import msgspec

from telemetry.protocol.wire import Unreadable, clean, plain, read

PACKS_LIMIT = 500
NAME_LIMIT, VERSION_LIMIT = 120, 60
_CUSTOM = "custom_nodes."


class _Installed(msgspec.Struct):
    ver: str | None = None
    enabled: bool = True


class _Node(msgspec.Struct):
    """What /object_info tells of a node class, without what is for its looks."""

    python_module: str = ""
    input: dict[str, Any] = {}
    output: list[Any] = []


def read_installed(body: bytes) -> dict[str, str]:
    """Return the enabled packs that ComfyUI-Manager tells, by name: version, "" where it has none.

    Raises Unreadable where it is no such answer.
    """
    told = {}
    for name, raw in read(body, dict[str, msgspec.Raw]).items():
        pack = read(raw, _Installed)
        if pack.enabled:
            told[clean(name, NAME_LIMIT)] = clean(pack.ver or "", VERSION_LIMIT)
    return _first(told)


def read_nodes(body: bytes) -> dict[str, str]:
    """Return the packs of GET /object_info, by name: "3 nodes, 1f0c9a4e"; raises Unreadable."""
    by_pack: defaultdict[str, dict[str, _Node]] = defaultdict(dict)
    for name, raw in read(body, dict[str, msgspec.Raw]).items():
        node = _node(raw)
        if node is not None and node.python_module.startswith(_CUSTOM):
            pack = node.python_module.removeprefix(_CUSTOM).partition(".")[0]
            by_pack[clean(pack, NAME_LIMIT)][name] = node
    return _first({pack: _digest(nodes) for pack, nodes in by_pack.items()})


def _node(raw: msgspec.Raw) -> _Node | None:
    """Return a node; an odd one of a pack must not hide all others."""
    try:
        return read(raw, _Node)
    except Unreadable:
        return None


def _digest(nodes: dict[str, _Node]) -> str:
    content = [
        (name, [_kind(one) for one in node.output], _inputs(node.input))
        for name, node in sorted(nodes.items())
    ]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}, {digest[:8]}"


def _inputs(told: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return each input's kind by group (required, optional, hidden) and name.

    An input is a list of its kind and, mostly, its options; a hidden one is its kind alone.
    """
    groups = {group: plain(inputs, dict) or {} for group, inputs in told.items()}
    return {
        group: {str(name): _kind((plain(one, list) or [one])[0]) for name, one in inputs.items()}
        for group, inputs in groups.items()
    }


def _kind(told: Any) -> str:
    """Return a kind by its name; a list of words or files to choose from is one kind."""
    return told if isinstance(told, str) else "COMBO"


def _first(packs: dict[str, str]) -> dict[str, str]:
    return dict(sorted(packs.items())[:PACKS_LIMIT])

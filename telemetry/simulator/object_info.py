"""What /object_info says: each node class with its inputs, outputs and the module it comes from."""

from .nodes import NODE_CLASSES, Json, NodeClass

# Those of our tests came as a package of custom nodes wherever they were tried.
OWN = ("TT", "Tqdm")
PACK = "custom_nodes.scenewatch_test_nodes"


def object_info() -> Json:
    return {name: _info(name, kind) for name, kind in NODE_CLASSES.items()}


def _info(name: str, kind: NodeClass) -> Json:
    return {
        "input": {"required": {key: list(spec) for key, spec in kind.takes.items()}},
        "output": list(kind.gives),
        "name": name,
        "display_name": name,
        "python_module": PACK if name.startswith(OWN) else "nodes",
    }

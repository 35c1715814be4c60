"""What ComfyUI checks before it queues a prompt, and the bodies of its 400s."""

import uuid
from collections.abc import Iterator
from typing import Any

from .graph import is_output
from .nodes import NODE_CLASSES, Graph, InputSpec, Json, is_link

CONVERTERS = {"INT": int, "FLOAT": float}


class Refused(Exception):
    def __init__(self, body: Json) -> None:
        super().__init__(body["error"]["message"])
        self.body = body


def refusal(
    kind: str,
    message: str,
    details: str = "",
    extra_info: Json | None = None,
    node_errors: Json | None = None,
) -> Json:
    return {"error": _error(kind, message, details, extra_info), "node_errors": node_errors or {}}


def _error(kind: str, message: str, details: str, extra_info: Json | None = None) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info or {}}


def is_prompt_id(value: object) -> bool:
    """Say whether this is a UUID exactly as str(uuid.UUID()) writes it."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def validate_prompt(prompt: Graph) -> tuple[list[str], Json]:
    """Return the outputs that can run and the node_errors of the others, or raise Refused."""
    for node_id, node in prompt.items():
        _check_class(node_id, node)
    outputs = [node_id for node_id in prompt if is_output(prompt, node_id)]
    if not outputs:
        raise Refused(refusal("prompt_no_outputs", "Prompt has no outputs"))
    _check_cycles(prompt)
    node_errors: Json = {}
    good = [node_id for node_id in outputs if _is_valid(prompt, node_id, node_errors)]
    if not good:
        message = "Prompt outputs failed validation"
        raise Refused(refusal("prompt_outputs_failed_validation", message, node_errors=node_errors))
    return good, node_errors


def _check_class(node_id: str, node: Json) -> None:
    details, class_type = f"Node ID '#{node_id}'", node.get("class_type")
    if class_type in NODE_CLASSES:
        return
    title = node.get("_meta", {}).get("title", class_type)
    extra = {"node_id": node_id, "class_type": class_type, "node_title": title}
    message = f"Node '{title}' not found. The custom node may not be installed."
    raise Refused(refusal("missing_node_type", message, details, extra))


def _check_cycles(prompt: Graph) -> None:
    done: set[str] = set()

    def visit(node_id: str, path: tuple[str, ...]) -> None:
        if node_id in path:
            raise Refused(refusal("dependency_cycle", "Dependency cycle detected", node_id))
        if node_id in done or node_id not in prompt:
            return
        for value in prompt[node_id]["inputs"].values():
            if is_link(value):
                visit(value[0], (*path, node_id))
        done.add(node_id)

    for node_id in prompt:
        visit(node_id, ())


def _is_valid(prompt: Graph, output: str, node_errors: Json) -> bool:
    """Check an output and all that feeds it; note the errors of each node with this output."""
    found = {node_id: list(_errors(prompt, node_id)) for node_id in _upstream(prompt, output)}
    wrong = {node_id: errors for node_id, errors in found.items() if errors}
    for node_id, errors in wrong.items():
        entry = {
            "errors": errors,
            "dependent_outputs": [],
            "class_type": prompt[node_id]["class_type"],
        }
        node_errors.setdefault(node_id, entry)["dependent_outputs"].append(output)
    return not wrong


def _upstream(prompt: Graph, node_id: str) -> list[str]:
    seen, waiting = [], [node_id]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in prompt:
            continue
        seen.append(current)
        waiting.extend(v[0] for v in prompt[current]["inputs"].values() if is_link(v))
    return seen


def _errors(prompt: Graph, node_id: str) -> Iterator[Json]:
    node = prompt[node_id]
    for name, spec in NODE_CLASSES[node["class_type"]].takes.items():
        if name not in node["inputs"]:
            extra = {"input_name": name}
            yield _error("required_input_missing", "Required input is missing", name, extra)
        elif is_link(node["inputs"][name]):
            yield from _link_errors(prompt, name, spec, node["inputs"][name])
        else:
            yield from _value_errors(name, spec, node["inputs"][name])


def _link_errors(prompt: Graph, name: str, spec: InputSpec, link: list[Any]) -> Iterator[Json]:
    if link[0] not in prompt:
        yield _error(
            "exception_during_inner_validation",
            "Exception when validating inner node",
            f"'{link[0]}'",
            {
                "input_name": name,
                "input_config": list(spec),
                "linked_node": link,
                "exception_message": f"'{link[0]}'",
                "exception_type": "KeyError",
                "traceback": [
                    '  File "/opt/ComfyUI/execution.py", line 933, in validate_inputs\n'
                    "    <source line>\n"
                ],
            },
        )
        return
    gives = NODE_CLASSES[prompt[link[0]]["class_type"]].gives
    received = gives[link[1]] if link[1] < len(gives) else None
    if received != spec[0]:
        details = f"{name}, received_type({received}) mismatch input_type({spec[0]})"
        message = "Return type mismatch between linked nodes"
        extra = {"input_name": name, "received_type": received, "linked_node": link}
        yield _error("return_type_mismatch", message, details, extra)


def _value_errors(name: str, spec: InputSpec, value: Any) -> Iterator[Json]:
    kind, config = spec
    extra = {"input_name": name, "input_config": list(spec), "received_value": value}
    if kind not in CONVERTERS:
        return
    try:
        number = CONVERTERS[kind](value)
    except (TypeError, ValueError) as error:
        message = f"Failed to convert an input value to a {kind} value"
        details = f"{name}, {value}, {error}"
        yield _error(
            "invalid_input_type", message, details, {**extra, "exception_message": str(error)}
        )
        return
    if number < config.get("min", number):
        message = f"Value {number} smaller than min of {config['min']}"
        yield _error("value_smaller_than_min", message, name, extra)

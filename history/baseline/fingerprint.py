"""What a graph asks of a GPU, so that like is compared with like (docs/statistics.md). Pure."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from history.baseline.nodes import (
    DRIVERS,
    MODEL_INPUTS,
    PARTS_OF_STEPS,
    SAMPLER_INPUTS,
    SWITCHES,
    WITHOUT_COST,
    Driver,
)
from telemetry.graph import MODEL_FILES, Nodes, digest_of, nodes_of, source_of


class Model(NamedTuple):
    """A file of weights that a graph names, and of which kind it is."""

    kind: str
    name: str


class Place(NamedTuple):
    """An input of a node."""

    node: str
    name: str


@dataclass(frozen=True, slots=True)
class Drivers:
    """The numbers that work grows with, None where the graph does not tell.

    `cost` is steps x megapixels x frames x batch; None without steps or size. It is kept, for a
    page asks for it of one fingerprint some thousand times.
    """

    steps: float | None = None
    width: float | None = None
    height: float | None = None
    frames: float | None = None
    batch: float | None = None

    cost: float | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reckon the cost."""
        object.__setattr__(self, "cost", self._cost())

    def _cost(self) -> float | None:
        if self.steps is None or self.width is None or self.height is None:
            return None
        pixels = self.width * self.height * (self.frames or 1) * (self.batch or 1)
        return self.steps * pixels / 1e6 or None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What work is.

    `workload` is a SHA-256 over all of a graph but seeds, texts and file prefixes. `family` also
    leaves out drivers, models, samplers and what costs nothing: of one family and with the same
    models and samplers, work differs in its size at most.
    """

    workload: str | None = None
    family: str | None = None
    drivers: Drivers = Drivers()
    models: tuple[Model, ...] = ()
    samplers: tuple[str, ...] = ()


def fingerprint_of(raw: bytes) -> Fingerprint:
    """Return the fingerprint of a graph in JSON; an empty one where it is no usable graph."""
    nodes = nodes_of(raw)
    workload = digest_of(nodes) if nodes else None
    if nodes is None or workload is None:
        return Fingerprint()
    found = {driver.name: _found(driver, nodes) for driver in DRIVERS}
    places = {place for values in found.values() for place in values}
    drivers = Drivers(**{driver.name: _total(driver, found[driver.name]) for driver in DRIVERS})
    family = digest_of(_family(nodes, places))
    return Fingerprint(workload, family, drivers, _models(nodes), _samplers(nodes))


def named_workload(*names: object) -> Fingerprint:
    """Return the fingerprint of work without a graph, from what names it.

    Of an imported run: its story or workflow, the number of its scenes, the frame floor.
    """
    text = "\0".join(str(name) for name in names)
    return Fingerprint(workload=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())


def workload_of_run(scenes: Iterable[Fingerprint]) -> Fingerprint:
    """Return the fingerprint of a run from those of its scenes; an empty one if one is unknown."""
    workloads = [scene.workload for scene in scenes]
    return Fingerprint() if None in workloads or not workloads else named_workload(*workloads)


# --- drivers ------------------------------------------------------------------------------------


def _found(driver: Driver, nodes: Nodes) -> dict[Place, float]:
    """Return a driver's numbers and where they stand: at its own nodes, else at any."""
    values = dict(_numbers(driver, nodes))
    own = {
        place: value
        for place, value in values.items()
        if any(fnmatchcase(nodes[place.node]["class_type"], name) for name in driver.nodes)
    }
    return own or values


def _numbers(driver: Driver, nodes: Nodes) -> Iterator[tuple[Place, float]]:
    for key, node in nodes.items():
        for name in driver.inputs:
            value = _number(nodes, node["inputs"].get(name))
            if value is not None:
                yield Place(key, name), _part(nodes, key, value) if name == "steps" else value


def _number(nodes: Nodes, value: Any) -> float | None:
    """Return a number, also one that a node of its own hands on (PrimitiveInt)."""
    source = source_of(value)
    if source is not None:
        return _only_number(nodes.get(source, {"inputs": {}})["inputs"].values())
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e9 else None


def _only_number(values: Iterable[Any]) -> float | None:
    numbers = [number for value in values if (number := _number({}, value)) is not None]
    return numbers[0] if len(numbers) == 1 else None


def _part(nodes: Nodes, key: str, steps: float) -> float:
    """Return how many of a sampler's steps it goes through."""
    node = nodes[key]
    begin, end = PARTS_OF_STEPS.get(node["class_type"], ("", ""))
    first = _number(nodes, node["inputs"].get(begin)) or 0.0
    last = _number(nodes, node["inputs"].get(end)) or steps
    return max(0.0, min(last, steps) - first)


def _total(driver: Driver, values: dict[Place, float]) -> float | None:
    if not values:
        return None
    return sum(values.values()) if driver.of_several == "sum" else max(values.values())


# --- family, models, samplers --------------------------------------------------------------------


def _family(nodes: Nodes, drivers: set[Place]) -> Nodes:
    handed_on = {source_of(nodes[place.node]["inputs"][place.name]) for place in drivers}
    return {
        key: {**node, "inputs": _shape(key, node["inputs"], drivers, key in handed_on)}
        for key, node in nodes.items()
    }


def _shape(key: str, inputs: dict[str, Any], drivers: set[Place], hands_on: bool) -> dict[str, Any]:
    """Return a node's inputs without what the family does not ask."""
    parts = {part for names in PARTS_OF_STEPS.values() for part in names}
    left_out = WITHOUT_COST | parts | set(SAMPLER_INPUTS)
    return {
        name: value == SWITCHES[name] if name in SWITCHES else value
        for name, value in inputs.items()
        if name not in left_out
        and Place(key, name) not in drivers
        and _model(name, value) is None
        and not (hands_on and _number({}, value) is not None)
    }


def _models(nodes: Nodes) -> tuple[Model, ...]:
    found = (_model(name, value) for name, value in _inputs(nodes))
    return tuple(sorted({model for model in found if model is not None}))


def _model(name: str, value: Any) -> Model | None:
    if not isinstance(value, str):
        return None
    is_file = value.lower().endswith(MODEL_FILES)
    kind = MODEL_INPUTS.get(name)
    if kind is None or (name in ("model", "lora") and not is_file):
        return Model("model", value) if is_file else None
    return Model(kind, value)


def _samplers(nodes: Nodes) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                value
                for name, value in _inputs(nodes)
                if name in SAMPLER_INPUTS and isinstance(value, str)
            }
        )
    )


def _inputs(nodes: Nodes) -> Iterator[tuple[str, Any]]:
    return (item for node in nodes.values() for item in node["inputs"].items())

"""Graphs: the same work is the same workload."""

import json

import pytest

from telemetry.graph import LARGEST_KEPT_BYTES, GraphFacts, compressed, facts_of


def graph(**inputs):
    sampler = {"seed": 1, "steps": 20, "model": ["1", 0], **inputs}
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a harbor", "clip": ["1", 1]}},
        "3": {"class_type": "KSampler", "inputs": sampler},
        "4": {"class_type": "SaveImage", "inputs": {"filename_prefix": "scene-1"}},
    }


def workload(value):
    return facts_of(json.dumps(value).encode()).workload


@pytest.mark.parametrize(
    ("node", "name", "value"),
    [("3", "seed", 99), ("2", "text", "a comet"), ("4", "filename_prefix", "scene-2")],
)
def test_it_does_not_tell_apart_what_costs_the_same(node, name, value):
    other = graph()
    other[node]["inputs"][name] = value

    assert workload(other) == workload(graph())


@pytest.mark.parametrize(
    ("node", "name", "value"), [("3", "steps", 40), ("1", "ckpt_name", "flux"), ("3", "cfg", 7)]
)
def test_it_tells_apart_what_costs_differently(node, name, value):
    other = graph()
    other[node]["inputs"][name] = value

    assert workload(other) != workload(graph())


def test_it_does_not_depend_on_the_order_of_keys():
    reordered = dict(reversed(graph().items()))

    assert workload(reordered) == workload(graph())


def renamed(value, names):
    """Return the graph with other node ids, as another editor would number them."""

    def link(part):
        return [names[part[0]], part[1]] if isinstance(part, list) else part

    return {
        names[key]: {**node, "inputs": {name: link(part) for name, part in node["inputs"].items()}}
        for key, node in value.items()
    }


def test_it_does_not_depend_on_the_numbers_of_the_nodes():
    other = renamed(graph(), {"1": "7", "2": "30", "3": "2", "4": "1"})

    assert workload(other) == workload(graph())


def test_it_tells_apart_what_is_linked_otherwise():
    other = graph(positive=["2", 0])

    assert workload(other) != workload(graph(negative=["2", 0])) != workload(graph())


def test_it_tells_one_loader_for_two_samplers_from_two_loaders():
    one = {**graph(), "5": graph()["3"]}
    two = {**graph(), "5": graph(model=["6", 0])["3"], "6": graph()["1"]}

    assert workload(one) != workload(two)


def test_a_seed_that_another_node_hands_on_is_a_seed():
    first, second = (
        graph(seed=["9", 0]) | {"9": {"class_type": "PrimitiveInt", "inputs": {"value": value}}}
        for value in (1, 2)
    )

    assert workload(first) == workload(second)


def test_a_number_that_is_a_seed_and_steps_counts():
    first, second = (
        graph(seed=["9", 0], steps=["9", 0])
        | {"9": {"class_type": "PrimitiveInt", "inputs": {"value": value}}}
        for value in (1, 2)
    )

    assert workload(first) != workload(second)


def extra(**inputs):
    return {**graph(), "5": {"class_type": "SomebodysNode", "inputs": inputs}}


def test_it_takes_prose_for_prose_whatever_its_name():
    harbor, comet = "a harbor at dawn, three boats", "a comet over the sea at night"

    assert workload(extra(populated_text="rain")) == workload(extra(populated_text="snow"))
    assert workload(extra(whatever=harbor)) == workload(extra(whatever=comet))
    assert workload(extra(mode="fast")) != workload(extra(mode="slow but good"))


def test_it_takes_a_model_for_a_model_whatever_its_name():
    small, large = extra(text_encoder="t5_fp8.safetensors"), extra(text_encoder="t5_16.safetensors")

    assert workload(small) != workload(large)


def test_a_graph_that_runs_in_a_circle_has_a_workload_too():
    circle = {key: {"class_type": "X", "inputs": {"x": [other, 0]}} for key, other in ("ab", "ba")}

    assert workload(circle) is not None


def test_it_counts_nodes_and_samplers():
    facts = facts_of(json.dumps(graph()).encode())

    assert (facts.node_count, facts.samplers) == (4, 1)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"1": 3}', b'{"a":' * 5000])
def test_it_never_raises_on_a_hostile_graph(raw):
    assert facts_of(raw).samplers == 0


def test_it_keeps_a_graph_only_up_to_a_megabyte():
    assert compressed(b"x" * LARGEST_KEPT_BYTES) is not None
    assert compressed(b"x" * (LARGEST_KEPT_BYTES + 1)) is None


def test_a_graph_that_nobody_drew_is_not_read():
    node = {"class_type": "KSampler", "inputs": {}}
    drawn = {str(number): node for number in range(2_000)}
    long = {"1": {"class_type": "KSampler", "inputs": {"x": "y" * (8 << 20)}}}

    assert facts_of(json.dumps(drawn).encode()).samplers == 2_000
    assert facts_of(json.dumps({**drawn, "one more": node}).encode()) == GraphFacts()
    assert facts_of(json.dumps(long).encode()) == GraphFacts()

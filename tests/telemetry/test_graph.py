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

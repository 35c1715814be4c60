"""Node packs as servers tell them, in the shapes of ComfyUI-Manager and of /object_info."""

import json
from typing import Any

import pytest

from telemetry.protocol.packs import PACKS_LIMIT, read_installed, read_nodes
from telemetry.protocol.wire import Unreadable

KIJAI = {"ver": "1.1.2", "cnr_id": "comfyui-kjnodes", "aux_id": None, "enabled": True}


def node(module: str, **fields: Any) -> dict[str, Any]:
    """Return a node class as ComfyUI 0.33 tells it, with what we do not look at."""
    usual = {
        "input": {"required": {"image": ["IMAGE"], "steps": ["INT", {"default": 20}]}},
        "input_order": {"required": ["image", "steps"]},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "display_name": "Any",
        "description": "",
        "category": "image",
        "output_node": False,
    }
    return {**usual, "python_module": module, **fields}


def packs(**nodes: Any) -> dict[str, str]:
    return read_nodes(json.dumps(nodes).encode())


def test_a_manager_tells_packs_with_their_versions_and_none_that_is_switched_off() -> None:
    off = {"ver": "nightly", "enabled": False}
    told = {"comfyui-kjnodes": KIJAI, "was": {"ver": "a1b2c3d"}, "old": off}

    assert read_installed(json.dumps(told).encode()) == {
        "comfyui-kjnodes": "1.1.2",
        "was": "a1b2c3d",
    }


@pytest.mark.parametrize("body", [b"[]", b'"no"', b'{"installed": []}', b"<html>", b'{"a": 1}'])
def test_what_is_no_answer_of_a_manager_is_none(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_installed(body)


def test_nodes_tell_their_packs_and_comfyui_s_own_are_none() -> None:
    told = packs(
        A=node("custom_nodes.comfyui-kjnodes"),
        B=node("custom_nodes.comfyui-kjnodes"),
        C=node("custom_nodes.was-node-suite.nodes"),
        KSampler=node("nodes"),
        Extra=node("comfy_extras.nodes_flux"),
    )

    assert list(told) == ["comfyui-kjnodes", "was-node-suite"]
    assert told["comfyui-kjnodes"].startswith("2 nodes, ")
    assert told["was-node-suite"].startswith("1 node, ")


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"output": ["LATENT"]}, True),
        ({"input": {"required": {"image": ["IMAGE"], "seed": ["INT", {}]}}}, True),
        ({"input": {"required": {"image": ["MASK"], "steps": ["INT", {}]}}}, True),
        ({"description": "Better.", "display_name": "Other"}, False),
        ({"input": {"required": {"image": ["IMAGE"], "steps": ["INT", {"default": 9}]}}}, False),
    ],
)
def test_a_digest_changes_with_what_a_node_takes_and_gives(fields: Any, changes: bool) -> None:
    before, after = packs(A=node("custom_nodes.a")), packs(A=node("custom_nodes.a", **fields))

    assert (before != after) is changes


@pytest.mark.parametrize(
    "files",
    [
        lambda names: [names],
        lambda names: [names, {"tooltip": "A model."}],
        lambda names: ["COMBO", {"options": names}],
    ],
)
def test_another_file_on_its_disk_is_no_other_pack(files: Any) -> None:
    one, two = (
        packs(A=node("custom_nodes.a", input={"required": {"model": files(names)}}))
        for names in (["a.safetensors"], ["a.safetensors", "b.safetensors"])
    )

    assert one == two


@pytest.mark.parametrize("names", [["a"], ["a", "b"], []])
def test_an_output_to_choose_from_is_one_kind(names: list[str]) -> None:
    one, other = (packs(A=node("custom_nodes.a", output=[told])) for told in (names, ["x", "y"]))

    assert one == other


def test_an_odd_node_hides_no_other() -> None:
    odd = {"python_module": 7}

    assert list(packs(A=odd, B=node("custom_nodes.b"), C=[])) == ["b"]


def test_of_endless_packs_some_are_kept() -> None:
    told = packs(**{f"N{n}": node(f"custom_nodes.p{n}") for n in range(PACKS_LIMIT + 9)})

    assert len(told) == PACKS_LIMIT

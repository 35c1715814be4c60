"""The node classes the simulated server has installed, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Graph = dict[str, Json]
InputSpec = tuple[str, Json]


def _links(**types: str) -> dict[str, InputSpec]:
    return {name: (kind, {}) for name, kind in types.items()}


@dataclass(frozen=True)
class NodeClass:
    """What one class_type takes and gives, how long it works and how that shows.

    `takes` holds the required inputs that are checked: all links, and of the widgets only those
    a recorded refusal is about. `output` is "" or the type of the file written, and makes the
    node an OUTPUT_NODE. A node without `progress` and `tqdm` never looks at the interrupt flag.
    """

    takes: Mapping[str, InputSpec] = field(default_factory=dict)
    gives: tuple[str, ...] = ()
    output: str = ""
    steps: int = 1
    seconds: float = 0.0
    progress: bool = False
    tqdm: bool = False
    needs: str = ""
    fails: bool = False


STEPS: InputSpec = ("INT", {"default": 8, "min": 1, "max": 100000})
DELAY: InputSpec = ("FLOAT", {"default": 0.25, "min": 0.0, "max": 60.0})
SAMPLES = _links(model="MODEL", positive="CONDITIONING", negative="CONDITIONING")
IMAGE, LATENT = ("IMAGE",), ("LATENT",)

BUILT_IN = {
    "CheckpointLoaderSimple": NodeClass(gives=("MODEL", "CLIP", "VAE"), seconds=2.4),
    "UNETLoader": NodeClass(gives=("MODEL",), seconds=3.1),
    "DualCLIPLoader": NodeClass(gives=("CLIP",), seconds=1.6),
    "CLIPLoader": NodeClass(gives=("CLIP",), seconds=0.8),
    "VAELoader": NodeClass(gives=("VAE",), seconds=0.3),
    "LoraLoader": NodeClass(_links(model="MODEL", clip="CLIP"), ("MODEL", "CLIP"), seconds=0.6),
    "LoadImage": NodeClass(gives=("IMAGE", "MASK"), seconds=0.1),
    "EmptyImage": NodeClass(gives=IMAGE),
    "EmptyLatentImage": NodeClass(gives=LATENT),
    "EmptySD3LatentImage": NodeClass(gives=LATENT),
    "CLIPTextEncode": NodeClass(_links(clip="CLIP"), ("CONDITIONING",), seconds=0.3, needs="clip"),
    "FluxGuidance": NodeClass(_links(conditioning="CONDITIONING"), ("CONDITIONING",)),
    "KSampler": NodeClass(
        {**SAMPLES, **_links(latent_image="LATENT"), "steps": ("INT", {"default": 20, "min": 1})},
        LATENT,
        steps=20,
        seconds=0.6,
        progress=True,
        tqdm=True,
        needs="model",
    ),
    "KSamplerAdvanced": NodeClass(
        {**SAMPLES, **_links(latent_image="LATENT"), "steps": ("INT", {"default": 20, "min": 1})},
        LATENT,
        steps=20,
        seconds=0.6,
        progress=True,
        tqdm=True,
        needs="model",
    ),
    "LatentUpscaleBy": NodeClass(_links(samples="LATENT"), LATENT, seconds=0.05),
    "VAEDecode": NodeClass(_links(samples="LATENT", vae="VAE"), IMAGE, seconds=0.9, needs="vae"),
    "VAEEncode": NodeClass(_links(pixels="IMAGE", vae="VAE"), LATENT, seconds=0.7, needs="vae"),
    "ImageScale": NodeClass(_links(image="IMAGE"), IMAGE, seconds=0.2),
    "ImageInvert": NodeClass(_links(image="IMAGE"), IMAGE),
    "SaveImage": NodeClass(_links(images="IMAGE"), output="output", seconds=0.2),
    "PreviewImage": NodeClass(_links(images="IMAGE"), output="temp", seconds=0.05),
}

# The nodes of the captures, so that a recorded graph can be submitted here as it is.
RECORDED = {
    "TTSlow": NodeClass(
        {**_links(image="IMAGE"), "steps": STEPS, "delay": DELAY},
        IMAGE,
        steps=8,
        seconds=0.25,
        progress=True,
    ),
    "TTFail": NodeClass(
        _links(image="IMAGE"), IMAGE, steps=6, seconds=0.2, progress=True, fails=True
    ),
    "TTSleep": NodeClass(_links(image="IMAGE"), IMAGE, seconds=1.0),
    "TTFakeSampler": NodeClass(
        _links(latent="LATENT"), LATENT, steps=3, seconds=0.3, progress=True
    ),
    "TqdmWork": NodeClass(gives=IMAGE, steps=20, seconds=0.12, tqdm=True),
}

NODE_CLASSES: Mapping[str, NodeClass] = {**BUILT_IN, **RECORDED}


def is_link(value: object) -> bool:
    """Say whether an input is [node id, output slot]."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def steps_of(node: Json) -> int:
    return max(1, int(node["inputs"].get("steps", NODE_CLASSES[node["class_type"]].steps)))


def step_seconds_of(node: Json) -> float:
    """Return how long one step of this node takes; `delay` or `seconds` in the graph wins."""
    inputs = node["inputs"]
    default = NODE_CLASSES[node["class_type"]].seconds
    return float(inputs.get("delay", inputs.get("seconds", default)))

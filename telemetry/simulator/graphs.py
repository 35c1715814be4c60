"""Graphs as artists have them, in the API format."""

from collections.abc import Callable, Mapping
from random import Random

from .nodes import Graph, Json

NEGATIVE = "blurry, low quality, watermark, text"
SDXL = "sd_xl_base_1.0.safetensors"


def _node(class_type: str, title: str, **inputs: object) -> Json:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


def _sampler(rng: Random, title: str, **links: object) -> Json:
    return _node(
        "KSampler",
        title,
        seed=rng.getrandbits(48),
        steps=rng.randint(20, 30),
        cfg=7.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        **links,
    )


def sdxl(rng: Random, text: str, prefix: str) -> Graph:
    """Return ComfyUI's own first workflow, with SDXL."""
    return {
        "3": _sampler(
            rng,
            "KSampler",
            denoise=1.0,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "4": _node("CheckpointLoaderSimple", "Load Checkpoint", ckpt_name=SDXL),
        "5": _node("EmptyLatentImage", "Empty Latent", width=1344, height=768, batch_size=1),
        "6": _node("CLIPTextEncode", "Positive", text=text, clip=["4", 1]),
        "7": _node("CLIPTextEncode", "Negative", text=NEGATIVE, clip=["4", 1]),
        "8": _node("VAEDecode", "VAE Decode", samples=["3", 0], vae=["4", 2]),
        "9": _node("SaveImage", "Save Image", images=["8", 0], filename_prefix=prefix),
    }


def upscale(rng: Random, text: str, prefix: str) -> Graph:
    """Return the SDXL graph with a second, shorter sampler behind a latent upscale."""
    graph = sdxl(rng, text, prefix)
    again = _sampler(
        rng,
        "Refine",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["10", 0],
    )
    again["inputs"]["steps"] = 10
    return {
        **graph,
        "8": _node("VAEDecode", "VAE Decode", samples=["11", 0], vae=["4", 2]),
        "10": _node(
            "LatentUpscaleBy", "Upscale", samples=["3", 0], upscale_method="bislerp", scale_by=1.5
        ),
        "11": again,
    }


def flux(rng: Random, text: str, prefix: str) -> Graph:
    """Return a Flux graph: model, text encoders and VAE are loaded one by one."""
    return {
        "1": _node("UNETLoader", "Load Flux", unet_name="flux1-dev.safetensors"),
        "2": _node(
            "DualCLIPLoader",
            "Load CLIP",
            clip_name1="t5xxl_fp8_e4m3fn.safetensors",
            clip_name2="clip_l.safetensors",
            type="flux",
        ),
        "3": _node("VAELoader", "Load VAE", vae_name="ae.safetensors"),
        "4": _node("CLIPTextEncode", "Prompt", text=text, clip=["2", 0]),
        "5": _node("CLIPTextEncode", "Empty", text="", clip=["2", 0]),
        "6": _node("FluxGuidance", "Guidance", conditioning=["4", 0], guidance=3.5),
        "7": _node("EmptySD3LatentImage", "Latent", width=1024, height=1024, batch_size=1),
        "8": _sampler(
            rng,
            "KSampler",
            denoise=1.0,
            model=["1", 0],
            positive=["6", 0],
            negative=["5", 0],
            latent_image=["7", 0],
        ),
        "9": _node("VAEDecode", "VAE Decode", samples=["8", 0], vae=["3", 0]),
        "10": _node("SaveImage", "Save Image", images=["9", 0], filename_prefix=prefix),
    }


def tiny(rng: Random, text: str, prefix: str) -> Graph:
    """Return a graph of two nodes that takes one second at a pace of 1."""
    colour = rng.getrandbits(24)
    return {
        "1": _node("EmptyImage", text, width=64, height=64, color=colour, seconds=1.0),
        "2": _node("SaveImage", "Save", images=["1", 0], filename_prefix=prefix, seconds=0.0),
    }


TEMPLATES: Mapping[str, Callable[[Random, str, str], Graph]] = {
    "sdxl": sdxl,
    "upscale": upscale,
    "flux": flux,
    "tiny": tiny,
}

"""Which inputs of ComfyUI's nodes say what the work costs. Data only.

Names of nodes are patterns as of fnmatch. Where no node of a graph matches a driver's, any node
with one of its inputs counts: nodes of packs that nobody here knows are named like ComfyUI's.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Driver:
    """A number that work grows with: the inputs that hold it, and at which nodes.

    Of several nodes the sum counts or the largest.
    """

    name: str
    inputs: tuple[str, ...]
    nodes: tuple[str, ...]
    of_several: Literal["sum", "largest"] = "largest"


_SIZED = (
    *(
        "Empty*Latent*",
        "Empty*Embeds",
        "*ToVideo",
        "*ToVideoLatent",
        "*VideoLatent",
        "*Latent*Video*",
    ),
    *("*ImgToVideo*", "*img2vid*", "*I2V*", "WanVideo*Embeds", "WanVideo*Encode", "HyVideoSampler"),
)
DRIVERS = (
    Driver(
        "steps",
        ("steps", "num_inference_steps", "sampling_steps", "num_steps"),
        ("*Sampler*", "*Scheduler*", "TqdmWork"),
        "sum",
    ),
    Driver("width", ("width",), _SIZED),
    Driver("height", ("height",), _SIZED),
    Driver("frames", ("length", "num_frames", "video_frames", "frames", "frame_count"), _SIZED),
    Driver("batch", ("batch_size", "batch"), _SIZED),
)
# Samplers that go through a part of their steps only: where they begin and where they end.
PARTS_OF_STEPS = {
    "KSamplerAdvanced": ("start_at_step", "end_at_step"),
    "WanVideoSampler": ("start_step", "end_step"),
}

# Where a node's input names a file of a model: what kind of model. Others are known by their
# suffix, and of the kind "model".
MODEL_INPUTS = {
    "ckpt_name": "checkpoint",
    "unet_name": "checkpoint",
    "model": "checkpoint",
    "lora_name": "LoRA",
    "lora": "LoRA",
    "vae_name": "VAE",
    "clip_name": "text encoder",
    "clip_name1": "text encoder",
    "clip_name2": "text encoder",
    "clip_name3": "text encoder",
    "control_net_name": "ControlNet",
}
SAMPLER_INPUTS = ("sampler_name", "scheduler", "solver")

# Numbers that change the picture and not what it costs. Any other number that is no driver makes
# other work: who knows what it does.
WITHOUT_COST = frozenset(
    (
        *("denoise", "guidance", "embedded_guidance_scale", "min_cfg", "eta", "s_noise", "rho"),
        *("strength", "strength_model", "strength_clip", "strength_video", "weight"),
        *("shift", "flow_shift", "base_shift", "max_shift", "sigma_min", "sigma_max"),
        *("start_percent", "end_percent", "fps", "frame_rate", "conditioning_fps"),
        *("crf", "quality", "motion_bucket_id", "augmentation_level", "noise_aug_strength"),
    )
)
# At this value ComfyUI leaves out the negative prompt, half of the work; any other costs the same.
SWITCHES = {"cfg": 1.0}

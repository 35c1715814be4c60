"""How nodes fail, in the words of torch and ComfyUI."""

from dataclasses import dataclass

from .nodes import Json, is_link

OOM_TIPS = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before "
    "you might have accidentally set the batch_size to a large number."
)
ALLOCATION_FAILED = """Allocation on device 0 would exceed allowed memory. (out of memory)
Currently allocated     : 22.10 GiB
Requested               : 9.00 GiB
Device limit            : 23.99 GiB"""
SHAPES_DIFFER = (
    "Given groups=1, weight of size [320, 4, 3, 3], expected input[2, 16, 128, 128] to have 4 "
    "channels, but got 16 channels instead"
)
FRAMES = (
    ("execution.py", 545, "execute"),
    ("execution.py", 344, "get_output_data"),
    ("execution.py", 318, "_async_map_node_over_list"),
    ("execution.py", 306, "process_inputs"),
    ("nodes.py", 1559, "sample"),
)
TRACEBACK = [
    f'  File "/opt/ComfyUI/{file}", line {line}, in {name}\n    <source line>\n'
    for file, line, name in FRAMES
]
# What repr() makes of the values that travel along a link; real tensors run to kilobytes.
REPRS = {
    "image": "tensor([[[[0.1804, 0.0824, 0.5686],\n          [0.1804, 0.0824, 0.5686]]]])",
    "images": "tensor([[[[0.1804, 0.0824, 0.5686],\n          [0.1804, 0.0824, 0.5686]]]])",
    "latent_image": "{'samples': tensor([[[[0., 0., 0.,  ..., 0., 0., 0.]]]])}",
    "samples": "{'samples': tensor([[[[0.1226, -0.4410,  ..., 0.9113]]]])}",
    "model": "<comfy.model_patcher.ModelPatcher object at 0x7f1c2c0d5a90>",
}


class Interrupted(Exception):
    """The running prompt was told to stop."""


@dataclass(frozen=True)
class Failure:
    """Say what a node raises and after how many of its steps."""

    exception_type: str
    message: str
    after: int = 0

    @property
    def out_of_memory(self) -> bool:
        return self.exception_type.endswith("OutOfMemoryError")

    @property
    def exception_message(self) -> str:
        return f"{self.message}\n{OOM_TIPS if self.out_of_memory else ''}"

    @property
    def traceback_text(self) -> str:
        frames = "".join(TRACEBACK)
        end = f"{self.exception_type}: {self.message}\n"
        return f"Traceback (most recent call last):\n{frames}{end}"


class NodeFailed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def out_of_memory(after: int = 0) -> Failure:
    return Failure("torch.OutOfMemoryError", ALLOCATION_FAILED, after)


def shapes_differ(after: int = 0) -> Failure:
    return Failure("ValueError", SHAPES_DIFFER, after)


def recorded_failure(node: Json) -> Failure:
    """Return what a TTFail node of the captures raises, read from its inputs."""
    inputs = node["inputs"]
    after = int(inputs.get("after", 0))
    modes = {
        "oom": out_of_memory(after),
        "alloc": Failure("torch.OutOfMemoryError", "Allocation on device ", after),
    }
    mode = str(inputs.get("mode", "ValueError"))
    return modes.get(mode) or Failure(mode, str(inputs.get("message", "failed")), after)


def current_inputs(node: Json) -> dict[str, list[object]]:
    """Return a failing node's inputs as execution_error shows them: links as repr strings."""
    return {
        name: [REPRS.get(name, "<object>") if is_link(value) else value]
        for name, value in node["inputs"].items()
    }

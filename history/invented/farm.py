"""What the invented history is of: servers with their cards, workloads, ways to fail. Pure."""

import hashlib
from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """A server: its card, how fast it is beside others, how often it is chosen."""

    name: str
    card: str
    total_bytes: int
    pace: float
    share: float


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of scene: seconds on a card of pace 1, how far they spread, and what it takes."""

    story: str
    title: str
    seconds: float
    spread: float
    frames: int
    memory_bytes: int
    share: float
    fails: float

    @property
    def sha256(self) -> str:
        """Return what stands for the hash of its graph."""
        return hashlib.sha256(self.story.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail: what ComfyUI says of it, at which node, how far the work had come."""

    type: str
    message: str
    node: str
    node_type: str
    share: float
    done: float


MACHINES = (
    Machine("made-up-01", "RTX 3090", 24 * GIB, 1.0, 4),
    Machine("made-up-02", "RTX 3090", 24 * GIB, 1.02, 3),
    Machine("made-up-03", "RTX 4090", 24 * GIB, 0.61, 5),
    Machine("made-up-04", "H200", 140 * GIB, 0.34, 2),
)
WORKLOADS = (
    Workload("story-harbor", "Harbor", 124.8, 0.03, 25, 17 * GIB, 5, 0.02),
    Workload("story-lantern", "Lantern", 48.0, 0.05, 49, 11 * GIB, 4, 0.03),
    Workload("story-orchard", "Orchard", 310.0, 0.08, 81, 22 * GIB, 2, 0.09),
    Workload("story-tunnel", "Tunnel", 19.5, 0.12, 16, 9 * GIB, 3, 0.01),
    Workload("story-glacier", "Glacier", 75.0, 0.2, 33, 14 * GIB, 1, 0.05),
)
# Of the first workload every scene takes so much longer from the day of the regression on.
REGRESSION, SLOWER = WORKLOADS[0], 1.2
FAULTS = (
    Fault(
        "torch.OutOfMemoryError",
        "CUDA out of memory. Tried to allocate 2.20 GiB.",
        *("3", "KSampler", 5, 0.3),
    ),
    Fault("ValueError", "The model expects 16 channels, got 4.", "8", "VAEDecode", 2, 0.9),
    Fault(
        "FileNotFoundError",
        "The checkpoint is not in the models folder.",
        *("4", "CheckpointLoaderSimple", 1, 0.02),
    ),
    Fault(
        "RuntimeError",
        "CUDA error: an illegal memory access was encountered.",
        *("3", "KSampler", 1, 0.5),
    ),
)
PEOPLE = ("mira", "dana", "jonas", "night-batch")
# When people submit, hour by hour (UTC), and how much of that on a weekend.
HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 17, 16, 13, 10, 14, 17, 16, 13, 9, 6, 5, 4, 4, 3, 3)
WEEKEND = 0.25
VERSIONS = (("0.3.64", "2.8.0+cu128"), ("0.33.0", "2.13.0+cu130"))

"""The simulated graphics card: what is loaded, what the running node uses."""

from collections.abc import Mapping
from random import Random

from .nodes import NODE_CLASSES, Graph, Json

MIB = 1024**2
GIB = 1024**3
VRAM_TOTAL = 25_386_352_640
# The driver's own share, and what the CUDA context takes.
OVERHEAD = 620 * MIB
# (name in the log, MiB once loaded), by model family and by what a node needs.
MODELS: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "sdxl": {
        "model": ("SDXL", 4897.05),
        "clip": ("SDXLClipModel", 1560.80),
        "vae": ("AutoencoderKL", 159.56),
    },
    "flux": {
        "model": ("Flux", 11350.07),
        "clip": ("FluxClipModel_", 4777.54),
        "vae": ("AutoencodingEngine", 159.87),
    },
}
# Working memory in MiB while a node of that need runs.
ACTIVATIONS = {"": 0, "clip": 300, "model": 3600, "vae": 5200}


class Memory:
    """Follow VRAM through loads, work and unloading; all figures are bytes."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self.loaded: dict[str, int] = {}
        self.active = 0
        self.reserved_idle = 0

    def load_for(self, graph: Graph, class_type: str) -> tuple[str, float] | None:
        """Load the model a node needs; return its name and MiB unless it was there already."""
        need = NODE_CLASSES[class_type].needs
        if not need:
            return None
        flux = any(node["class_type"] == "UNETLoader" for node in graph.values())
        name, mib = MODELS["flux" if flux else "sdxl"][need]
        if name in self.loaded:
            return None
        self._make_room(int(mib * MIB))
        self.loaded[name] = int(mib * MIB)
        return name, mib

    def work(self, class_type: str) -> None:
        """Take the working memory of a node, a little different each time."""
        mib = ACTIVATIONS[NODE_CLASSES[class_type].needs]
        self.active = int(mib * MIB * self._rng.uniform(0.9, 1.1))
        self.reserved_idle = max(0, self.reserved_idle - self.active)

    def rest(self) -> None:
        """Give working memory back: torch keeps it reserved until it is told to free."""
        self.reserved_idle = min(self.reserved_idle + self.active, 4 * GIB)
        self.active = 0

    def free(self, unload_models: bool = False) -> None:
        self.reserved_idle = 0
        if unload_models:
            self.loaded.clear()

    @property
    def usable_mib(self) -> float:
        return (VRAM_TOTAL - OVERHEAD - sum(self.loaded.values())) / MIB

    def device(self) -> Json:
        """Return the entry of /system_stats; `vram_free` counts reserved but idle memory in."""
        reserved = sum(self.loaded.values()) + self.active + self.reserved_idle
        return {
            "name": "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync",
            "type": "cuda",
            "index": 0,
            "vram_total": VRAM_TOTAL,
            "vram_free": VRAM_TOTAL - OVERHEAD - reserved + self.reserved_idle,
            "torch_vram_total": reserved,
            "torch_vram_free": self.reserved_idle,
        }

    def _make_room(self, size: int) -> None:
        """Unload the oldest models until there is room for this one and for working memory."""
        while self.loaded and sum(self.loaded.values()) + size > VRAM_TOTAL * 0.68:
            del self.loaded[next(iter(self.loaded))]

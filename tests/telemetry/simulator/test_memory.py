"""The simulated graphics card."""

from itertools import islice

from telemetry.simulator import SCENARIOS
from telemetry.simulator.memory import Memory
from telemetry.simulator.workloads import orders


def test_it_never_holds_more_than_the_card_has() -> None:
    memory = Memory(seed=1)
    for order in islice(orders(SCENARIOS["healthy"], 1), 40):
        for node in order.graph.values():
            memory.load_for(order.graph, node["class_type"])
            memory.work(node["class_type"])
            device = memory.device()
            memory.rest()

            assert 0 <= device["vram_free"] <= device["vram_total"]
            assert 0 <= device["torch_vram_free"] <= device["torch_vram_total"]


def test_it_has_more_free_after_unloading() -> None:
    memory = Memory(seed=1)
    order = next(orders(SCENARIOS["healthy"], 1))
    memory.load_for(order.graph, "KSampler")
    loaded = memory.device()["vram_free"]

    memory.free(unload_models=True)

    assert memory.device()["vram_free"] > loaded


def test_it_keeps_working_memory_reserved_but_counts_it_as_free() -> None:
    memory = Memory(seed=1)
    before = memory.device()["vram_free"]

    memory.work("KSampler")
    during = memory.device()["vram_free"]
    memory.rest()

    assert during < before
    assert memory.device()["vram_free"] == before
    assert memory.device()["torch_vram_free"] > 0

"""Devices as ComfyUI tells them, cards as the driver tells them."""

from dataclasses import replace

from telemetry.contact import StatsTold
from telemetry.gpu import GpuTold
from telemetry.nvml import GpuReading, NvmlReadings, NvmlState
from telemetry.protocol import Device, StatsAnswer
from tests.telemetry.test_machine import BEGAN, timedelta

GIB = 1 << 30
MODEL = "NVIDIA GeForce RTX 4090"


def card(uuid="GPU-a", free=20, total=24, name=MODEL, **fields):
    """Return a card with so many GiB free."""
    usual = GpuReading(
        uuid,
        name,
        total * GIB,
        None if free is None else round((total - free) * GIB),
        None if free is None else round(free * GIB),
        97,
        74,
        431.2,
        reserve_told=True,
    )
    return replace(usual, **fields)


def lost(uuid="GPU-a"):
    return GpuReading(uuid, MODEL, 24 * GIB, lost=True)


def device(free=20, total=24, name=MODEL, index=0, held=0.0):
    """Return a device of which so many GiB are free to the driver, and more held idle by torch."""
    return Device(
        name=f"cuda:{index} {name} : cudaMallocAsync",
        type="cuda",
        index=index,
        vram_total=total * GIB,
        vram_free=round((free + held) * GIB),
        torch_vram_total=round(held * GIB),
        torch_vram_free=round(held * GIB),
    )


def readings(second, *cards, state=NvmlState.OK):
    return NvmlReadings(state, BEGAN + timedelta(seconds=second), tuple(cards))


def gpu_told(second, *cards, **fields):
    return GpuTold(readings(second, *cards, **fields))


def stats(*devices):
    return StatsAnswer(None, None, None, None, None, None, (), devices)


def stats_told(*devices):
    return StatsTold(stats(*devices))

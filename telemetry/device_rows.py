"""A server's devices as its card shows them: each number by the better of its two sources. Pure."""

from dataclasses import dataclass
from datetime import datetime

from telemetry.machine import ServerState
from telemetry.nvml import GpuReading, NvmlState
from telemetry.protocol import Device
from telemetry.text import MISSING, NBSP, gib
from telemetry.words import GRADE_LABELS, Grade

NEARLY_FULL_PERCENT = 95


@dataclass(frozen=True, slots=True)
class Sensors:
    """What the driver measures of a card beside its memory, with units; "–" where not told."""

    utilisation: str
    temperature: str
    power: str


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device's memory: `percent` used, None where untold; `warn` from 95 % on.

    `sensors` is None where the driver is not asked or the card not certain, `note` says why in the
    second case. `lost`: the driver no longer reaches the card.
    """

    index: int
    name: str
    used: str
    total: str
    percent: float | None
    warn: bool
    grade: str
    sensors: Sensors | None = None
    note: str = ""
    lost: bool = False


def device_rows(state: ServerState, at: datetime) -> list[DeviceRow]:
    """Return a row for each device that `/system_stats` names."""
    devices = state.stats.devices if state.stats else ()
    return [_row(state, place, device, at) for place, device in enumerate(devices)]


def _row(state: ServerState, place: int, device: Device, at: datetime) -> DeviceRow:
    card = state.gpus.reading(place, at)
    total, free, grade = memory_of(device, card)
    used = max(0, total - free) if total is not None and free is not None else None
    percent = round(100 * used / total, 1) if used is not None and total else None
    return DeviceRow(
        device.index if device.index is not None else place,
        device_name(device),
        gib(used),
        gib(total),
        percent,
        percent is not None and percent >= NEARLY_FULL_PERCENT and device.type != "cpu",
        GRADE_LABELS[grade],
        _sensors(card) if card is not None and not card.lost else None,
        _note(state, place, device) if card is None else "",
        card is not None and card.lost,
    )


def memory_of(device: Device, card: GpuReading | None) -> tuple[int | None, int | None, Grade]:
    """Return total and free bytes from one source, and which it is."""
    if card is not None and card.free_bytes is not None:
        return card.total_bytes, card.free_bytes, Grade.MEASURED
    return device.vram_total, device.vram_free, Grade.POLLED


def _sensors(card: GpuReading) -> Sensors:
    return Sensors(
        _with_unit(card.utilisation_percent, "%"),
        _with_unit(card.temperature_c, f"{NBSP}°C"),
        _with_unit(card.power_w, f"{NBSP}W"),
    )


def _with_unit(value: float | None, unit: str) -> str:
    return MISSING if value is None else f"{round(value)}{unit}"


def _note(state: ServerState, place: int, device: Device) -> str:
    """Return why the driver of this host tells nothing of a device; "" where it is not asked."""
    gpus = state.gpus
    if gpus.readings is None or device.type == "cpu":
        return ""
    if gpus.readings.state is not NvmlState.OK:
        return str(gpus.readings.state)
    return gpus.matches[place].why if place < len(gpus.matches) else ""


def device_name(device: Device) -> str:
    """Return a device's model: "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync" is RTX 4090."""
    name = device.name.partition(" : ")[0]
    words = [w for w in name.split() if not w.startswith(("cuda:", "xpu:", "mps:"))]
    kept = [w for w in words if w not in ("NVIDIA", "GeForce", "AMD", "Intel(R)")]
    return " ".join(kept)[:60] or device.type or "device"

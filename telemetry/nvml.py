"""Ask NVIDIA's driver for its cards, through the NVML library of the host. Pure of Django.

`Nvml.read` never raises: that there is no library, no driver, no permission or no card is a state,
and so is a card that fell off the bus. Every call may block, even for ever: not for an event loop
(telemetry/sampler.py has a thread for it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class NvmlState(StrEnum):
    """What came of asking; the value is for people."""

    OK = "ok"
    NO_LIBRARY = "no NVIDIA driver is installed"
    NO_DRIVER = "the NVIDIA driver is not loaded"
    NO_PERMISSION = "no permission to ask the NVIDIA driver"
    NO_GPU = "the NVIDIA driver has no GPU"
    HANGS = "the NVIDIA driver does not answer"
    FAILED = "the NVIDIA driver failed"


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One card, now: bytes, percent 0 to 100, degrees Celsius, watts. None where not told.

    `total_bytes` is what programs can have: the card's memory less what the driver keeps for
    itself, where it tells that (then it is what CUDA calls total); else all of it. `lost`: the
    card was there and no longer answers; what is left of it is its name.
    """

    uuid: str
    name: str
    total_bytes: int | None = None
    used_bytes: int | None = None
    free_bytes: int | None = None
    utilisation_percent: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    reserve_told: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class NvmlReadings:
    """All cards at `at`, by our clock; none unless the state is ok. `detail` is NVML's own word.

    `driver` is the driver's version, None where it does not tell it.
    """

    state: NvmlState
    at: datetime
    devices: tuple[GpuReading, ...] = ()
    detail: str = ""
    driver: str | None = None


# NVML's error numbers: part of its stable interface.
NO_PERMISSION, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND = 4, 9, 12
GPU_IS_LOST, RESET_REQUIRED, GPU_NOT_FOUND = 15, 16, 28
# The session itself is gone: begun with nothing, or with a driver that was replaced since.
UNINITIALIZED, VERSION_MISMATCH = 1, 18
_STATES = {
    LIBRARY_NOT_FOUND: NvmlState.NO_LIBRARY,
    DRIVER_NOT_LOADED: NvmlState.NO_DRIVER,
    NO_PERMISSION: NvmlState.NO_PERMISSION,
    GPU_NOT_FOUND: NvmlState.NO_GPU,
}
_LOST = (GPU_IS_LOST, RESET_REQUIRED, GPU_NOT_FOUND)
_OVER = (UNINITIALIZED, DRIVER_NOT_LOADED, VERSION_MISMATCH)
_LARGEST_BYTES = 1 << 60


class Nvml:
    """A session with the library; one thread at a time."""

    def __init__(self) -> None:
        self._lib: Any = None
        self._open = False
        self._driver: str | None = None
        # Cards that were seen in this process: one that vanishes is told as lost.
        self._known: dict[str, GpuReading] = {}

    def read(self, at: datetime) -> NvmlReadings:
        """Return the cards, opening the session where need be."""
        try:
            self._begin()
            return self._read(at)
        except Exception as error:
            self.close()
            state = _STATES.get(getattr(error, "value", -1), NvmlState.FAILED)
            return NvmlReadings(state, at, detail=str(error))

    def close(self) -> None:
        """End the session; the next `read` begins a new one."""
        if self._open:
            self._open = False
            self._try(self._lib.nvmlShutdown)

    def _begin(self) -> None:
        if self._lib is None:
            import pynvml  # 7000 lines that only a collector on a GPU's host needs

            self._lib = pynvml
        if not self._open:
            self._lib.nvmlInit()
            self._open = True
            self._driver = (self._try(self._lib.nvmlSystemGetDriverVersion) or "")[:40] or None

    def _read(self, at: datetime) -> NvmlReadings:
        found: dict[str, GpuReading] = {}
        errors: list[Any] = []
        count = self._lib.nvmlDeviceGetCount()
        for index in range(count):
            try:
                reading = self._device(self._lib.nvmlDeviceGetHandleByIndex(index))
                found[reading.uuid] = reading
            except self._lib.NVMLError as error:
                if error.value in _OVER:
                    raise
                errors.append(error)
        self._known |= found
        gone = [_lost(known) for uuid, known in self._known.items() if uuid not in found]
        if not found and not gone:
            refused = any(error.value == NO_PERMISSION for error in errors)
            state = NvmlState.NO_PERMISSION if refused else NvmlState.NO_GPU
            return NvmlReadings(state, at, detail=str(errors[-1]) if errors else "")
        return NvmlReadings(NvmlState.OK, at, (*found.values(), *gone), driver=self._driver)

    def _device(self, handle: Any) -> GpuReading:
        lib = self._lib
        total, used, free, reserve_told = self._memory(handle)
        load = self._try(lib.nvmlDeviceGetUtilizationRates, handle)
        milliwatts = self._try(lib.nvmlDeviceGetPowerUsage, handle)
        heat = self._try(lib.nvmlDeviceGetTemperature, handle, lib.NVML_TEMPERATURE_GPU)
        return GpuReading(
            uuid=lib.nvmlDeviceGetUUID(handle)[:80],
            name=(self._try(lib.nvmlDeviceGetName, handle) or "")[:120],
            total_bytes=total,
            used_bytes=used,
            free_bytes=free,
            utilisation_percent=_within(load and load.gpu, 100),
            temperature_c=_within(heat, 200),
            power_w=None if milliwatts is None else _within(milliwatts / 1000, 5000),
            reserve_told=reserve_told,
        )

    def _memory(self, handle: Any) -> tuple[int | None, int | None, int | None, bool]:
        """Return total, used and free bytes, and whether the driver's own share is taken off."""
        lib = self._lib
        told = self._try(lib.nvmlDeviceGetMemoryInfo, handle, lib.nvmlMemory_v2)
        reserved = told.reserved if told is not None else 0
        if told is None:  # a driver before 510
            told = self._try(lib.nvmlDeviceGetMemoryInfo, handle)
        if told is None or not 0 < told.total <= _LARGEST_BYTES:
            return None, None, None, False
        total = told.total - min(reserved, told.total)
        return total, _within(told.used, total), _within(told.free, total), reserved > 0

    def _try(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what call(*args) tells, or None where this one figure cannot be told.

        What says that the card or the session is gone is raised: one figure would not be all.
        """
        try:
            return call(*args)
        except self._lib.NVMLError as error:
            if error.value in (*_LOST, *_OVER) and self._open:
                raise
            return None


def _lost(known: GpuReading) -> GpuReading:
    return replace(GpuReading(known.uuid, known.name, known.total_bytes), lost=True)


def _within(value: Any, highest: float) -> Any:
    """Return a figure that can be true, else None."""
    return value if value is not None and 0 <= value <= highest else None

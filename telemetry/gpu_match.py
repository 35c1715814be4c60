"""Which of the host's cards are a ComfyUI's devices. Pure.

Neither knows the other's names for them: ComfyUI tells an index of its own process (changed by
CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER and --cuda-device), NVML one that promises nothing about
CUDA's. So an index is never believed. A device can be a card of the same model and the same memory;
among equal ones, and against a tunnel to another host, the free memory decides: both read the same
counter of the driver, so whoever disagrees while nothing moves is another card.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from telemetry.nvml import GpuReading, NvmlReadings
from telemetry.protocol import Device, StatsAnswer

MIB = 1 << 20
TOTAL_APART = 0.02
# What drivers before 510 keep for themselves without telling, and CUDA does not count.
UNTOLD_RESERVE = 0.06
# Two readings of the same counter, a moment apart, differ by less; see `_agrees`.
FREE_APART = 0.02
FREE_APART_BYTES = 128 * MIB
STEADY_BYTES = 64 * MIB
NEAR_S = 2.5
STRIKES = 2


@dataclass(frozen=True, slots=True)
class Match:
    """The card that a device is; without one, `why` says in words why none is known."""

    uuid: str | None = None
    why: str = ""


@dataclass(slots=True)
class Matching:
    """The devices of one server, and the cards that they can be."""

    devices: tuple[Device, ...] = ()
    _readings: deque[NvmlReadings] = field(default_factory=lambda: deque(maxlen=4))
    _refuted: dict[int, frozenset[str]] = field(default_factory=dict)
    _strikes: dict[int, int] = field(default_factory=dict)
    # A stats answer that is still to be compared: when it came, whether nothing ran.
    _due: tuple[StatsAnswer, datetime, bool] | None = None

    def take_stats(self, stats: StatsAnswer, at: datetime, idle: bool) -> None:
        """Take what ComfyUI tells of its devices; other devices than before begin anew."""
        if [_identity(d) for d in stats.devices] != [_identity(d) for d in self.devices]:
            self.forget()
        self.devices = stats.devices
        self._due = (stats, at, idle)

    def take_readings(self, readings: NvmlReadings) -> None:
        """Take what the driver tells, and compare where both spoke at the same time."""
        self._readings.append(readings)
        if self._due is None:
            return
        stats, at, idle = self._due
        near = [r for r in self._readings if abs((r.at - at).total_seconds()) <= NEAR_S]
        if (readings.at - at).total_seconds() > NEAR_S:
            self._due = None
        elif len(near) >= 2 and near[-1].at >= at:
            self._due = None
            for place, device in enumerate(stats.devices):
                self._compare(place, device, near, idle)

    def forget(self) -> None:
        """Begin anew: ComfyUI was started otherwise than before."""
        self._refuted.clear()
        self._strikes.clear()

    def matches(self) -> list[Match]:
        """Return the card of each device, as far as it is certain."""
        left = {place: self._left(place) for place in range(len(self.devices))}
        certain: dict[int, str] = {}
        while True:
            taken = set(certain.values())
            open_ = {p: c - taken for p, c in left.items() if p not in certain}
            found = {
                place: next(iter(cards))
                for place, cards in open_.items()
                if len(cards) == 1
                and not any(cards & others for p, others in open_.items() if p != place)
            }
            if not found:
                return [self._match(place, certain) for place in range(len(self.devices))]
            certain |= found

    def _match(self, place: int, certain: dict[int, str]) -> Match:
        if place in certain:
            return Match(certain[place])
        candidates, left = self._candidates(place), self._left(place)
        if not candidates:
            return Match(why="none of this host's cards")
        if not left:
            return Match(why="not this host's card: its free memory is another")
        return Match(why="one of several equal cards, not yet known which")

    def _left(self, place: int) -> set[str]:
        return self._candidates(place) - self._refuted.get(place, frozenset())

    def _candidates(self, place: int) -> set[str]:
        cards = self._readings[-1].devices if self._readings else ()
        return {card.uuid for card in cards if _can_be(self.devices[place], card)}

    def _compare(self, place: int, device: Device, near: list[NvmlReadings], idle: bool) -> None:
        if device.vram_free is None or device.torch_vram_free is None or not device.vram_total:
            return
        free = device.vram_free - device.torch_vram_free  # what PyTorch holds idle is not free
        verdicts = {
            uuid: _agrees(free, uuid, near, device.vram_total) for uuid in self._candidates(place)
        }
        others = frozenset(uuid for uuid, agrees in verdicts.items() if agrees is False)
        if len(others) < len(verdicts):
            refuted = self._refuted.get(place, frozenset()) | others
            # Where nothing would be left, the card was changed: the newest word counts.
            self._refuted[place] = refuted if set(verdicts) - refuted else others
            self._strikes[place] = 0
        elif idle and verdicts:
            # At work a reading may be old by the time of the answer; at rest it cannot.
            self._strikes[place] = self._strikes.get(place, 0) + 1
            if self._strikes[place] >= STRIKES:
                self._refuted[place] = others


def _identity(device: Device) -> tuple[str, str, int | None, int | None]:
    return device.name, device.type, device.index, device.vram_total


def _can_be(device: Device, card: GpuReading) -> bool:
    """Say whether a device of ComfyUI can be this card: the same model, the same memory."""
    if device.type != "cuda" or model(device.name) != card.name.strip().lower():
        return False
    if not device.vram_total or not card.total_bytes:
        return True
    apart = (card.total_bytes - device.vram_total) / card.total_bytes
    return -TOTAL_APART <= apart <= (TOTAL_APART if card.reserve_told else UNTOLD_RESERVE)


def model(name: str) -> str:
    """Return the model: of "cuda:0 NVIDIA H200 : cudaMallocAsync", "nvidia h200"."""
    device, _, rest = name.partition(" : ")[0].partition(" ")
    return (rest if device.startswith("cuda") else f"{device} {rest}").strip().lower()


def _agrees(free: int, uuid: str, near: list[NvmlReadings], total: int) -> bool | None:
    """Say whether the card had so much free memory then; None where that moved, or is unknown."""
    told = [card.free_bytes for r in near for card in r.devices if card.uuid == uuid]
    known = [value for value in told if value is not None]
    if len(known) < 2 or max(known) - min(known) > STEADY_BYTES:
        return None
    return abs(free - known[-1]) <= FREE_APART_BYTES + FREE_APART * total

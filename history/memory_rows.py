"""What attempts took of devices' memory, as rows. Each function may be repeated."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, Value, When

from history.models import AttemptMemory
from history.upsert import upsert
from telemetry import transitions as t
from telemetry.leases import Leased
from telemetry.models import Device

COLUMNS = (
    *("attempt", "index"),
    *("uuid", "name", "total_bytes"),
    *("free_before_bytes", "free_lowest_bytes", "free_after_bytes"),
    *("grade", "samples"),
)


def write_memory(told: Iterable[tuple[int | None, tuple[t.DeviceMemory, ...]]]) -> None:
    """Write what attempts, by primary key, took of devices; the last word on each counts."""
    rows = {
        (attempt, device.index): _values(attempt, device)
        for attempt, devices in told
        if attempt is not None
        for device in devices
    }
    upsert(AttemptMemory, COLUMNS[:2], COLUMNS, rows.values())


def _values(attempt: int, device: t.DeviceMemory) -> tuple[Any, ...]:
    """Return a row's values, in the order of COLUMNS."""
    card = device.uuid, device.name[:120] or "device", device.total
    free = device.free_before, device.free_lowest, device.free_after
    return attempt, device.index, *card, *free, str(device.grade), device.samples


def identified(leased: Leased, change: t.DevicesIdentified) -> None:
    """Write which cards a server's devices are."""
    cards = [When(index=place, then=Value(uuid)) for place, uuid in enumerate(change.uuids)]
    if cards:
        devices = Device.objects.filter(server_id=leased.server_id)
        devices.update(uuid=Case(*cards, default=Value("")))

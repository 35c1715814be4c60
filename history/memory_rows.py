"""What attempts took of devices' memory, as rows. Each function may be repeated."""

from collections.abc import Callable
from typing import Any

from django.db.models import Case, Value, When

from history.models import Attempt, AttemptMemory
from telemetry import transitions as t
from telemetry.leases import Leased
from telemetry.models import Device


def _memory(leased: Leased, change: t.AttemptMemory) -> None:
    key = change.key
    known = Attempt.objects.filter(
        server_id=leased.server_id, prompt_id=key.prompt_id, repeat=key.repeat
    )
    attempt_id = known.values_list("pk", flat=True).first()
    if attempt_id is None:
        return
    rows = [_row(attempt_id, device) for device in change.devices]
    AttemptMemory.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["attempt", "index"],
        update_fields=[
            "uuid",
            "name",
            "total_bytes",
            "free_before_bytes",
            "free_lowest_bytes",
            "free_after_bytes",
            "grade",
            "samples",
        ],
    )


def _row(attempt_id: int, device: t.DeviceMemory) -> AttemptMemory:
    return AttemptMemory(
        attempt_id=attempt_id,
        index=device.index,
        uuid=device.uuid,
        name=device.name[:120] or "device",
        total_bytes=device.total,
        free_before_bytes=device.free_before,
        free_lowest_bytes=device.free_lowest,
        free_after_bytes=device.free_after,
        grade=device.grade,
        samples=device.samples,
    )


def _identified(leased: Leased, change: t.DevicesIdentified) -> None:
    cards = [When(index=place, then=Value(uuid)) for place, uuid in enumerate(change.uuids)]
    if cards:
        devices = Device.objects.filter(server_id=leased.server_id)
        devices.update(uuid=Case(*cards, default=Value("")))


WRITERS: dict[type[Any], Callable[[Leased, Any], None]] = {
    t.AttemptMemory: _memory,
    t.DevicesIdentified: _identified,
}

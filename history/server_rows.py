"""Rows about a server itself: what it runs on, when nobody watched. Rare, so one by one."""

import hashlib
import json
from typing import Any

from telemetry import transitions as t
from telemetry.leases import Leased
from telemetry.models import BlindWindow, Device, Environment, Lease
from telemetry.text import model_of


def blind(leased: Leased, change: t.BlindWindowEnded) -> None:
    """Write a time in which nobody watched."""
    BlindWindow.objects.update_or_create(
        server_id=leased.server_id,
        began_at=change.began_at,
        defaults={"ended_at": change.ended_at, "reason": change.reason[:200]},
    )


def backfill(leased: Leased, change: t.BackfillChanged) -> None:
    """Note whether the server's history is read in part only."""
    Lease.objects.filter(server_id=leased.server_id).update(backfilling=change.going_on)


def address(leased: Leased, change: t.AddressChanged) -> None:
    """Note under which address the server was last known to be the one that is on record."""
    Lease.objects.filter(server_id=leased.server_id).update(url=change.url)


def environment(leased: Leased, change: t.EnvironmentChanged) -> None:
    """Write what the server runs on, where that changed.

    What is unknown is no change: the driver's version comes seconds after the rest, and what an
    older Scenewatch did not write down is filled in.
    """
    told = _told(change)
    newest = Environment.objects.filter(server_id=leased.server_id).order_by("-since").first()
    if newest is None or _differ(newest, told):
        row = Environment(server_id=leased.server_id, since=change.at)
        _fill(row, told)
    elif any(told[name] != getattr(newest, name) for name in told if _known(name, told[name])):
        _fill(newest, told)
    _devices(leased, change)


def _told(change: t.EnvironmentChanged) -> dict[str, Any]:
    stats = change.stats
    return {
        "comfyui_version": stats.comfyui_version,
        "python_version": stats.python_version,
        "pytorch_version": stats.pytorch_version,
        "driver_version": change.driver,
        "os": stats.os,
        "ram_total_bytes": stats.ram_total,
        "argv": list(stats.argv),
        "devices": [
            {"name": d.name[:120], "type": d.type, "index": d.index, "vram": d.vram_total}
            for d in stats.devices
        ],
        "packages": dict(stats.packages),
        "node_packs": change.node_packs,
    }


def _differ(row: Environment, told: dict[str, Any]) -> bool:
    """Say whether both know a point, and know it differently."""
    pairs = ((name, getattr(row, name), value) for name, value in told.items())
    return any(old != new for name, old, new in pairs if _known(name, old) and _known(name, new))


def _known(name: str, value: Any) -> bool:
    """Say whether it was told: no custom pack at all is something that is told."""
    return value is not None if name == "node_packs" else bool(value)


def _fill(row: Environment, told: dict[str, Any]) -> None:
    for name, value in told.items():
        setattr(row, name, value if _known(name, value) else getattr(row, name))
    content = {name: getattr(row, name) for name in told}
    row.fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    row.save()


def _devices(leased: Leased, change: t.EnvironmentChanged) -> None:
    places = range(len(change.stats.devices))
    Device.objects.filter(server_id=leased.server_id).exclude(index__in=places).delete()
    for place, device in enumerate(change.stats.devices):
        Device.objects.update_or_create(
            server_id=leased.server_id,
            index=place,
            defaults={
                "name": device.name[:120] or device.type[:120] or "device",
                "model": model_of(device.name) or device.type[:60],
                "kind": device.type[:20],
                "vram_total_bytes": device.vram_total,
                "seen_at": change.at,
            },
        )

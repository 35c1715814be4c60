"""Rows about a server itself: what it runs on, when nobody watched. Rare, so one by one."""

import hashlib
import json

from telemetry import transitions as t
from telemetry.contact import lasting
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
    """Write what the server runs on, where that changed."""
    stats = change.stats
    fingerprint = hashlib.sha256(json.dumps(lasting(stats), default=str).encode()).hexdigest()
    newest = Environment.objects.filter(server_id=leased.server_id).order_by("-since").first()
    if newest is None or newest.fingerprint != fingerprint:
        Environment.objects.create(
            server_id=leased.server_id,
            since=change.at,
            fingerprint=fingerprint,
            comfyui_version=stats.comfyui_version,
            python_version=stats.python_version,
            pytorch_version=stats.pytorch_version,
            os=stats.os,
            ram_total_bytes=stats.ram_total,
            argv=list(stats.argv),
            devices=[
                {"name": d.name[:120], "type": d.type, "index": d.index, "vram": d.vram_total}
                for d in stats.devices
            ],
        )
    _devices(leased, change)


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

"""The ComfyUI servers of a team, and what is known of each for longer than now."""

import datetime as dt
from typing import ClassVar

from django.db import models
from django.utils import timezone

from telemetry.address import validate_base_url
from telemetry.models.people import Team


class ServerQuerySet(models.QuerySet["Server"]):
    """Servers, narrowed by who asks and by whether they are watched."""

    def of(self, user_id: int) -> "ServerQuerySet":
        """Return the servers of the teams that the user is a member of."""
        return self.kept().filter(team__memberships__user_id=user_id)

    def kept(self) -> "ServerQuerySet":
        """Return the servers that were not deleted."""
        return self.filter(deleted_at=None)

    def watched(self) -> "ServerQuerySet":
        """Return the servers that a collector should follow."""
        return self.kept().filter(enabled=True)


class Server(models.Model):
    """One ComfyUI process at a base URL, with or without a path.

    A deleted one stays as a row, so that its history keeps its server; its name and address are
    free for another.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="servers")
    name = models.CharField(max_length=60)
    url = models.CharField(
        "base URL",
        max_length=300,
        validators=[validate_base_url],
        help_text="http://gpu-3:8188, or with a path: https://render.example/comfy",
    )
    bearer_encrypted = models.TextField("bearer token", blank=True, default="", editable=False)
    basic_encrypted = models.TextField(
        "user and password", blank=True, default="", editable=False, help_text="user:password"
    )
    authorities = models.TextField(
        "certificates to trust",
        blank=True,
        default="",
        help_text="PEM. Only for an https:// address that no authority known to this system signs: "
        "the certificate of yours, or the server's own.",
    )
    enabled = models.BooleanField(
        default=True, help_text="Off: the server is no longer followed, its history stays."
    )
    simulated = models.BooleanField(default=False, help_text="A simulator, not a ComfyUI.")
    paused_at = models.DateTimeField(
        "disconnected at",
        null=True,
        editable=False,
        help_text="Disconnected by hand since then, until somebody connects it again.",
    )
    silenced_until = models.DateTimeField(
        null=True, editable=False, help_text="Watched, but not among what needs attention."
    )
    position = models.PositiveIntegerField(default=0, help_text="Its place on the wall.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = ServerQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "url"],
                condition=models.Q(deleted_at=None),
                name="server_url_once_per_team",
                violation_error_message="The team has a server with this address already.",
            ),
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=models.Q(deleted_at=None),
                name="server_name_once_per_team",
                violation_error_message="The team has a server with this name already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.deleted_at is None else f"{self.name} (deleted)"

    def retire(self, at: dt.datetime) -> None:
        """Delete the server for everybody: it is followed no more and forgets its secrets.

        Its history stays, and so does this row.
        """
        self.deleted_at, self.enabled = at, False
        self.bearer_encrypted = self.basic_encrypted = ""
        self.save(
            update_fields=["deleted_at", "enabled", "bearer_encrypted", "basic_encrypted"],
        )


class Device(models.Model):
    """A GPU (or the CPU) of a server, as `/system_stats` last told it."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="devices")
    index = models.PositiveSmallIntegerField()
    uuid = models.CharField(max_length=80, blank=True, default="")
    name = models.CharField(max_length=120)
    model = models.CharField(
        max_length=60, blank=True, default="", help_text="Its name without make and place."
    )
    kind = models.CharField(max_length=20, help_text="cuda, cpu, mps, xpu, …")
    vram_total_bytes = models.BigIntegerField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["server", "index"]
        constraints = [
            models.UniqueConstraint(fields=["server", "index"], name="device_once_per_index"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.server} #{self.index})"


class Environment(models.Model):
    """What a server ran on from `since` on: a row per change, kept.

    `driver_version` is known where the collector runs on the GPU's host. `packages` are those that
    ComfyUI names itself. `node_packs` are the custom nodes by name, each with the version that
    ComfyUI-Manager tells, else with a digest of its nodes (telemetry/protocol/packs.py); null where
    nobody told.
    """

    server = models.ForeignKey(Server, models.CASCADE, related_name="environments")
    since = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of everything below.")
    comfyui_version = models.CharField(max_length=40, null=True)
    python_version = models.CharField(max_length=120, null=True)
    pytorch_version = models.CharField(max_length=60, null=True)
    driver_version = models.CharField(max_length=40, null=True)
    os = models.CharField(max_length=40, null=True)
    ram_total_bytes = models.BigIntegerField(null=True)
    argv = models.JSONField(default=list)
    devices = models.JSONField(default=list)
    packages = models.JSONField(default=dict)
    node_packs = models.JSONField(null=True)

    class Meta:
        ordering = ["-since"]
        indexes = [models.Index(fields=["server", "-since"], name="environment_newest")]

    def __str__(self) -> str:
        return (
            f"{self.server}: ComfyUI {self.comfyui_version or '–'} since {self.since:%d %b %H:%M}"
        )

"""Servers, and what the collector keeps of them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from telemetry import tls
from telemetry.admin.kinds import RecordAdmin
from telemetry.models import AuditEntry, BlindWindow, Device, Environment, Lease, Server
from telemetry.secrets import state_of
from telemetry.server_form import ServerForm


@admin.register(Server)
class ServerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The ComfyUI servers of all teams. Deleting one keeps its history, and so its row."""

    form = ServerForm
    list_display = ("name", "team", "url", "enabled", "simulated", "credentials", "created_at")
    list_filter = ("enabled", "simulated", "team")
    list_select_related = ("team",)
    search_fields = ("name", "url", "team__name")
    date_hierarchy = "created_at"
    readonly_fields = ("bearer_state", "basic_state", "authorities_state", "created_at")
    fieldsets = (
        (None, {"fields": ("team", "name", "url", "enabled", "simulated", "position")}),
        ("Bearer token", {"fields": ("bearer_state", "bearer", "forget_bearer")}),
        (
            "User and password (HTTP basic)",
            {"fields": ("basic_state", "basic_user", "basic_password", "forget_basic")},
        ),
        ("Certificates to trust", {"fields": ("authorities_state", "authorities")}),
        ("Dates", {"fields": ("created_at",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Server]:
        """Return the servers that were not deleted."""
        servers: QuerySet[Server] = super().get_queryset(request)
        return servers.filter(deleted_at=None)

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Return the servers alone: nothing goes along."""
        listed = [f"{server.name} at {server.url}" for server in objs]
        return listed, {"servers": len(listed)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        """Delete the server and keep its history."""
        obj.retire(timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        """Delete the servers and keep their histories."""
        for server in queryset:
            server.retire(timezone.now())

    @admin.display(description="bearer token")
    def bearer_state(self, server: Server) -> str:
        """Say whether there is a token, which is all that is ever told of it."""
        return state_of(server.bearer_encrypted)

    @admin.display(description="user and password")
    def basic_state(self, server: Server) -> str:
        """Say whether there are a user and a password, which is all that is ever told of them."""
        return state_of(server.basic_encrypted)

    @admin.display(description="credentials")
    def credentials(self, server: Server) -> str:
        """Say in the list which credentials are set, and whether they can still be read."""
        kinds = (("bearer token", server.bearer_encrypted), ("password", server.basic_encrypted))
        told = {kind: state_of(stored) for kind, stored in kinds if stored}
        return "; ".join(k if v == "set" else f"{k} {v}" for k, v in told.items()) or "none"

    @admin.display(description="trusted now")
    def authorities_state(self, server: Server) -> str:
        """Say whom the stored certificates make trusted, and until when."""
        try:
            found = tls.authorities_of(server.authorities)
        except tls.BadCertificate as error:
            return str(error)
        told = (
            f"{a.name}, {'expired on' if a.valid_until < timezone.now() else 'valid until'} "
            f"{a.valid_until:%d %B %Y}"
            for a in found
        )
        return "; ".join(told) or "the authorities that this system knows"


@admin.register(Device)
class DeviceAdmin(RecordAdmin):
    """The devices of servers, as they last told."""

    list_display = ("name", "server", "index", "kind", "vram_total_bytes", "uuid", "seen_at")
    list_filter = ("kind", "server__team")
    list_select_related = ("server",)
    search_fields = ("name", "uuid", "server__name")
    date_hierarchy = "seen_at"


@admin.register(Environment)
class EnvironmentAdmin(RecordAdmin):
    """What servers ran on, and since when."""

    list_display = (
        "server",
        "since",
        "comfyui_version",
        "pytorch_version",
        "python_version",
        "os",
    )
    list_filter = ("comfyui_version", "os", "server__team")
    list_select_related = ("server",)
    search_fields = ("server__name", "comfyui_version", "pytorch_version", "fingerprint")
    date_hierarchy = "since"


@admin.register(BlindWindow)
class BlindWindowAdmin(RecordAdmin):
    """When servers were not watched."""

    list_display = ("server", "began_at", "ended_at", "reason")
    list_filter = ("server__team", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("server",)
    search_fields = ("server__name", "reason")
    date_hierarchy = "began_at"


@admin.register(AuditEntry)
class AuditEntryAdmin(RecordAdmin):
    """Who did what to servers."""

    list_display = ("at", "who", "action", "server", "target", "done", "outcome")
    list_filter = ("action", "done", "server__team")
    list_select_related = ("server",)
    search_fields = ("who", "target", "outcome", "server__name")
    date_hierarchy = "at"


@admin.register(Lease)
class LeaseAdmin(RecordAdmin):
    """Which collector follows which server."""

    list_display = ("server", "owner", "fence", "held", "renewed_at", "expires_at")
    list_filter = ("owner", "server__team")
    list_select_related = ("server",)
    search_fields = ("server__name", "owner")
    date_hierarchy = "renewed_at"

    @admin.display(description="held", boolean=True)
    def held(self, lease: Lease) -> bool:
        """Say whether the lease has not run out."""
        return bool(lease.owner) and lease.expires_at > timezone.now()

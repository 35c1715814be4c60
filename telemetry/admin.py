"""The site admin's view of teams, people and servers.

What the collector writes can be looked at, not edited: a changed lease or attempt would be a lie.
Groups and permissions are not shown, for nothing here asks them: a role in a team does that.

The admin's classes are generic to mypy alone; at run time they take no type arguments.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from telemetry import tls
from telemetry.models import (
    ApiToken,
    AuditEntry,
    BlindWindow,
    ClientClaim,
    Device,
    Environment,
    Lease,
    Membership,
    Preferences,
    Server,
    SignInLink,
    Team,
    TvLink,
)
from telemetry.secrets import state_of
from telemetry.server_form import ServerForm

PAGE = 50

admin.site.unregister(Group)
admin.site.unregister(User)


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that a program writes: to be looked at."""

    list_per_page = PAGE
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows come from the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a changed record is no record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows go when they are too old, or with their server."""
        return False


class OwnerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that own a record: they can be deleted, one at a time, until the record holds anything.

    A deletion here loads every row that goes with it, which a history of a million scenes forbids.
    Until then what goes along is a lease, a few devices and the like, which RecordAdmin would veto.
    """

    record: ClassVar[str]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse for many at once, and for what has a history."""
        if obj is None:
            return False
        return not getattr(obj, self.record).exists()

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Return what goes along, without the vetoes of the rows that go along."""
        listed, counts, _vetoes, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People: to sign in, and to be site admin or not."""

    list_display = ("username", "email", "team_count", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "memberships__team")
    search_fields = ("username", "first_name", "last_name", "email")
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return people with the number of their teams."""
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(team_count=Count("memberships", distinct=True))

    @admin.display(description="teams", ordering="team_count")
    def team_count(self, user: Any) -> int:
        """Return of how many teams the person is a member."""
        return int(user.team_count)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """A team's people and their roles, on the page of the team."""

    model = Membership
    fields = ("user", "role", "created_at")
    readonly_fields = ("created_at",)
    raw_id_fields = ("user",)
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Return memberships whose names need no further queries."""
        return super().get_queryset(request).select_related("user", "team")


@admin.register(Team)
class TeamAdmin(OwnerAdmin):
    """Teams and their people."""

    record = "runs"
    list_display = ("name", "slug", "member_count", "server_count", "created_at")
    list_filter = ("created_at",)
    search_fields = ("name", "slug", "memberships__user__username")
    date_hierarchy = "created_at"
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """Return teams with the numbers of their members and servers."""
        teams: QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(
            member_count=Count("memberships", distinct=True),
            server_count=Count("servers", Q(servers__deleted_at=None), distinct=True),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return also the slug once there is one: it stands in addresses, and sockets know it."""
        return ("created_at",) if obj is None else ("slug", "created_at")

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> dict[str, Sequence[str]]:
        """Return the slug of a new team, written along with its name."""
        return {"slug": ("name",)} if obj is None else {}

    @admin.display(description="members", ordering="member_count")
    def member_count(self, team: Any) -> int:
        """Return how many people the team has."""
        return int(team.member_count)

    @admin.display(description="servers", ordering="server_count")
    def server_count(self, team: Any) -> int:
        """Return how many servers the team has."""
        return int(team.server_count)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who is in which team; taking somebody out closes their sockets."""

    list_display = ("user", "team", "role", "created_at")
    list_filter = ("role", "team")
    list_select_related = ("user", "team")
    search_fields = ("user__username", "user__email", "team__name")
    date_hierarchy = "created_at"
    raw_id_fields = ("user", "team")
    readonly_fields = ("created_at",)


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


@admin.register(ClientClaim)
class ClientClaimAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Whose a client_id is; to settle a quarrel, delete the claim."""

    list_display = ("client_id", "user", "team", "created_at")
    list_filter = ("team",)
    list_select_related = ("user", "team")
    search_fields = ("client_id", "user__username", "team__name")
    date_hierarchy = "created_at"
    raw_id_fields = ("user", "team")
    readonly_fields = ("created_at",)


@admin.register(TvLink)
class TvLinkAdmin(RecordAdmin):
    """Links that show a team's wall without signing in; its admins make and revoke them."""

    list_display = ("name", "team", "show_names", "created_by", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "show_names", "team")
    list_select_related = ("team", "created_by")
    search_fields = ("name", "team__name")
    date_hierarchy = "created_at"
    exclude = ("token_sha256",)


@admin.register(SignInLink)
class SignInLinkAdmin(RecordAdmin):
    """Sign-in links that were made; deleting one makes it worthless."""

    list_display = ("user", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter), "expires_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    date_hierarchy = "expires_at"
    fields = ("user", "expires_at", "used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow: a link that went astray must be stoppable."""
        return self.admin_site.has_permission(request)


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """API tokens of all teams; deleting one makes it worthless, and closes its sockets."""

    list_display = ("prefix", "name", "membership", "scope", "last_used_at", "expires_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter), "membership__team")
    list_select_related = ("membership__user", "membership__team")
    search_fields = ("prefix", "name", "membership__user__username", "membership__team__name")
    date_hierarchy = "created_at"
    exclude = ("token_sha256",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Allow: a token that went astray must be stoppable."""
        return self.admin_site.has_permission(request)


@admin.register(Preferences)
class PreferencesAdmin(RecordAdmin):
    """How people want the site to look; they change it themselves."""

    list_display = ("user", "time_zone", "theme", "live_enabled", "live_buffer_ms", "live_debug")
    list_filter = ("theme", "live_enabled", "live_debug")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "time_zone")
    date_hierarchy = "user__date_joined"

"""People, teams, roles and what people want for themselves."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from telemetry.admin.kinds import OwnerAdmin, RecordAdmin
from telemetry.models import ClientClaim, Membership, Preferences, Team

admin.site.unregister(Group)
admin.site.unregister(User)


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


@admin.register(Preferences)
class PreferencesAdmin(RecordAdmin):
    """How people want the site to look; they change it themselves."""

    list_display = ("user", "time_zone", "theme", "live_enabled", "live_buffer_ms", "live_debug")
    list_filter = ("theme", "live_enabled", "live_debug")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email", "time_zone")
    date_hierarchy = "user__date_joined"

"""Links and tokens: looked at, and stopped."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from telemetry.admin.kinds import RecordAdmin
from telemetry.models import ApiToken, SignInLink, TvLink


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

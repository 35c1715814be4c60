"""The Django admin: for active superusers alone, and for everybody else not there at all."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class SiteAdmin(admin.AdminSite):
    """An admin site that sends the anonymous to the site's own sign-in page, others to a 404.

    `is_staff` means nothing here: who may do anything in the admin may do everything.
    """

    site_header = "Scenewatch: site administration"
    site_title = "Scenewatch"
    index_title = "Everything on record"

    def has_permission(self, request: HttpRequest | Any) -> bool:
        """Say whether the request comes from a site admin."""
        return bool(request.user.is_active and request.user.is_superuser)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Return the view behind the guard; every view of the admin passes through here."""
        allowed = require_http_methods(["GET", "HEAD", "POST"])(super().admin_view(view, cacheable))

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.user.is_anonymous:
                return redirect_to_login(request.get_full_path())
            if not self.has_permission(request):
                raise Http404
            return allowed(request, *args, **kwargs)

        return cast(View, guarded)

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Lead to the index, by way of the site's own sign-in page where that is needed."""
        return self.admin_view(lambda _: redirect("admin:index"))(request)

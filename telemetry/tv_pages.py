"""The page of a screen, and the page on which a team's admins make and revoke its links."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from telemetry import wall_page
from telemetry.access import team_for, tv_link_for, tv_link_in
from telemetry.models import Membership, Role, TvLink
from telemetry.settings_nav import groups_for
from telemetry.tv import for_screen, make_link


class TvLinkForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new link: where it hangs, for how long, and whether it names people."""

    days = forms.TypedChoiceField(
        label="Works for",
        choices=[
            ("", "as long as it is not revoked"),
            (1, "a day"),
            (7, "a week"),
            (30, "30 days"),
        ],
        coerce=int,
        empty_value=None,
        required=False,
    )

    class Meta:
        model = TvLink
        fields = ["name", "show_names"]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def tv_links(request: HttpRequest, slug: str) -> HttpResponse:
    """List the team's links to its admins; POST makes one and shows its address, this once."""
    membership = team_for(request.user, slug, Role.ADMIN)
    if request.method != "POST":
        return _page(request, membership, TvLinkForm())
    form = TvLinkForm(request.POST)
    if not form.is_valid():
        return _page(request, membership, form)
    link, token = _made(membership, form.cleaned_data)
    address = request.build_absolute_uri(reverse("tv", args=[token]))
    return _page(request, membership, TvLinkForm(), new_link=link, address=address)


def _made(membership: Membership, told: dict[str, Any]) -> tuple[TvLink, str]:
    days = told["days"]
    until = timezone.now() + timedelta(days=days) if days else None
    return make_link(membership.team, membership.user, told["name"], told["show_names"], until)


def _page(
    request: HttpRequest, membership: Membership, form: TvLinkForm, **more: Any
) -> HttpResponse:
    links = TvLink.objects.filter(team=membership.team).select_related("created_by")
    context = {
        "team": membership.team,
        "nav": groups_for(request.user),
        "here": f"tv_links {membership.team.slug}",
        "membership": membership,
        "form": form,
        "links": links,
    }
    return render(request, "telemetry/tv_links.html", {**context, **more})


@require_POST
@login_required
def revoke(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Revoke a link; a screen that shows it loses the wall within a minute."""
    link = tv_link_in(request.user, slug, pk)
    TvLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now())
    messages.success(request, f"{link.name} shows the wall no longer.")
    return redirect("tv_links", slug)


@require_safe
@never_cache
def tv(request: HttpRequest, token: str) -> HttpResponse:
    """Show the wall to whoever holds the link, read-only and without a way into the site."""
    link = tv_link_for(token)
    context = {**wall_page.context(link.team), "link": link, "token": token}
    response = render(request, "telemetry/tv.html", context)
    response.content = for_screen(response.content.decode(), link.show_names).encode()
    return response

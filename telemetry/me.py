"""Settings > me: time zone, theme and live options of who is signed in."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from telemetry.models import Preferences, Theme
from telemetry.preferences import preferences_of
from telemetry.settings_nav import groups_for
from telemetry.zones import choices_by_area

BROWSERS_OWN = ("", "That of the browser")


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's own settings."""

    class Meta:
        model = Preferences
        fields = (
            "time_zone",
            "theme",
            "live_enabled",
            "live_buffer_ms",
            "live_reconnect_attempts",
            "live_debug",
        )
        widgets: ClassVar = {
            "live_enabled": forms.CheckboxInput(attrs={"class": "switch", "role": "switch"}),
            "live_debug": forms.CheckboxInput(attrs={"class": "switch", "role": "switch"}),
            "live_buffer_ms": forms.NumberInput(attrs={"step": 50}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [BROWSERS_OWN, *choices_by_area()]
        self.fields["time_zone"].widget = forms.Select(choices=choices)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def me(request: HttpRequest) -> HttpResponse:
    """Show a person's own settings, and save them."""
    form = PreferencesForm(request.POST or None, instance=preferences_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your settings are saved.")
        return redirect("me")
    context = {"form": form, "nav": groups_for(request.user), "here": "me"}
    return render(request, "telemetry/me.html", context)


@require_POST
@login_required
def theme(request: HttpRequest) -> HttpResponse:
    """Save the theme that was chosen in the account menu, and go back to the page."""
    chosen = request.POST.get("theme", "")
    if chosen in Theme.values:
        preferences = preferences_of(request.user)
        preferences.theme = chosen
        preferences.save()
    else:
        messages.error(request, f"Choose a theme: {', '.join(Theme.values)}.")
    return redirect(_page_before(request))


def _page_before(request: HttpRequest) -> str:
    """Return the page that a form was sent from, never one of another site."""
    before = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(before, {request.get_host()}, request.is_secure())
    return before if ours else "home"

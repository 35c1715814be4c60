"""What the frame around every page shows."""

from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix
from django.utils.functional import SimpleLazyObject

from telemetry import __version__
from telemetry.models import Team


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the teams that the user can switch between, where live is, and the site's version.

    The teams are asked for only by a template that shows them. Error pages may come from before
    anybody knew who asks.
    """
    user = getattr(request, "user", None)
    frame = {"site_version": __version__, "live_base": f"{get_script_prefix()}live/"}
    if user is None or not user.is_authenticated:
        return {**frame, "teams": []}
    return {**frame, "teams": SimpleLazyObject(lambda: list(Team.objects.of(user.pk)))}

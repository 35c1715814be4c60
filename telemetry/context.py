"""What the frame around every page shows."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from telemetry import __version__
from telemetry.models import Team


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the teams that the user can switch between, and the version of the site.

    The teams are asked for only by a template that shows them. Error pages may come from before
    anybody knew who asks.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"site_version": __version__, "teams": []}
    teams = SimpleLazyObject(lambda: list(Team.objects.of(user.pk)))
    return {"site_version": __version__, "teams": teams}

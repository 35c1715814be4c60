"""A person's own settings, with every request: the zone of its times, the theme, live options."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from telemetry.access import Person
from telemetry.models import Preferences
from telemetry.zones import UTC, zone_of


def preferences_of(user: Person) -> Preferences:
    """Return the user's preferences; the usual ones, not saved, for who has none yet."""
    if user.pk is None:
        return Preferences()
    saved = Preferences.objects.filter(user_id=user.pk).first()
    return saved or Preferences(user_id=user.pk)


class OwnPreferences(MiddlewareMixin):
    """Render every time of a page in the zone of who asks.

    A class, so that Django need not hop threads for it under ASGI.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Look the preferences up: one query for who is signed in."""
        preferences = preferences_of(getattr(request, "user", AnonymousUser()))
        request.preferences = preferences  # type: ignore[attr-defined]
        zone = zone_of(preferences.time_zone)
        if zone is None:
            timezone.deactivate()
        else:
            timezone.activate(zone)

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Leave no zone behind for whoever is served by this thread next."""
        timezone.deactivate()
        return response


def shown(request: HttpRequest) -> dict[str, Any]:
    """Return what every page shows of the preferences of who asks.

    `time_zone` is the chosen one, "" where times are told in that of the browser; `told_zone` is
    the one that times have been rendered in, and `told_offset` how far it is from UTC now.
    """
    preferences = getattr(request, "preferences", None) or Preferences()
    known = preferences.time_zone if zone_of(preferences.time_zone) else ""
    return {
        "preferences": preferences,
        "time_zone": known,
        "told_zone": known or UTC,
        "told_offset": f"UTC{timezone.localtime().isoformat()[-6:]}",
    }

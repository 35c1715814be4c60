"""The app of what is happening now."""

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    """Teams, servers, and following them live."""

    name = "telemetry"
    default_auto_field = "django.db.models.BigAutoField"

"""The app of what happened."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Runs, scenes, attempts: the record."""

    name = "history"
    verbose_name = "History"
    default_auto_field = "django.db.models.BigAutoField"

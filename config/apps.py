"""The app that knows the other two, and the Django admin as it is configured here."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConfigConfig(AppConfig):
    """Settings, addresses, start-up and commands."""

    name = "config"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from config import checks  # noqa: F401


class SiteAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site as the default one."""

    default = False
    default_site = "config.admin_site.SiteAdmin"

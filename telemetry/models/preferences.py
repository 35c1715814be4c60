"""How a person wants the site to look and to move."""

import json

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from telemetry.zones import validate_zone


class Theme(models.TextChoices):
    """A colour scheme, for the eye of one person."""

    SYSTEM = "system", "As the system has it"
    DARK = "dark", "Dark"
    LIGHT = "light", "Light"


class Preferences(models.Model):
    """How a person wants the site to look and to move: one row per user, made when first saved."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="preferences", primary_key=True
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[validate_zone],
        help_text="Every time on every page is told in it.",
    )
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    live_enabled = models.BooleanField(
        "pages move by themselves",
        default=True,
        help_text="Off: a page stays as it was loaded. Reload it to see what is new.",
    )
    live_buffer_ms = models.PositiveSmallIntegerField(
        "gather changes for",
        default=200,
        validators=[MinValueValidator(50), MaxValueValidator(1000)],
        help_text="50 to 1000 ms. Longer: fewer repaints, for slow machines.",
    )
    live_reconnect_attempts = models.PositiveSmallIntegerField(
        "attempts to reconnect",
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="1 to 20. After so many in a row the page says so and asks every 30 s.",
    )
    live_debug = models.BooleanField(
        "debug log",
        default=False,
        help_text="A line on the browser's console for each message. For bug reports.",
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"

    @property
    def live_options(self) -> str:
        """Return what static/js/live.js goes by, as JSON: the person's choices, and the site's."""
        options = {
            "enabled": self.live_enabled,
            "buffer_ms": self.live_buffer_ms,
            "reconnect_attempts": self.live_reconnect_attempts,
            "reconnect_delay_ms": round(1000 * settings.LIVE_RECONNECT_DELAY_S),
            "poll_ms": round(1000 * settings.LIVE_POLL_S),
            "debug": self.live_debug,
        }
        return json.dumps(options)

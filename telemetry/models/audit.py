"""Who did what to a server."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from telemetry.models.servers import Server


class Action(models.TextChoices):
    """What somebody did to a server."""

    INTERRUPT = "interrupt", "Interrupted a prompt"
    CANCEL = "cancel", "Cancelled a waiting prompt"
    RESUBMIT = "resubmit", "Submitted lost prompts again"
    CONNECT = "connect", "Connected"
    DISCONNECT = "disconnect", "Disconnected"
    SILENCE = "silence", "Silenced for an hour"
    SPEAK = "speak", "Ended the silence"
    ADD = "add", "Added"
    CHANGE = "change", "Changed the settings"
    ENABLE = "enable", "Enabled"
    DISABLE = "disable", "Disabled"
    DELETE = "delete", "Deleted"


class AuditEntry(models.Model):
    """Who did what to a server, and what came of it. Kept when its user is deleted."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="audit")
    at = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    who = models.CharField(max_length=150, help_text="The user's name then.")
    action = models.CharField(max_length=10, choices=Action.choices)
    target = models.CharField(
        max_length=200, blank=True, default="", help_text="On what of the server: a prompt_id."
    )
    done = models.BooleanField(help_text="Whether it came about.")
    outcome = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["server", "-at"], name="audit_of_server"),
            models.Index(fields=["at"], name="audit_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.who}: {self.get_action_display()}"

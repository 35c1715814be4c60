"""What happened meanwhile, who wants to hear of it, and what was deleted."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.utils import timezone

from history.models.attempts import Attempt
from history.models.choices import TONES
from history.models.runs import Run
from telemetry.models import Server, Team


class ActivityEvent(models.Model):
    """Something that happened on a server, as a line of the activity feed.

    `key` names the happening, so that writing it again changes nothing.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="activity", db_index=False)
    server = models.ForeignKey(Server, models.CASCADE, related_name="activity", db_index=False)
    attempt = models.ForeignKey(Attempt, models.CASCADE, null=True, related_name="activity")
    key = models.CharField(max_length=240)
    kind = models.CharField(max_length=40)
    tone = models.CharField(max_length=6, choices=TONES)
    text = models.CharField(max_length=300)
    detail = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["server", "key"], name="activity_once"),
        ]
        indexes = [
            models.Index(fields=["team", "-at"], name="activity_of_team"),
            models.Index(fields=["server", "-at"], name="activity_of_server"),
            models.Index(fields=["at"], name="activity_by_age"),
        ]

    def __str__(self) -> str:
        return self.text


class RunWatch(models.Model):
    """A person's wish to be told when a run, or one attempt of it, ends; gone once told.

    A person has at most MOST of them (history/run_watches.py): the oldest gives way.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="run_watches")
    run = models.ForeignKey(Run, models.CASCADE, related_name="watches")
    attempt = models.ForeignKey(Attempt, models.CASCADE, null=True, related_name="watches")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "run watches"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "run"],
                condition=models.Q(attempt=None),
                name="run_watched_once",
            ),
            models.UniqueConstraint(fields=["user", "attempt"], name="attempt_watched_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} watches {self.attempt or self.run}"


class PurgeState(models.Model):
    """The one row of the purge: who carries it out now, and how far it has come.

    Who deletes holds `owner` and renews `expires_at`; a purge whose process died is over then.
    `runs_before` never moves back: runs that were over before it may have been deleted, so what
    ComfyUI still tells of that time is not recorded anew (history/recall.py).
    """

    owner = models.UUIDField(null=True)
    expires_at = models.DateTimeField(default=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    finished_at = models.DateTimeField(null=True, help_text="When the last whole purge ended.")
    runs_before = models.DateTimeField(null=True, help_text="Runs older than this are gone.")

    class Meta:
        verbose_name = "purge"
        verbose_name_plural = "purge"

    def __str__(self) -> str:
        if self.finished_at is None:
            return "never finished"
        return f"finished {self.finished_at:%d %b %Y %H:%M}"


class TeamStorage(models.Model):
    """What a team kept of the record when that was measured last (history/storage.py).

    `kinds`: what rows are of, to how many there are and their bytes.
    """

    team = models.OneToOneField(Team, models.CASCADE, related_name="storage", primary_key=True)
    at = models.DateTimeField()
    kinds = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "storage of teams"

    def __str__(self) -> str:
        return f"storage of {self.team}"

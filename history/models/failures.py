"""Failures by family: attempts that failed in the same way, and what was decided about them."""

from django.conf import settings
from django.db import models

from history.models.attempts import Attempt
from history.models.checks import words
from history.models.choices import FAILURE_STATES, OUTCOMES
from history.models.runs import Run
from history.words import FailureState
from telemetry.models import Team


class FailureFamily(models.Model):
    """Attempts of a team that failed in the same way: same error, node type and kind of message.

    (team, signature) is unique (history/failures/signature.py). Counts are of all that was ever
    seen, also of what retention has deleted since; `servers`, `gpus` and `nodes` map a server's
    id, a GPU's model, a node's id to how many. All of it is written by history/failures/keeping.py
    alone, with the row locked.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="failures", db_index=False)
    signature = models.CharField(max_length=64, help_text="SHA-256 of what makes it one family.")
    error_type = models.CharField(max_length=200, blank=True, default="")
    node_type = models.CharField(max_length=200, blank=True, default="")
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    pattern = models.TextField(help_text="The message without numbers, names, paths.")
    message = models.TextField(help_text="The newest one's, as it was told.")

    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0, help_text="Attempts.")
    run_count = models.PositiveIntegerField(default=0)
    servers = models.JSONField(default=dict)
    gpus = models.JSONField(default=dict)
    nodes = models.JSONField(default=dict)

    state = models.CharField(max_length=8, choices=FAILURE_STATES, default=FailureState.OPEN.value)
    state_at = models.DateTimeField(null=True, help_text="Since when; null: since it was new.")
    state_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    state_who = models.CharField(
        max_length=150, blank=True, default="", help_text="The user's name then; empty: recurrence."
    )

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        verbose_name_plural = "failure families"
        constraints = [
            models.UniqueConstraint(fields=["team", "signature"], name="failure_family_once"),
            words("failure_family", outcome=OUTCOMES, state=FAILURE_STATES),
        ]
        indexes = [
            models.Index(fields=["team", "-last_seen_at"], name="failure_newest"),
            models.Index(fields=["team", "-count"], name="failure_most_frequent"),
            models.Index(fields=["last_seen_at"], name="failure_by_age"),
        ]

    def __str__(self) -> str:
        return self.error_type or self.get_outcome_display()


class FailureOccurrence(models.Model):
    """That an attempt on record belongs to a family, and what was counted for it."""

    attempt = models.OneToOneField(
        Attempt, models.CASCADE, related_name="failure", primary_key=True
    )
    family = models.ForeignKey(
        FailureFamily, models.CASCADE, related_name="occurrences", db_index=False
    )
    # An attempt may move to another run, whose old one is deleted before this is told.
    run = models.ForeignKey(
        Run, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    at = models.DateTimeField(help_text="When it ended; else when it was first seen.")
    # As it was counted: devices and servers change, what is taken off again must not.
    server = models.CharField(max_length=20, blank=True, default="", help_text="Its id.")
    gpu = models.CharField(max_length=60, blank=True, default="", help_text="Its model.")
    node = models.CharField(max_length=200, blank=True, default="", help_text="Its id.")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["family", "-at"], name="failure_occurrence_newest"),
            models.Index(fields=["family", "run"], name="failure_occurrence_of_run"),
        ]

    def __str__(self) -> str:
        return f"{self.family} of {self.attempt_id}"


class FailureDecision(models.Model):
    """Who resolved, ignored or reopened a family, and when; without a user it was seen again."""

    family = models.ForeignKey(
        FailureFamily, models.CASCADE, related_name="decisions", db_index=False
    )
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    who = models.CharField(max_length=150, blank=True, default="", help_text="The name then.")
    state = models.CharField(max_length=8, choices=FAILURE_STATES)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["family", "-at"], name="failure_decision_newest"),
            models.Index(fields=["at"], name="failure_decision_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.family}: {self.state}"

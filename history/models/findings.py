"""What is odd about a run: the notes of its scripts, and what we found in their files."""

from django.conf import settings
from django.db import models

from history.models.attempts import Attempt
from history.models.checks import words
from history.models.choices import LEVELS, RUN_CHANGES, SEVERITIES
from history.models.runs import Run
from history.models.scenes import Scene
from telemetry.models import Team


class FallbackNote(models.Model):
    """A script's word that it had to make do: which kind, how grave, and its text."""

    # The run's team and begin, so that earlier notes of a kind are found by one index.
    team = models.ForeignKey(
        Team, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    began_at = models.DateTimeField(help_text="The run's.")
    scene = models.ForeignKey(Scene, models.CASCADE, related_name="fallback_notes")
    attempt = models.ForeignKey(
        Attempt, models.CASCADE, related_name="fallback_notes", db_index=False
    )
    place = models.PositiveIntegerField(help_text="Its place among the attempt's notes.")
    category = models.CharField(max_length=30)
    severity = models.CharField(max_length=7, choices=SEVERITIES)
    text = models.TextField()

    class Meta:
        ordering = ["attempt", "place"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "place"], name="note_once_per_place"),
            words("note", severity=SEVERITIES),
        ]
        indexes = [
            models.Index(fields=["team", "category", "-began_at"], name="note_earlier"),
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.text[:60]}"


class Finding(models.Model):
    """Something wrong in what a file told of a run; `path` is where in the file.

    The codes are those of history/imports/codes.py. A new revision brings its own.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="findings", db_index=False)
    scene = models.ForeignKey(Scene, models.CASCADE, null=True, related_name="findings")
    place = models.PositiveIntegerField(help_text="Its place among the run's findings.")
    code = models.CharField(max_length=40)
    level = models.CharField(max_length=7, choices=LEVELS)
    path = models.CharField(max_length=300, blank=True, default="")
    message = models.CharField(max_length=500)

    class Meta:
        ordering = ["run", "place"]
        constraints = [
            models.UniqueConstraint(fields=["run", "place"], name="finding_once_per_place"),
            words("finding", level=LEVELS),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.message[:60]}"


class RunNote(models.Model):
    """What a member wrote about a run; goes with it. The name stays when the account goes."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="notes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    who = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.CharField(max_length=2000)

    class Meta:
        ordering = ["run", "at", "pk"]

    def __str__(self) -> str:
        return f"{self.who}: {self.text[:60]}"


class RunDecision(models.Model):
    """Who archived, deleted or restored a run, and when. Without a user Scenewatch itself did.

    Kept as long as the run's row, also when its user is deleted.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="decisions", db_index=False)
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    who = models.CharField(max_length=150, blank=True, default="", help_text="The name then.")
    what = models.CharField(max_length=10, choices=RUN_CHANGES)
    why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["run", "-at"], name="run_decision_newest")]
        constraints = [words("run_decision", what=RUN_CHANGES)]

    def __str__(self) -> str:
        return f"{self.run}: {self.get_what_display()}"

"""Scenes: the units of a run that people care about."""

from django.db import models

from history.models.checks import not_negative, words
from history.models.choices import EXIT_REASONS, OUTCOMES, TIMERS, WARMTHS
from history.models.runs import Run
from history.words import Warmth
from telemetry.models import Server, Team


class Scene(models.Model):
    """The unit that people care about ("scene-007") within a run.

    All from `outcome` to `cached` is that of one attempt (history/settling.py): the newest that
    completed, else the one with most frames, else the newest. A scene nobody queued has none.
    `position` counts by name (scene-2 before scene-10); `warmth` is worked out as it ends, from
    what its server did before (history/warmth.py).
    """

    # The run's, so that a scene's earlier runs are found by one index.
    team = models.ForeignKey(
        Team, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    run = models.ForeignKey(Run, models.CASCADE, related_name="scenes", db_index=False)
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=200, null=True)

    outcome = models.CharField(max_length=10, choices=OUTCOMES, null=True)
    attempt_count = models.PositiveIntegerField(db_default=0)
    open_count = models.PositiveIntegerField(
        db_default=0, help_text="Attempts queued or executing."
    )
    began_at = models.DateTimeField(
        null=True, help_text="Started; else submitted; else when its run began."
    )
    ended_at = models.DateTimeField(null=True)
    waited_s = models.FloatField(null=True)
    duration_s = models.FloatField(null=True)
    timed_by = models.CharField(max_length=8, choices=TIMERS, null=True)
    frames = models.PositiveIntegerField(null=True, help_text="Counted, not assumed.")
    workload = models.CharField(max_length=64, null=True)
    server = models.ForeignKey(Server, models.SET_NULL, null=True, related_name="+", db_index=False)
    gpu_model = models.CharField(max_length=60, null=True)
    position = models.PositiveIntegerField(null=True, help_text="Its place in the run, from 0.")
    warmth = models.CharField(max_length=7, choices=WARMTHS, db_default=Warmth.UNKNOWN)
    cached = models.BooleanField(db_default=False, help_text="Nothing of it was worked out anew.")

    frame_floor = models.PositiveIntegerField(null=True, help_text="Fewer frames are partial.")
    history_polls = models.PositiveIntegerField(null=True)
    exit_reason = models.CharField(max_length=13, choices=EXIT_REASONS, null=True)

    class Meta:
        ordering = ["run", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "external_id"], name="scene_once_per_run"),
            models.CheckConstraint(
                condition=models.Q(duration_s__isnull=True) | models.Q(duration_s__gte=0),
                name="scene_duration_not_negative",
            ),
            words(
                "scene",
                **{"outcome": OUTCOMES, "timed_by": TIMERS},
                **{"warmth": WARMTHS, "exit_reason": EXIT_REASONS},
            ),
            not_negative("scene", "waited_s"),
        ]
        indexes = [
            models.Index(
                fields=["team", "external_id", "workload", "-began_at"], name="scene_earlier"
            ),
            models.Index(
                fields=["team", "workload", "gpu_model", "-ended_at"], name="scene_like_it"
            ),
            # Most scenes have no title, and are called by their id.
            models.Index(
                fields=["team", "title"],
                name="scene_by_title",
                condition=models.Q(title__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.external_id

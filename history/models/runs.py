"""Runs: what was asked for at once, and how it went as a whole."""

from typing import ClassVar

from django.db import models

from history.models.checks import not_negative, words
from history.models.choices import OUTCOMES
from history.models.policies import QueuePolicy
from telemetry.models import Server, Team

# What the figures of a list are reckoned from (history/explore/figures.py): an index that ends on
# these answers for thousands of runs without their rows, which lie all over a large table.
OF_FIGURES = (
    *("gpu_model", "outcome", "open_count", "scene_count", "duration_s", "work_s"),
    *("success_count", "partial_count", "failed_count", "timeout_count", "cancelled_count"),
    *("lost_count", "deleted_at", "id"),
)


class RunQuerySet(models.QuerySet["Run"]):
    """Runs of the record."""

    def kept(self) -> "RunQuerySet":
        """Return the runs that were not deleted: those that lists, figures and baselines are of."""
        return self.filter(deleted_at=None)


class Run(models.Model):
    """One execution of a story or batch: 1..n scenes, possibly on several servers.

    (team, source, external_id) is unique. Source is the submitter's namespace, never the server.
    All from `outcome` to `cached_count` follows from the scenes (history/settling.py) and is
    written in the transaction that changes them, so that lists need no other table. `outcome` is
    null while a scene is open, and where that of a scene is unknown.

    A deleted one keeps its row and its key, so that what ComfyUI remembers of it does not make it
    anew; the rest of it goes with the purge (history/deletion.py), which empties it.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="runs", db_index=False)
    source = models.CharField(max_length=80, default="default")
    external_id = models.CharField(max_length=200)
    story_id = models.CharField(max_length=200, null=True)
    title = models.CharField(max_length=200, null=True)
    submitter = models.CharField(max_length=200, null=True)
    began_at = models.DateTimeField()
    touched_at = models.DateTimeField()

    outcome = models.CharField(max_length=10, choices=OUTCOMES, null=True)
    ended_at = models.DateTimeField(null=True, help_text="Null while a scene is open.")
    duration_s = models.FloatField(null=True, help_text="From its first start to its last end.")
    work_s = models.FloatField(null=True, help_text="Its scenes' durations together.")
    scene_count = models.PositiveIntegerField(db_default=0)
    open_count = models.PositiveIntegerField(db_default=0, help_text="Scenes queued or executing.")
    success_count = models.PositiveIntegerField(db_default=0)
    partial_count = models.PositiveIntegerField(db_default=0)
    failed_count = models.PositiveIntegerField(db_default=0)
    timeout_count = models.PositiveIntegerField(db_default=0)
    skipped_count = models.PositiveIntegerField(db_default=0)
    cancelled_count = models.PositiveIntegerField(db_default=0)
    lost_count = models.PositiveIntegerField(db_default=0)
    success_rate = models.FloatField(
        null=True, help_text="Completed of all but the skipped, 0 to 1; null while one is open."
    )
    attempt_count = models.PositiveIntegerField(db_default=0)
    retried_count = models.PositiveIntegerField(
        db_default=0, help_text="Scenes of several attempts."
    )
    workload = models.CharField(max_length=64, null=True, help_text="Where its scenes share one.")
    gpu_model = models.CharField(max_length=60, null=True, help_text="Where its scenes share one.")
    work = models.CharField(
        max_length=64,
        null=True,
        help_text="SHA-256 of its scenes' workloads in their order; null where one is unknown.",
    )
    cached_count = models.PositiveIntegerField(
        db_default=0, help_text="Scenes that came wholly out of the cache."
    )

    policy = models.ForeignKey(QueuePolicy, models.SET_NULL, null=True, related_name="runs")
    revision = models.PositiveIntegerField(
        db_default=0, help_text="How often a file told of it anew; 0: none did."
    )
    told_at = models.DateTimeField(null=True, help_text="When its newest file was written.")
    fallback_note_count = models.PositiveIntegerField(db_default=0)
    forced_copy_count = models.PositiveIntegerField(db_default=0)
    finding_count = models.PositiveIntegerField(db_default=0)
    error_count = models.PositiveIntegerField(db_default=0, help_text="Findings that are errors.")
    archived_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(
        null=True, help_text="When the purge took what a deleted run held; null: it can come back."
    )

    objects: ClassVar = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "source", "external_id"], name="run_once_per_source"
            ),
            models.CheckConstraint(
                condition=models.Q(success_rate__isnull=True)
                | models.Q(success_rate__gte=0, success_rate__lte=1),
                name="run_success_rate_is_ratio",
            ),
            models.CheckConstraint(
                condition=models.Q(outcome__isnull=True) | models.Q(open_count=0),
                name="run_outcome_once_over",
            ),
            words("run", outcome=OUTCOMES),
            not_negative("run", "duration_s", "work_s"),
        ]
        indexes = [
            models.Index(fields=["team", "-began_at", *OF_FIGURES], name="run_in_list"),
            models.Index(
                fields=["team", "-began_at"],
                condition=models.Q(open_count__gt=0),
                name="run_at_work",
            ),
            models.Index(fields=["team", "submitter", "-began_at"], name="run_by_submitter"),
            models.Index(fields=["team", "outcome", "-began_at"], name="run_by_outcome"),
            models.Index(
                fields=["team", "workload", "-began_at", *OF_FIGURES],
                name="run_in_list_of_workload",
            ),
            models.Index(fields=["team", "work", "-began_at"], name="run_of_work"),
            models.Index(fields=["team", "story_id", "-began_at"], name="run_of_story"),
            models.Index(fields=["team", "gpu_model", "-began_at"], name="run_on_gpu"),
            models.Index(fields=["touched_at"], name="run_by_age"),
            # Of runs that files told of alone: what is watched pays nothing for them.
            models.Index(
                fields=["team", "-began_at"],
                condition=models.Q(finding_count__gt=0),
                name="run_with_findings",
            ),
            models.Index(
                fields=["team", "-began_at"],
                condition=models.Q(error_count__gt=0),
                name="run_with_errors",
            ),
            models.Index(
                fields=["team", "-began_at"],
                condition=models.Q(revision__gt=0, finding_count=0),
                name="run_without_findings",
            ),
            models.Index(
                fields=["team", "-began_at"],
                name="run_archived",
                condition=models.Q(archived_at__isnull=False),
            ),
            models.Index(
                fields=["deleted_at"],
                name="run_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.story_id or self.external_id


class RunServer(models.Model):
    """That a run was on a server: for lists of a server's runs, newest first."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="servers", db_index=False)
    server = models.ForeignKey(Server, models.CASCADE, related_name="run_servers", db_index=False)
    began_at = models.DateTimeField(help_text="The run's.")

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(fields=["run", "server"], name="run_server_once"),
        ]
        indexes = [
            models.Index(fields=["server", "-began_at", "run"], name="run_in_list_of_server")
        ]

    def __str__(self) -> str:
        return f"{self.run} on {self.server}"

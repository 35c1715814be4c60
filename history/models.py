"""The record: runs of scenes, the attempts at each, their nodes, and what else happened."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from telemetry.models import Server, Team
from telemetry.words import (
    GRADE_LABELS,
    OUTCOME_LABELS,
    STATUS_LABELS,
    Grade,
    Outcome,
    Status,
    Tone,
)

OUTCOMES = [(outcome.value, OUTCOME_LABELS[outcome]) for outcome in Outcome]
STATUSES = [(status.value, STATUS_LABELS[status]) for status in Status]
GRADES = [(grade.value, GRADE_LABELS[grade]) for grade in Grade]
TONES = [(tone.value, tone.value) for tone in Tone]


class Run(models.Model):
    """One execution of a story or batch: 1..n scenes, possibly on several servers.

    (team, source, external_id) is unique. Source is the submitter's namespace, never the server.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="runs")
    source = models.CharField(max_length=80, default="default")
    external_id = models.CharField(max_length=200)
    story_id = models.CharField(max_length=200, null=True)
    submitter = models.CharField(max_length=200, null=True)
    began_at = models.DateTimeField()
    touched_at = models.DateTimeField()

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "source", "external_id"], name="run_once_per_source"
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-began_at"], name="run_newest"),
            models.Index(fields=["team", "submitter", "-began_at"], name="run_by_submitter"),
            models.Index(fields=["touched_at"], name="run_by_age"),
        ]

    def __str__(self) -> str:
        return self.story_id or self.external_id


class Scene(models.Model):
    """The unit that people care about ("scene-007") within a run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="scenes")
    external_id = models.CharField(max_length=200)
    outcome = models.CharField(max_length=10, choices=OUTCOMES, null=True)

    class Meta:
        ordering = ["run", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "external_id"], name="scene_once_per_run"),
        ]

    def __str__(self) -> str:
        return self.external_id


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts, narrowed by what is asked."""

    def open(self) -> "AttemptQuerySet":
        """Return the attempts that have not ended."""
        return self.exclude(status=Status.ENDED)


class Attempt(models.Model):
    """One ComfyUI prompt for a scene.

    (server, prompt_id, repeat) is unique: ComfyUI before 0.25 accepts a used prompt_id again, and
    each time is an attempt of its own. `submitted_at` is ComfyUI's create_time where it tells one,
    else when the prompt was first seen (`seen_at`). Times come from ComfyUI's clock.
    """

    server = models.ForeignKey(Server, models.CASCADE, related_name="attempts")
    scene = models.ForeignKey(Scene, models.CASCADE, related_name="attempts")
    prompt_id = models.CharField(max_length=200)
    repeat = models.PositiveIntegerField(default=0)
    number = models.FloatField(null=True, help_text="ComfyUI's place in its queue.")
    attempt_number = models.PositiveIntegerField(
        null=True, help_text="Which try at the scene this is, as the submitter counts."
    )
    client_id = models.CharField(max_length=200, null=True)
    submitter = models.CharField(max_length=200, null=True)
    workload = models.CharField(
        max_length=64, null=True, help_text="SHA-256 of the graph without seeds and texts."
    )
    node_count = models.PositiveIntegerField(null=True)
    extra_data = models.JSONField(default=dict, help_text="Allow-listed keys only.")

    status = models.CharField(max_length=10, choices=STATUSES, default=Status.QUEUED)
    outcome = models.CharField(max_length=10, choices=OUTCOMES, null=True)
    outcome_grade = models.CharField(max_length=10, choices=GRADES, null=True)
    reason = models.CharField(
        max_length=200, blank=True, default="", help_text="Why it was cancelled or lost."
    )
    found_later = models.BooleanField(
        default=False, help_text="Seen only after its end: it ran while nobody watched."
    )
    seen_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    waited_s = models.FloatField(null=True)
    duration_s = models.FloatField(null=True)
    cached_nodes = models.PositiveIntegerField(null=True)

    error_type = models.CharField(max_length=200, null=True)
    error_message = models.TextField(null=True)
    error_node = models.CharField(max_length=200, null=True)
    error_node_type = models.CharField(max_length=200, null=True)
    traceback = models.TextField(null=True, help_text="Shown to operators.")

    objects: ClassVar = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["server", "prompt_id", "repeat"], name="attempt_once_per_server"
            ),
        ]
        indexes = [
            models.Index(fields=["-seen_at"], name="attempt_by_seen"),
            models.Index(fields=["-ended_at"], name="attempt_by_end"),
            models.Index(fields=["server", "-seen_at"], name="attempt_seen_on_server"),
            models.Index(fields=["server", "-ended_at"], name="attempt_newest_end"),
            models.Index(fields=["server", "status"], name="attempt_by_status"),
            models.Index(fields=["workload", "outcome", "-ended_at"], name="attempt_of_workload"),
            models.Index(fields=["prompt_id"], name="attempt_by_prompt_id"),
        ]

    def __str__(self) -> str:
        return f"{self.prompt_id[:8]} on {self.server}"


class Graph(models.Model):
    """The API graph of an attempt, zlib-compressed JSON of at most 1 MB; operators only."""

    attempt = models.OneToOneField(Attempt, models.CASCADE, related_name="graph", primary_key=True)
    compressed = models.BinaryField()

    def __str__(self) -> str:
        return f"graph of {self.attempt_id}"


class Resubmission(models.Model):
    """That a lost attempt was submitted again: once, whoever presses how often.

    The row is there before ComfyUI is asked, and goes again only where it surely refused; `taken`
    says that it answered. Neither: nobody knows whether it took the prompt.
    """

    attempt = models.OneToOneField(
        Attempt, models.CASCADE, related_name="resubmission", primary_key=True
    )
    prompt_id = models.CharField(max_length=200, help_text="What it was submitted as.")
    at = models.DateTimeField()
    taken = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.attempt} again as {self.prompt_id[:8]}"


class NodeExecution(models.Model):
    """One node of one attempt; written only where a channel named the node."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="nodes")
    node = models.CharField(max_length=200, help_text="The display node's id.")
    class_type = models.CharField(max_length=200, null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    duration_s = models.FloatField(null=True)
    cached = models.BooleanField(default=False)

    class Meta:
        ordering = ["attempt", "started_at"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "node"], name="node_once_per_attempt"),
        ]

    def __str__(self) -> str:
        return f"{self.class_type or 'node'} {self.node}"


class AttemptMemory(models.Model):
    """What an attempt took of one device's memory: free bytes, all figures from one source.

    `index` is the device's place in `/system_stats`. Missing is null. Delta is after less before,
    peak use is total less lowest: neither is stored.
    """

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="memory")
    index = models.PositiveSmallIntegerField()
    uuid = models.CharField(max_length=80, blank=True, default="")
    name = models.CharField(max_length=120)
    total_bytes = models.BigIntegerField(null=True)
    free_before_bytes = models.BigIntegerField(null=True)
    free_lowest_bytes = models.BigIntegerField(null=True)
    free_after_bytes = models.BigIntegerField(null=True)
    grade = models.CharField(max_length=10, choices=GRADES)
    samples = models.PositiveIntegerField(help_text="How many fell between start and end.")

    class Meta:
        ordering = ["attempt", "index"]
        verbose_name_plural = "attempt memory"
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "index"], name="attempt_memory_once_per_device"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.index}"


class ActivityEvent(models.Model):
    """Something that happened on a server, as a line of the activity feed.

    `key` names the happening, so that writing it again changes nothing.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="activity")
    server = models.ForeignKey(Server, models.CASCADE, related_name="activity")
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

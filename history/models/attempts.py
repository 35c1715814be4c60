"""Attempts at scenes: ComfyUI's prompts, their nodes, graphs and memory."""

from typing import ClassVar

from django.db import models

from history.models.checks import not_negative, words
from history.models.choices import GRADES, ORIGINS, OUTCOMES, STATUSES, TIMERS
from history.models.scenes import Scene
from history.words import Origin, Timer
from telemetry.models import Server
from telemetry.words import Status


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

    One that only a file told of may lack server (null) and prompt_id (""); `timed_by` says whose
    times and duration it has. Once a file named its scene (origin file or both), what ComfyUI tells
    no longer moves it.
    """

    server = models.ForeignKey(
        Server, models.CASCADE, null=True, related_name="attempts", db_index=False
    )
    scene = models.ForeignKey(Scene, models.CASCADE, related_name="attempts")
    origin = models.CharField(max_length=4, choices=ORIGINS, db_default=Origin.LIVE)
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
    timed_by = models.CharField(max_length=8, choices=TIMERS, db_default=Timer.COMFYUI)
    cached_nodes = models.PositiveIntegerField(null=True)
    frames = models.PositiveIntegerField(null=True, help_text="Counted, not assumed.")

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
            words(
                "attempt",
                **{"status": STATUSES, "outcome": OUTCOMES, "outcome_grade": GRADES},
                **{"origin": ORIGINS, "timed_by": TIMERS},
            ),
            not_negative("attempt", "waited_s", "duration_s"),
            models.CheckConstraint(
                condition=models.Q(outcome__isnull=True) | models.Q(status=Status.ENDED.value),
                name="attempt_outcome_once_over",
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
        return f"{self.prompt_id[:8] or 'attempt'} on {self.server or 'an unknown server'}"


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


class AttemptOutputs(models.Model):
    """The files that an attempt left on its server, as ComfyUI's history names them; none of them.

    `files` are lists of node, place (output, temp, input), folder and name; `count` is how many
    there were, which may be more. They are asked from the server when somebody looks at them.
    """

    attempt = models.OneToOneField(
        Attempt, models.CASCADE, related_name="outputs", primary_key=True
    )
    files = models.JSONField(default=list)
    count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "attempt outputs"

    def __str__(self) -> str:
        return f"files of {self.attempt_id}"


class NodeExecution(models.Model):
    """One node of one attempt; written only where a channel named the node."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="nodes", db_index=False)
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
            not_negative("node", "duration_s"),
        ]

    def __str__(self) -> str:
        return f"{self.class_type or 'node'} {self.node}"


class AttemptMemory(models.Model):
    """What an attempt took of one device's memory: free bytes, all figures from one source.

    `index` is the device's place in `/system_stats`. Missing is null. Delta is after less before,
    peak use is total less lowest: neither is stored.
    """

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="memory", db_index=False)
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
            words("attempt_memory", grade=GRADES),
            not_negative(
                "attempt_memory",
                *("total_bytes", "free_before_bytes", "free_lowest_bytes", "free_after_bytes"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.index}"

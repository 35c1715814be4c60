"""What files told, in their own words: kept beside what we made of it."""

from django.conf import settings
from django.db import models

from history.models.attempts import Attempt
from history.models.checks import not_negative
from history.models.policies import QueuePolicy
from history.models.runs import Run
from history.models.scenes import Scene


class RunRevision(models.Model):
    """One version of what files told of a run. The highest number is in force.

    `sha256` is that of the content, not of the bytes: another layout of the same is no revision.
    `document` is what was read, as zlib of JSON, poll logs left out (PollLog has them): it holds
    prompts and paths and is for operators.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=30, help_text="Which kind of file it was.")
    name = models.CharField(max_length=300, blank=True, default="", help_text="Its file's name.")
    size_bytes = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="run_revisions"
    )
    document = models.BinaryField()

    class Meta:
        ordering = ["run", "number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="revision_once_per_run"),
        ]
        indexes = [models.Index(fields=["at"], name="revision_by_age")]

    def __str__(self) -> str:
        return f"{self.run}, revision {self.number}"


class RunReport(models.Model):
    """What a file told of a run beside its scenes. Keys of JSON are ours, in snake_case.

    `story`: logline, directors_vision, generator, file, folder. `llm`, `health_check`: how the
    story came about. `tests`, `helpers`, `paths`: what else stood there. Paths are text, never
    opened.
    """

    run = models.OneToOneField(Run, models.CASCADE, related_name="report", primary_key=True)
    story = models.JSONField(default=dict)
    llm = models.JSONField(default=dict)
    health_check = models.JSONField(default=dict)
    tests = models.JSONField(default=dict)
    helpers = models.JSONField(default=dict)
    paths = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"what was told of {self.run}"


class SceneReport(models.Model):
    """What a file told of a scene beside its attempts. Prompts are for operators.

    `story`: summary, mood, camera_movement, expected_frames, keyframe. `video`: path, duration_s,
    status, updated_at, error, version, notes. `policy` where it differs from the run's.
    """

    scene = models.OneToOneField(Scene, models.CASCADE, related_name="report", primary_key=True)
    prompt = models.TextField(null=True)
    negative_prompt = models.TextField(null=True)
    story = models.JSONField(default=dict)
    video = models.JSONField(default=dict)
    paths = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    errors = models.JSONField(default=list)
    success_flag = models.BooleanField(null=True, help_text="Its word: at least one frame.")
    floor_flag = models.BooleanField(null=True, help_text="Its word: enough frames.")
    requeued_flag = models.BooleanField(null=True)
    attempts_told = models.PositiveIntegerField(null=True)
    frames_told = models.PositiveIntegerField(null=True)
    frames_assumed = models.BooleanField(
        default=False, help_text="Its frame count is the expected one, not a counted one."
    )
    policy = models.ForeignKey(QueuePolicy, models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"what was told of {self.scene}"


class ScriptReport(models.Model):
    """How a submitting script waited for an attempt, and what it saw: its telemetry block.

    `exit_reason` is its word, the scene's is one of five. `history_seen` says that ComfyUI had an
    entry, not that it was a good one. `more` holds what has no column, `system_before` and `_after`
    the host as ComfyUI told it.
    """

    attempt = models.OneToOneField(
        Attempt, models.CASCADE, related_name="script_report", primary_key=True
    )
    queue_began_at = models.DateTimeField(null=True)
    queue_ended_at = models.DateTimeField(null=True)
    exit_reason = models.CharField(max_length=200, null=True)
    history_polls = models.PositiveIntegerField(null=True)
    history_retrieved = models.BooleanField(null=True)
    history_retrieved_at = models.DateTimeField(null=True)
    history_seen = models.BooleanField(null=True)
    history_seen_at = models.DateTimeField(null=True)
    history_errors = models.JSONField(default=list)
    grace_elapsed = models.BooleanField(null=True)
    marker_seen = models.BooleanField(
        null=True, help_text="The done marker; also true where the script made it itself."
    )
    marker_wait_s = models.FloatField(null=True)
    forced_copy = models.BooleanField(null=True)
    interpolation_ms = models.FloatField(null=True)
    final_fps = models.FloatField(null=True)
    final_width = models.PositiveIntegerField(null=True)
    final_height = models.PositiveIntegerField(null=True)
    system_before = models.JSONField(default=dict)
    system_after = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    errors = models.JSONField(default=list)
    more = models.JSONField(default=dict)

    class Meta:
        constraints = [
            not_negative("script_report", "marker_wait_s", "interpolation_ms", "final_fps")
        ]

    def __str__(self) -> str:
        return f"what a script told of {self.attempt_id}"


class PollLog(models.Model):
    """A script's questions to ComfyUI's history during an attempt: counted, and kept packed.

    `packed` is zlib of JSON (history/polls.py). One of thousands of lines is some kilobytes.
    """

    attempt = models.OneToOneField(
        Attempt, models.CASCADE, related_name="poll_log", primary_key=True
    )
    filed_at = models.DateTimeField(help_text="When a file told of it: its age counts from here.")
    count = models.PositiveIntegerField()
    pending_count = models.PositiveIntegerField()
    success_count = models.PositiveIntegerField()
    error_count = models.PositiveIntegerField()
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    packed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["filed_at"], name="poll_log_by_age")]

    def __str__(self) -> str:
        return f"{self.count} polls of {self.attempt_id}"

"""What files told, and GPUs over time. Texts of prompts and documents are told by their size."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest

from history.models import (
    FallbackNote,
    Finding,
    GpuSample,
    PollLog,
    QueuePolicy,
    RunDecision,
    RunNote,
    RunReport,
    RunRevision,
    RunServer,
    SceneReport,
    ScriptReport,
    Workload,
)
from telemetry.admin import RecordAdmin
from telemetry.text import gib


@admin.register(RunServer)
class RunServerAdmin(RecordAdmin):
    """On which servers runs were."""

    list_display = ("run", "server", "began_at")
    list_filter = ("server__team",)
    list_select_related = ("run", "server")
    search_fields = ("run__external_id", "server__name")
    date_hierarchy = "began_at"


@admin.register(RunNote)
class RunNoteAdmin(RecordAdmin):
    """What members wrote about runs."""

    list_display = ("run", "who", "at", "text")
    list_filter = ("run__team",)
    list_select_related = ("run",)
    search_fields = ("run__external_id", "who")
    date_hierarchy = "at"


@admin.register(RunDecision)
class RunDecisionAdmin(RecordAdmin):
    """Who archived, deleted or restored which run."""

    list_display = ("run", "what", "who", "at", "why")
    list_filter = ("what", "run__team")
    list_select_related = ("run",)
    search_fields = ("who", "run__external_id")
    date_hierarchy = "at"


@admin.register(Workload)
class WorkloadAdmin(RecordAdmin):
    """What kinds of work ask of a GPU."""

    list_display = ("digest", "steps", "width", "height", "frames", "batch", "first_seen_at")
    search_fields = ("digest", "family")
    date_hierarchy = "first_seen_at"


@admin.register(QueuePolicy)
class QueuePolicyAdmin(RecordAdmin):
    """How submitters wait, by version."""

    list_display = (
        "__str__",
        "team",
        "max_wait_s",
        "max_polls",
        "poll_interval_s",
        "grace_s",
        "retry_budget",
        "first_seen_at",
    )
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("fingerprint",)
    date_hierarchy = "first_seen_at"


@admin.register(RunReport)
class RunReportAdmin(RecordAdmin):
    """What files told of runs beside their scenes."""

    list_display = ("run", "team")
    list_filter = ("run__team",)
    list_select_related = ("run__team",)
    search_fields = ("run__external_id", "run__story_id")
    date_hierarchy = "run__began_at"

    @admin.display(ordering="run__team__name")
    def team(self, report: RunReport) -> str:
        """Return the name of the run's team."""
        return report.run.team.name


class _WithSize(RecordAdmin):
    """Rows that hold packed bytes: their size is shown, not they."""

    packed: str

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows with their sizes and without the bytes."""
        rows: QuerySet[Any] = super().get_queryset(request)
        told: QuerySet[Any] = rows.defer(self.packed).annotate(packed_bytes=Length(self.packed))
        return told

    @admin.display(description="packed size", ordering="packed_bytes")
    def packed_size(self, row: Any) -> str:
        """Return the size of what is kept."""
        return f"{row.packed_bytes:,} bytes"


@admin.register(RunRevision)
class RunRevisionAdmin(_WithSize):
    """The versions of what files told of runs."""

    packed = "document"
    list_display = ("run", "number", "kind", "name", "size_bytes", "packed_size", "user", "at")
    list_filter = ("kind", "run__team")
    list_select_related = ("run", "user")
    search_fields = ("run__external_id", "name", "sha256")
    date_hierarchy = "at"
    fields = ("run", "number", "kind", "name", "sha256", "size_bytes", "packed_size", "user", "at")
    readonly_fields = ("packed_size",)


@admin.register(SceneReport)
class SceneReportAdmin(RecordAdmin):
    """What files told of scenes beside their attempts."""

    list_display = ("scene", "run", "frames_told", "attempts_told", "success_flag", "policy")
    list_filter = ("frames_assumed", "scene__run__team")
    list_select_related = ("scene__run", "policy")
    search_fields = ("scene__external_id", "scene__run__external_id")
    date_hierarchy = "scene__ended_at"

    @admin.display(ordering="scene__run__external_id")
    def run(self, report: SceneReport) -> str:
        """Return the name of the run."""
        return str(report.scene.run)


@admin.register(ScriptReport)
class ScriptReportAdmin(RecordAdmin):
    """How scripts waited for attempts."""

    list_display = ("attempt", "exit_reason", "history_polls", "history_seen", "forced_copy")
    list_filter = ("forced_copy", "history_seen", "attempt__scene__team")
    list_select_related = ("attempt__server",)
    search_fields = ("exit_reason", "attempt__prompt_id", "attempt__scene__external_id")
    date_hierarchy = "queue_ended_at"


@admin.register(PollLog)
class PollLogAdmin(_WithSize):
    """How often scripts asked ComfyUI's history, and what it answered."""

    packed = "packed"
    list_display = (
        "attempt",
        "count",
        "pending_count",
        "success_count",
        "error_count",
        "packed_size",
        "filed_at",
    )
    list_filter = ("attempt__scene__team",)
    list_select_related = ("attempt__server",)
    search_fields = ("attempt__prompt_id", "attempt__scene__external_id")
    date_hierarchy = "filed_at"
    fields = ("attempt", "count", "first_at", "last_at", "packed_size", "filed_at")
    readonly_fields = ("packed_size",)


@admin.register(FallbackNote)
class FallbackNoteAdmin(RecordAdmin):
    """Where scripts had to make do."""

    list_display = ("category", "severity", "text", "scene", "began_at")
    list_filter = ("severity", "category", "team")
    list_select_related = ("scene",)
    search_fields = ("text", "category", "scene__external_id")
    date_hierarchy = "began_at"


@admin.register(Finding)
class FindingAdmin(RecordAdmin):
    """What is wrong in files."""

    list_display = ("code", "level", "run", "scene", "path", "message")
    list_filter = ("level", "run__team")
    list_select_related = ("run", "scene")
    search_fields = ("code", "message", "run__external_id")
    date_hierarchy = "run__began_at"


@admin.register(GpuSample)
class GpuSampleAdmin(RecordAdmin):
    """GPUs over time."""

    list_display = ("server", "index", "span_s", "at", "free", "utilisation_mean_percent", "grade")
    list_filter = ("span_s", "grade", "server__team")
    list_select_related = ("server",)
    search_fields = ("server__name",)
    date_hierarchy = "at"

    @admin.display(description="free GiB: lowest, mean")
    def free(self, sample: GpuSample) -> str:
        """Return the free memory of the span."""
        return f"{gib(sample.free_lowest_bytes)}, {gib(sample.free_mean_bytes)}"

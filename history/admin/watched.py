"""What the collector wrote: all of it to be looked at, none of it to be edited."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest

from history.models import (
    ActivityEvent,
    Attempt,
    AttemptMemory,
    AttemptOutputs,
    Graph,
    NodeExecution,
    PurgeState,
    Resubmission,
    Run,
    RunWatch,
    Scene,
    TeamStorage,
)
from telemetry.admin import RecordAdmin
from telemetry.text import MISSING, gib


@admin.register(Run)
class RunAdmin(RecordAdmin):
    """Runs of all teams."""

    list_display = ("external_id", "story_id", "team", "source", "submitter", "outcome", "began_at")
    list_filter = ("outcome", "team", "source")
    list_select_related = ("team",)
    search_fields = ("external_id", "story_id", "submitter")
    date_hierarchy = "began_at"


@admin.register(Scene)
class SceneAdmin(RecordAdmin):
    """Scenes of runs."""

    list_display = ("external_id", "run", "team", "outcome")
    list_filter = ("outcome", "team")
    list_select_related = ("run", "team")
    search_fields = ("external_id", "run__external_id", "run__story_id")
    date_hierarchy = "run__began_at"
    ordering = ("-pk",)


def free_memory(row: AttemptMemory) -> str:
    """Return the free memory of a device before, at its lowest and after, and how it is known."""
    figures = (row.free_before_bytes, row.free_lowest_bytes, row.free_after_bytes)
    return f"{', '.join(gib(value) for value in figures)} ({row.get_grade_display()})"


class MemoryInline(admin.TabularInline):  # type: ignore[type-arg]
    """What an attempt took of each device, on its own page."""

    model = AttemptMemory
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows come from the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a changed record is no record."""
        return False


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Attempts at scenes: ComfyUI's prompts."""

    list_display = (
        "prompt_id",
        "server",
        "scene",
        "status",
        "outcome",
        "outcome_grade",
        "submitter",
        "duration_s",
        "free_memory",
        "seen_at",
    )
    list_filter = ("status", "outcome", "outcome_grade", "found_later", "server__team")
    list_select_related = ("server", "scene")
    search_fields = ("prompt_id", "submitter", "client_id", "error_type", "scene__external_id")
    date_hierarchy = "seen_at"
    ordering = ("-pk",)
    inlines = (MemoryInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Return attempts with what they took of each device's memory."""
        attempts: QuerySet[Attempt] = super().get_queryset(request)
        return attempts.prefetch_related("memory")

    @admin.display(description="free GiB: before, lowest, after")
    def free_memory(self, attempt: Attempt) -> str:
        """Return the free memory around the attempt, a device after the other."""
        return "; ".join(free_memory(row) for row in attempt.memory.all()) or MISSING


@admin.register(Graph)
class GraphAdmin(RecordAdmin):
    """That there is a graph, and how large it is kept."""

    list_display = ("attempt", "compressed_size")
    list_filter = ("attempt__server__team",)
    list_select_related = ("attempt__server",)
    search_fields = ("attempt__prompt_id",)
    date_hierarchy = "attempt__seen_at"
    fields = ("attempt", "compressed_size")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Graph]:
        """Return graphs with their sizes and without themselves."""
        graphs: QuerySet[Graph] = super().get_queryset(request)
        return graphs.defer("compressed").annotate(size_bytes=Length("compressed"))

    @admin.display(description="compressed size", ordering="size_bytes")
    def compressed_size(self, graph: Any) -> str:
        """Return the size of what is kept."""
        return f"{graph.size_bytes:,} bytes"


@admin.register(Resubmission)
class ResubmissionAdmin(RecordAdmin):
    """Lost attempts that were submitted again."""

    list_display = ("attempt", "prompt_id", "at", "taken")
    list_filter = ("taken", "attempt__server__team")
    list_select_related = ("attempt__server",)
    search_fields = ("prompt_id", "attempt__prompt_id")
    date_hierarchy = "at"


@admin.register(AttemptMemory)
class AttemptMemoryAdmin(RecordAdmin):
    """What attempts took of devices' memory."""

    list_display = ("attempt", "index", "name", "free_memory", "samples", "uuid")
    list_filter = ("grade", "attempt__server__team")
    list_select_related = ("attempt__server",)
    search_fields = ("attempt__prompt_id", "uuid", "name")
    date_hierarchy = "attempt__seen_at"
    ordering = ("-pk",)

    @admin.display(description="free GiB: before, lowest, after")
    def free_memory(self, row: AttemptMemory) -> str:
        """Return the free memory around the attempt."""
        return free_memory(row)


@admin.register(AttemptOutputs)
class AttemptOutputsAdmin(RecordAdmin):
    """The files that attempts left on their servers, by name."""

    list_display = ("attempt", "count")
    list_filter = ("attempt__server__team",)
    list_select_related = ("attempt__server",)
    search_fields = ("attempt__prompt_id",)
    date_hierarchy = "attempt__seen_at"
    ordering = ("-pk",)


@admin.register(NodeExecution)
class NodeExecutionAdmin(RecordAdmin):
    """Nodes of attempts."""

    list_display = ("node", "class_type", "attempt", "cached", "duration_s", "started_at")
    list_filter = ("cached", "attempt__server__team")
    list_select_related = ("attempt__server",)
    search_fields = ("node", "class_type", "attempt__prompt_id")
    date_hierarchy = "started_at"
    ordering = ("-pk",)


@admin.register(ActivityEvent)
class ActivityEventAdmin(RecordAdmin):
    """The lines of the activity feeds."""

    list_display = ("at", "team", "server", "kind", "tone", "text")
    list_filter = ("tone", "kind", "team")
    list_select_related = ("team", "server")
    search_fields = ("text", "detail", "server__name")
    date_hierarchy = "at"


@admin.register(RunWatch)
class RunWatchAdmin(RecordAdmin):
    """Who wants to be told when something ends."""

    list_display = ("user", "run", "attempt", "created_at")
    list_filter = ("run__team",)
    list_select_related = ("user", "run", "attempt__server")
    search_fields = ("user__username", "run__external_id", "run__story_id")
    date_hierarchy = "created_at"


@admin.register(TeamStorage)
class TeamStorageAdmin(RecordAdmin):
    """What each team kept when that was measured last."""

    list_display = ("team", "at")
    list_select_related = ("team",)
    search_fields = ("team__name",)
    date_hierarchy = "at"


@admin.register(PurgeState)
class PurgeStateAdmin(RecordAdmin):
    """When rows were last deleted for their age."""

    list_display = ("__str__", "finished_at", "runs_before", "expires_at")
    list_filter = ("finished_at",)
    search_fields = ("owner",)
    date_hierarchy = "finished_at"

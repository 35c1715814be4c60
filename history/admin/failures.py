"""Families of failures: looked at here, decided about on the team's pages."""

from django.contrib import admin

from history.models import FailureDecision, FailureFamily, FailureOccurrence
from telemetry.admin import RecordAdmin


@admin.register(FailureFamily)
class FailureFamilyAdmin(RecordAdmin):
    """Families of all teams."""

    list_display = ("__str__", "pattern", "team", "count", "run_count", "state", "last_seen_at")
    list_filter = ("state", "outcome", "team")
    list_select_related = ("team",)
    search_fields = ("error_type", "node_type", "pattern")
    date_hierarchy = "last_seen_at"


@admin.register(FailureOccurrence)
class FailureOccurrenceAdmin(RecordAdmin):
    """Which attempts are in which family."""

    list_display = ("attempt_id", "family", "gpu", "node", "at")
    list_filter = ("family__team",)
    list_select_related = ("family",)
    search_fields = ("attempt__prompt_id",)
    date_hierarchy = "at"


@admin.register(FailureDecision)
class FailureDecisionAdmin(RecordAdmin):
    """Who decided what about families."""

    list_display = ("family", "state", "who", "at")
    list_filter = ("state", "family__team")
    list_select_related = ("family",)
    search_fields = ("who", "family__error_type")
    date_hierarchy = "at"

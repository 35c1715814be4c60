"""Kinds of rows: those that a program writes, and those that own a record."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE = 50


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that a program writes: to be looked at."""

    list_per_page = PAGE
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows come from the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: a changed record is no record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: rows go when they are too old, or with their server."""
        return False


class OwnerAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that own a record: they can be deleted, one at a time, until the record holds anything.

    A deletion here loads every row that goes with it, which a history of a million scenes forbids.
    Until then what goes along is a lease, a few devices and the like, which RecordAdmin would veto.
    """

    record: ClassVar[str]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse for many at once, and for what has a history."""
        if obj is None:
            return False
        return not getattr(obj, self.record).exists()

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """Return what goes along, without the vetoes of the rows that go along."""
        listed, counts, _vetoes, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

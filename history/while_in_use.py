"""An index for migrations of tables that others write to meanwhile."""

from typing import Any

from django.db.migrations import AddIndex


class AddIndexWhileInUse(AddIndex):
    """An index that PostgreSQL builds while others go on writing.

    One that a failed try left behind is invalid and in the way: it is dropped first, so that
    `migrate` can simply be run again. Its migration must not be atomic.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Build the index."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(
            "DROP INDEX CONCURRENTLY IF EXISTS " + schema_editor.quote_name(self.index.name)
        )
        schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the index."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)

import datetime

from django.db import migrations, models


class AddIndexWhileInUse(migrations.AddIndex):
    """An index that PostgreSQL builds while others go on writing.

    One that a failed try left behind is invalid and in the way: it is dropped first, so that
    `migrate` can simply be run again.
    """

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(
            "DROP INDEX CONCURRENTLY IF EXISTS " + schema_editor.quote_name(self.index.name)
        )
        schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            return super().database_backwards(app_label, schema_editor, from_state, to_state)
        model = from_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ("history", "0002_attempt_memory"),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name="activityevent",
            index=models.Index(fields=["at"], name="activity_by_age"),
        ),
        AddIndexWhileInUse(
            model_name="run",
            index=models.Index(fields=["touched_at"], name="run_by_age"),
        ),
        # Last, since it alone could not be repeated after a failure.
        migrations.CreateModel(
            name="PurgeState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.UUIDField(null=True)),
                ("expires_at", models.DateTimeField(default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))),
                ("finished_at", models.DateTimeField(help_text="When the last whole purge ended.", null=True)),
                ("runs_before", models.DateTimeField(help_text="Runs older than this are gone.", null=True)),
            ],
            options={
                "verbose_name": "purge",
                "verbose_name_plural": "purge",
            },
        ),
    ]

import datetime

from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


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

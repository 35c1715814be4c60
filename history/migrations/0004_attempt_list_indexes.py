from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ("history", "0003_retention_indexes"),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name="attempt",
            index=models.Index(fields=["-seen_at"], name="attempt_by_seen"),
        ),
        AddIndexWhileInUse(
            model_name="attempt",
            index=models.Index(fields=["-ended_at"], name="attempt_by_end"),
        ),
        AddIndexWhileInUse(
            model_name="attempt",
            index=models.Index(fields=["server", "-seen_at"], name="attempt_seen_on_server"),
        ),
    ]

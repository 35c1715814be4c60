from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ('history', '0020_runs_that_are_deleted'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', 'gpu_model', '-began_at'], name='run_on_gpu'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(condition=models.Q(('archived_at__isnull', False)), fields=['team', '-began_at'], name='run_archived'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['deleted_at'], name='run_deleted'),
        ),
        AddIndexWhileInUse(
            model_name='scene',
            index=models.Index(condition=models.Q(('title__isnull', False)), fields=['team', 'title'], name='scene_by_title'),
        ),
    ]

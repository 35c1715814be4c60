from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ('history', '0013_what_baselines_need'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', 'work', '-began_at'], name='run_of_work'),
        ),
        AddIndexWhileInUse(
            model_name='scene',
            index=models.Index(fields=['team', 'workload', 'gpu_model', '-ended_at'], name='scene_like_it'),
        ),
    ]

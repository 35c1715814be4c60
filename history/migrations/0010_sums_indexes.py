import django.db.models.deletion
from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ('history', '0009_fill_sums'),
    ]

    operations = [
        migrations.AlterField(
            model_name='scene',
            name='team',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='telemetry.team'),
        ),
        AddIndexWhileInUse(
            model_name='scene',
            index=models.Index(fields=['team', 'external_id', 'workload', '-began_at'], name='scene_earlier'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', 'outcome', '-began_at'], name='run_by_outcome'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', 'workload', '-began_at'], name='run_of_workload'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', 'story_id', '-began_at'], name='run_of_story'),
        ),
    ]

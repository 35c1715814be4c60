from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse

OF_FIGURES = [
    *('gpu_model', 'outcome', 'open_count', 'scene_count', 'duration_s', 'work_s'),
    *('success_count', 'partial_count', 'failed_count', 'timeout_count', 'cancelled_count'),
    *('lost_count', 'deleted_at', 'id'),
]


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ('history', '0021_indexes_of_filters'),
    ]

    # The new ones first: lists are never without.
    operations = [
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(fields=['team', '-began_at', *OF_FIGURES], name='run_in_list'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(
                fields=['team', 'workload', '-began_at', *OF_FIGURES],
                name='run_in_list_of_workload',
            ),
        ),
        AddIndexWhileInUse(
            model_name='runserver',
            index=models.Index(fields=['server', '-began_at', 'run'], name='run_in_list_of_server'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(
                fields=['team', '-began_at'],
                condition=models.Q(open_count__gt=0),
                name='run_at_work',
            ),
        ),
        migrations.RemoveIndex(model_name='run', name='run_newest'),
        migrations.RemoveIndex(model_name='run', name='run_of_workload'),
        migrations.RemoveIndex(model_name='runserver', name='run_on_server'),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0022_list_indexes'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'running', 'ended']), ('outcome__in', ['success', 'partial', 'failed', 'timeout', 'skipped', 'cancelled', 'lost']), ('outcome_grade__in', ['measured', 'log', 'polled', 'estimated', 'stale']), ('origin__in', ['live', 'file', 'both']), ('timed_by__in', ['comfyui', 'script'])), name='attempt_words'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('waited_s__gte', 0), ('duration_s__gte', 0)), name='attempt_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__isnull', True), ('status', 'ended'), _connector='OR'), name='attempt_outcome_once_over'),
        ),
        migrations.AddConstraint(
            model_name='attemptmemory',
            constraint=models.CheckConstraint(condition=models.Q(('grade__in', ['measured', 'log', 'polled', 'estimated', 'stale'])), name='attempt_memory_words'),
        ),
        migrations.AddConstraint(
            model_name='attemptmemory',
            constraint=models.CheckConstraint(condition=models.Q(('total_bytes__gte', 0), ('free_before_bytes__gte', 0), ('free_lowest_bytes__gte', 0), ('free_after_bytes__gte', 0)), name='attempt_memory_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='failurefamily',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['success', 'partial', 'failed', 'timeout', 'skipped', 'cancelled', 'lost']), ('state__in', ['open', 'resolved', 'ignored'])), name='failure_family_words'),
        ),
        migrations.AddConstraint(
            model_name='fallbacknote',
            constraint=models.CheckConstraint(condition=models.Q(('severity__in', ['info', 'warning', 'error'])), name='note_words'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.CheckConstraint(condition=models.Q(('level__in', ['error', 'warning'])), name='finding_words'),
        ),
        migrations.AddConstraint(
            model_name='gpusample',
            constraint=models.CheckConstraint(condition=models.Q(('span_s__in', [10, 60, 3600]), ('grade__in', ['measured', 'log', 'polled', 'estimated', 'stale'])), name='gpu_sample_words'),
        ),
        migrations.AddConstraint(
            model_name='gpusample',
            constraint=models.CheckConstraint(condition=models.Q(('total_bytes__gte', 0), ('free_lowest_bytes__gte', 0), ('free_mean_bytes__gte', 0), ('power_mean_w__gte', 0), ('utilisation_mean_percent__gte', 0), ('utilisation_highest_percent__gte', 0)), name='gpu_sample_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='nodeexecution',
            constraint=models.CheckConstraint(condition=models.Q(('duration_s__gte', 0)), name='node_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['success', 'partial', 'failed', 'timeout', 'skipped', 'cancelled', 'lost'])), name='run_words'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('duration_s__gte', 0), ('work_s__gte', 0)), name='run_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='scene',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['success', 'partial', 'failed', 'timeout', 'skipped', 'cancelled', 'lost']), ('timed_by__in', ['comfyui', 'script']), ('warmth__in', ['cold', 'warm', 'unknown']), ('exit_reason__in', ['success', 'postExecution', 'attemptLimit', 'maxWait', 'unknown'])), name='scene_words'),
        ),
        migrations.AddConstraint(
            model_name='scene',
            constraint=models.CheckConstraint(condition=models.Q(('waited_s__gte', 0)), name='scene_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='scriptreport',
            constraint=models.CheckConstraint(condition=models.Q(('marker_wait_s__gte', 0), ('interpolation_ms__gte', 0), ('final_fps__gte', 0)), name='script_report_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='rundecision',
            constraint=models.CheckConstraint(condition=models.Q(('what__in', ['archived', 'unarchived', 'deleted', 'restored', 'emptied'])), name='run_decision_words'),
        ),
    ]

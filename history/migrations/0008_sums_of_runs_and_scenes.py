import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0007_what_files_tell'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunServer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField(help_text="The run's.")),
            ],
            options={
                'ordering': ['-began_at'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='archived_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='attempt_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='cancelled_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='duration_s',
            field=models.FloatField(help_text='From its first start to its last end.', null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='ended_at',
            field=models.DateTimeField(help_text='Null while a scene is open.', null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='failed_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='gpu_model',
            field=models.CharField(help_text='Where its scenes share one.', max_length=60, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='lost_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='open_count',
            field=models.PositiveIntegerField(db_default=0, help_text='Scenes queued or executing.'),
        ),
        migrations.AddField(
            model_name='run',
            name='outcome',
            field=models.CharField(choices=[('success', 'Completed'), ('partial', 'Partial'), ('failed', 'Failed'), ('timeout', 'Timed out'), ('skipped', 'Skipped'), ('cancelled', 'Cancelled'), ('lost', 'Lost')], max_length=10, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='partial_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='retried_count',
            field=models.PositiveIntegerField(db_default=0, help_text='Scenes of several attempts.'),
        ),
        migrations.AddField(
            model_name='run',
            name='scene_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='skipped_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='success_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='success_rate',
            field=models.FloatField(help_text='Completed of all but the skipped, 0 to 1; null while one is open.', null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='timeout_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='title',
            field=models.CharField(max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='work_s',
            field=models.FloatField(help_text="Its scenes' durations together.", null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='workload',
            field=models.CharField(help_text='Where its scenes share one.', max_length=64, null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='attempt_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='scene',
            name='began_at',
            field=models.DateTimeField(help_text='Started; else submitted; else when its run began.', null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='duration_s',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='ended_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='exit_reason',
            field=models.CharField(choices=[('success', 'completed'), ('postExecution', 'completed, grace elapsed'), ('attemptLimit', 'poll limit reached'), ('maxWait', 'wait limit reached'), ('unknown', 'unknown')], max_length=13, null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='frame_floor',
            field=models.PositiveIntegerField(help_text='Fewer frames are partial.', null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='frames',
            field=models.PositiveIntegerField(help_text='Counted, not assumed.', null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='gpu_model',
            field=models.CharField(max_length=60, null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='history_polls',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='open_count',
            field=models.PositiveIntegerField(db_default=0, help_text='Attempts queued or executing.'),
        ),
        migrations.AddField(
            model_name='scene',
            name='server',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='telemetry.server'),
        ),
        migrations.AddField(
            model_name='scene',
            name='team',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='telemetry.team'),
        ),
        migrations.AddField(
            model_name='scene',
            name='timed_by',
            field=models.CharField(choices=[('comfyui', 'by ComfyUI'), ('script', 'by the submitting script')], max_length=8, null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='title',
            field=models.CharField(max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='waited_s',
            field=models.FloatField(null=True),
        ),
        migrations.AddField(
            model_name='scene',
            name='workload',
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AlterField(
            model_name='scene',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='scenes', to='history.run'),
        ),
        migrations.AddField(
            model_name='runserver',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='servers', to='history.run'),
        ),
        migrations.AddField(
            model_name='runserver',
            name='server',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='run_servers', to='telemetry.server'),
        ),
        migrations.AddIndex(
            model_name='runserver',
            index=models.Index(fields=['server', '-began_at'], name='run_on_server'),
        ),
        migrations.AddConstraint(
            model_name='runserver',
            constraint=models.UniqueConstraint(fields=('run', 'server'), name='run_server_once'),
        ),
    ]

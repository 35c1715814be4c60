import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0006_run_watches'),
        ('telemetry', '0007_device_models_and_packages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FallbackNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField(help_text="The run's.")),
                ('place', models.PositiveIntegerField(help_text="Its place among the attempt's notes.")),
                ('category', models.CharField(max_length=30)),
                ('severity', models.CharField(choices=[('info', 'info'), ('warning', 'warning'), ('error', 'error')], max_length=7)),
                ('text', models.TextField()),
            ],
            options={
                'ordering': ['attempt', 'place'],
            },
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveIntegerField(help_text="Its place among the run's findings.")),
                ('code', models.CharField(max_length=40)),
                ('level', models.CharField(choices=[('error', 'error'), ('warning', 'warning')], max_length=7)),
                ('path', models.CharField(blank=True, default='', max_length=300)),
                ('message', models.CharField(max_length=500)),
            ],
            options={
                'ordering': ['run', 'place'],
            },
        ),
        migrations.CreateModel(
            name='PollLog',
            fields=[
                ('attempt', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='poll_log', serialize=False, to='history.attempt')),
                ('filed_at', models.DateTimeField(help_text='When a file told of it: its age counts from here.')),
                ('count', models.PositiveIntegerField()),
                ('pending_count', models.PositiveIntegerField()),
                ('success_count', models.PositiveIntegerField()),
                ('error_count', models.PositiveIntegerField()),
                ('first_at', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('packed', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='QueuePolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(help_text='SHA-256 of everything below.', max_length=64)),
                ('max_wait_s', models.FloatField(null=True)),
                ('max_polls', models.PositiveIntegerField(help_text='0: unlimited.', null=True)),
                ('poll_interval_s', models.FloatField(null=True)),
                ('grace_s', models.FloatField(help_text='Goes on polling so long after the end.', null=True)),
                ('retry_budget', models.PositiveIntegerField(help_text='0: no retry.', null=True)),
                ('more', models.JSONField(default=dict)),
                ('first_seen_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'queue policies',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='RunReport',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='report', serialize=False, to='history.run')),
                ('story', models.JSONField(default=dict)),
                ('llm', models.JSONField(default=dict)),
                ('health_check', models.JSONField(default=dict)),
                ('tests', models.JSONField(default=dict)),
                ('helpers', models.JSONField(default=dict)),
                ('paths', models.JSONField(default=dict)),
                ('warnings', models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name='RunRevision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('kind', models.CharField(help_text='Which kind of file it was.', max_length=30)),
                ('name', models.CharField(blank=True, default='', help_text="Its file's name.", max_length=300)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('at', models.DateTimeField()),
                ('document', models.BinaryField()),
            ],
            options={
                'ordering': ['run', 'number'],
            },
        ),
        migrations.CreateModel(
            name='SceneReport',
            fields=[
                ('scene', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='report', serialize=False, to='history.scene')),
                ('prompt', models.TextField(null=True)),
                ('negative_prompt', models.TextField(null=True)),
                ('story', models.JSONField(default=dict)),
                ('video', models.JSONField(default=dict)),
                ('paths', models.JSONField(default=dict)),
                ('warnings', models.JSONField(default=list)),
                ('errors', models.JSONField(default=list)),
                ('success_flag', models.BooleanField(help_text='Its word: at least one frame.', null=True)),
                ('floor_flag', models.BooleanField(help_text='Its word: enough frames.', null=True)),
                ('requeued_flag', models.BooleanField(null=True)),
                ('attempts_told', models.PositiveIntegerField(null=True)),
                ('frames_told', models.PositiveIntegerField(null=True)),
                ('frames_assumed', models.BooleanField(default=False, help_text='Its frame count is the expected one, not a counted one.')),
            ],
        ),
        migrations.CreateModel(
            name='ScriptReport',
            fields=[
                ('attempt', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='script_report', serialize=False, to='history.attempt')),
                ('queue_began_at', models.DateTimeField(null=True)),
                ('queue_ended_at', models.DateTimeField(null=True)),
                ('exit_reason', models.CharField(max_length=200, null=True)),
                ('history_polls', models.PositiveIntegerField(null=True)),
                ('history_retrieved', models.BooleanField(null=True)),
                ('history_retrieved_at', models.DateTimeField(null=True)),
                ('history_seen', models.BooleanField(null=True)),
                ('history_seen_at', models.DateTimeField(null=True)),
                ('history_errors', models.JSONField(default=list)),
                ('grace_elapsed', models.BooleanField(null=True)),
                ('marker_seen', models.BooleanField(help_text='The done marker; also true where the script made it itself.', null=True)),
                ('marker_wait_s', models.FloatField(null=True)),
                ('forced_copy', models.BooleanField(null=True)),
                ('interpolation_ms', models.FloatField(null=True)),
                ('final_fps', models.FloatField(null=True)),
                ('final_width', models.PositiveIntegerField(null=True)),
                ('final_height', models.PositiveIntegerField(null=True)),
                ('system_before', models.JSONField(default=dict)),
                ('system_after', models.JSONField(default=dict)),
                ('warnings', models.JSONField(default=list)),
                ('errors', models.JSONField(default=list)),
                ('more', models.JSONField(default=dict)),
            ],
        ),
        migrations.AddField(
            model_name='attempt',
            name='frames',
            field=models.PositiveIntegerField(help_text='Counted, not assumed.', null=True),
        ),
        migrations.AddField(
            model_name='attempt',
            name='origin',
            field=models.CharField(choices=[('live', 'watched'), ('file', 'imported'), ('both', 'watched and imported')], db_default='live', max_length=4),
        ),
        migrations.AddField(
            model_name='attempt',
            name='timed_by',
            field=models.CharField(choices=[('comfyui', 'by ComfyUI'), ('script', 'by the submitting script')], db_default='comfyui', max_length=8),
        ),
        migrations.AddField(
            model_name='run',
            name='error_count',
            field=models.PositiveIntegerField(db_default=0, help_text='Findings that are errors.'),
        ),
        migrations.AddField(
            model_name='run',
            name='fallback_note_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='finding_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='forced_copy_count',
            field=models.PositiveIntegerField(db_default=0),
        ),
        migrations.AddField(
            model_name='run',
            name='revision',
            field=models.PositiveIntegerField(db_default=0, help_text='How often a file told of it anew; 0: none did.'),
        ),
        migrations.AddField(
            model_name='run',
            name='told_at',
            field=models.DateTimeField(help_text='When its newest file was written.', null=True),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='server',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='telemetry.server'),
        ),
        migrations.AddField(
            model_name='fallbacknote',
            name='attempt',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fallback_notes', to='history.attempt'),
        ),
        migrations.AddField(
            model_name='fallbacknote',
            name='scene',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fallback_notes', to='history.scene'),
        ),
        migrations.AddField(
            model_name='fallbacknote',
            name='team',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='telemetry.team'),
        ),
        migrations.AddField(
            model_name='finding',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='history.run'),
        ),
        migrations.AddField(
            model_name='finding',
            name='scene',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='history.scene'),
        ),
        migrations.AddField(
            model_name='queuepolicy',
            name='team',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queue_policies', to='telemetry.team'),
        ),
        migrations.AddField(
            model_name='run',
            name='policy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='history.queuepolicy'),
        ),
        migrations.AddField(
            model_name='runrevision',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='history.run'),
        ),
        migrations.AddField(
            model_name='runrevision',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='run_revisions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='scenereport',
            name='policy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='history.queuepolicy'),
        ),
        migrations.AddIndex(
            model_name='fallbacknote',
            index=models.Index(fields=['team', 'category', '-began_at'], name='note_earlier'),
        ),
        migrations.AddConstraint(
            model_name='fallbacknote',
            constraint=models.UniqueConstraint(fields=('attempt', 'place'), name='note_once_per_place'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.UniqueConstraint(fields=('run', 'place'), name='finding_once_per_place'),
        ),
        migrations.AddConstraint(
            model_name='queuepolicy',
            constraint=models.UniqueConstraint(fields=('team', 'fingerprint'), name='policy_once_per_team'),
        ),
        migrations.AddConstraint(
            model_name='queuepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('max_wait_s__isnull', True), ('max_wait_s__gte', 0), _connector='OR'), name='policy_wait_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='queuepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('poll_interval_s__isnull', True), ('poll_interval_s__gte', 0), _connector='OR'), name='policy_interval_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='queuepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('grace_s__isnull', True), ('grace_s__gte', 0), _connector='OR'), name='policy_grace_not_negative'),
        ),
        migrations.AddIndex(
            model_name='runrevision',
            index=models.Index(fields=['at'], name='revision_by_age'),
        ),
        migrations.AddConstraint(
            model_name='runrevision',
            constraint=models.UniqueConstraint(fields=('run', 'number'), name='revision_once_per_run'),
        ),
        migrations.AddIndex(
            model_name='polllog',
            index=models.Index(fields=['filed_at'], name='poll_log_by_age'),
        ),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0014_baseline_indexes'),
        ('telemetry', '0007_device_models_and_packages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FailureFamily',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('signature', models.CharField(help_text='SHA-256 of what makes it one family.', max_length=64)),
                ('error_type', models.CharField(blank=True, default='', max_length=200)),
                ('node_type', models.CharField(blank=True, default='', max_length=200)),
                ('outcome', models.CharField(choices=[('success', 'Completed'), ('partial', 'Partial'), ('failed', 'Failed'), ('timeout', 'Timed out'), ('skipped', 'Skipped'), ('cancelled', 'Cancelled'), ('lost', 'Lost')], max_length=10)),
                ('pattern', models.TextField(help_text='The message without numbers, names, paths.')),
                ('message', models.TextField(help_text="The newest one's, as it was told.")),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('count', models.PositiveIntegerField(default=0, help_text='Attempts.')),
                ('run_count', models.PositiveIntegerField(default=0)),
                ('servers', models.JSONField(default=dict)),
                ('gpus', models.JSONField(default=dict)),
                ('nodes', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('open', 'Open'), ('resolved', 'Resolved'), ('ignored', 'Ignored')], default='open', max_length=8)),
                ('state_at', models.DateTimeField(help_text='Since when; null: since it was new.', null=True)),
                ('state_who', models.CharField(blank=True, default='', help_text="The user's name then; empty: recurrence.", max_length=150)),
                ('state_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='failures', to='telemetry.team')),
            ],
            options={
                'verbose_name_plural': 'failure families',
                'ordering': ['-last_seen_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='FailureDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('who', models.CharField(blank=True, default='', help_text='The name then.', max_length=150)),
                ('state', models.CharField(choices=[('open', 'Open'), ('resolved', 'Resolved'), ('ignored', 'Ignored')], max_length=8)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('family', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='history.failurefamily')),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='FailureOccurrence',
            fields=[
                ('attempt', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='failure', serialize=False, to='history.attempt')),
                ('at', models.DateTimeField(help_text='When it ended; else when it was first seen.')),
                ('server', models.CharField(blank=True, default='', help_text='Its id.', max_length=20)),
                ('gpu', models.CharField(blank=True, default='', help_text='Its model.', max_length=60)),
                ('node', models.CharField(blank=True, default='', help_text='Its id.', max_length=200)),
                ('family', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='occurrences', to='history.failurefamily')),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='history.run')),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.AddIndex(
            model_name='failurefamily',
            index=models.Index(fields=['team', '-last_seen_at'], name='failure_newest'),
        ),
        migrations.AddIndex(
            model_name='failurefamily',
            index=models.Index(fields=['team', '-count'], name='failure_most_frequent'),
        ),
        migrations.AddIndex(
            model_name='failurefamily',
            index=models.Index(fields=['last_seen_at'], name='failure_by_age'),
        ),
        migrations.AddConstraint(
            model_name='failurefamily',
            constraint=models.UniqueConstraint(fields=('team', 'signature'), name='failure_family_once'),
        ),
        migrations.AddIndex(
            model_name='failuredecision',
            index=models.Index(fields=['family', '-at'], name='failure_decision_newest'),
        ),
        migrations.AddIndex(
            model_name='failuredecision',
            index=models.Index(fields=['at'], name='failure_decision_by_age'),
        ),
        migrations.AddIndex(
            model_name='failureoccurrence',
            index=models.Index(fields=['family', '-at'], name='failure_occurrence_newest'),
        ),
        migrations.AddIndex(
            model_name='failureoccurrence',
            index=models.Index(fields=['family', 'run'], name='failure_occurrence_of_run'),
        ),
    ]

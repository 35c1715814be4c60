import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0019_findings_of_runs'),
        ('telemetry', '0007_device_models_and_packages'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RunDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('who', models.CharField(blank=True, default='', help_text='The name then.', max_length=150)),
                ('what', models.CharField(choices=[('archived', 'Archived'), ('unarchived', 'Taken out of the archive'), ('deleted', 'Deleted'), ('restored', 'Restored'), ('emptied', 'Removed for good')], max_length=10)),
                ('why', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='run',
            name='deleted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='emptied_at',
            field=models.DateTimeField(help_text='When the purge took what a deleted run held; null: it can come back.', null=True),
        ),
        migrations.AddField(
            model_name='rundecision',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='decisions', to='history.run'),
        ),
        migrations.AddField(
            model_name='rundecision',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='rundecision',
            index=models.Index(fields=['run', '-at'], name='run_decision_newest'),
        ),
    ]

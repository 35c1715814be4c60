import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0023_words_and_amounts'),
        ('telemetry', '0007_device_models_and_packages'),
    ]

    operations = [
        migrations.CreateModel(
            name='TeamStorage',
            fields=[
                ('team', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='storage', serialize=False, to='telemetry.team')),
                ('at', models.DateTimeField()),
                ('kinds', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name_plural': 'storage of teams',
            },
        ),
    ]

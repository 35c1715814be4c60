import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0011_sums_constraints'),
    ]

    operations = [
        migrations.CreateModel(
            name='GpuSample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveSmallIntegerField()),
                ('span_s', models.PositiveSmallIntegerField(choices=[(10, '10 s'), (60, 'minute'), (3600, 'hour')])),
                ('at', models.DateTimeField()),
                ('samples', models.PositiveIntegerField()),
                ('grade', models.CharField(choices=[('measured', 'measured'), ('log', 'from the log'), ('polled', 'polled'), ('estimated', 'estimated'), ('stale', 'stale')], max_length=10)),
                ('total_bytes', models.BigIntegerField(null=True)),
                ('free_lowest_bytes', models.BigIntegerField(null=True)),
                ('free_mean_bytes', models.BigIntegerField(null=True)),
                ('utilisation_mean_percent', models.FloatField(null=True)),
                ('utilisation_highest_percent', models.FloatField(null=True)),
                ('temperature_highest_c', models.FloatField(null=True)),
                ('power_mean_w', models.FloatField(null=True)),
            ],
            options={
                'verbose_name': 'GPU sample',
                'ordering': ['server', 'index', 'span_s', 'at'],
            },
        ),
        migrations.AddField(
            model_name='gpusample',
            name='server',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='gpu_samples', to='telemetry.server'),
        ),
        migrations.AddIndex(
            model_name='gpusample',
            index=models.Index(fields=['span_s', 'at'], name='gpu_sample_by_age'),
        ),
        migrations.AddConstraint(
            model_name='gpusample',
            constraint=models.UniqueConstraint(fields=('server', 'index', 'span_s', 'at'), name='gpu_sample_once_per_span'),
        ),
    ]

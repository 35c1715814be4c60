from django.db import migrations, models

PLACES, MAKERS = ("cuda:", "xpu:", "mps:"), ("NVIDIA", "GeForce", "AMD", "Intel(R)")


def fill(apps, schema_editor):
    for device in apps.get_model("telemetry", "Device").objects.all():
        words = [w for w in device.name.partition(" : ")[0].split() if not w.startswith(PLACES)]
        device.model = " ".join(w for w in words if w not in MAKERS)[:60] or device.kind
        device.save(update_fields=["model"])


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0006_tv_links'),
    ]

    operations = [
        migrations.AddField(
            model_name='device',
            name='model',
            field=models.CharField(blank=True, default='', help_text='Its name without make and place.', max_length=60),
        ),
        migrations.AddField(
            model_name='environment',
            name='driver_version',
            field=models.CharField(max_length=40, null=True),
        ),
        migrations.AddField(
            model_name='environment',
            name='node_packs',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='environment',
            name='packages',
            field=models.JSONField(default=dict),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

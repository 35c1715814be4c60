from django.db import migrations, models


def forget_what_nobody_told(apps, schema_editor):
    """Nobody asked for node packs before: none stood for unknown."""
    apps.get_model("telemetry", "Environment").objects.filter(node_packs={}).update(node_packs=None)


def none_for_unknown(apps, schema_editor):
    apps.get_model("telemetry", "Environment").objects.filter(node_packs__isnull=True).update(node_packs={})


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0007_device_models_and_packages'),
    ]

    operations = [
        migrations.AlterField(
            model_name='environment',
            name='node_packs',
            field=models.JSONField(null=True),
        ),
        migrations.RunPython(forget_what_nobody_told, none_for_unknown),
    ]

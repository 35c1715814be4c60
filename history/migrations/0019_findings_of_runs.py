from django.db import migrations, models

from history.while_in_use import AddIndexWhileInUse


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY refuses to run inside a transaction.
    atomic = False

    dependencies = [
        ('history', '0018_attempt_outputs'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(condition=models.Q(('finding_count__gt', 0)), fields=['team', '-began_at'], name='run_with_findings'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(condition=models.Q(('error_count__gt', 0)), fields=['team', '-began_at'], name='run_with_errors'),
        ),
        AddIndexWhileInUse(
            model_name='run',
            index=models.Index(condition=models.Q(('finding_count', 0), ('revision__gt', 0)), fields=['team', '-began_at'], name='run_without_findings'),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('history', '0010_sums_indexes'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='scene',
            constraint=models.CheckConstraint(condition=models.Q(('duration_s__isnull', True), ('duration_s__gte', 0), _connector='OR'), name='scene_duration_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('success_rate__isnull', True), models.Q(('success_rate__gte', 0), ('success_rate__lte', 1)), _connector='OR'), name='run_success_rate_is_ratio'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__isnull', True), ('open_count', 0), _connector='OR'), name='run_outcome_once_over'),
        ),
    ]

"""How submitters wait for their scenes: a row per version of their queue policy."""

from django.db import models

from telemetry.models import Team


class QueuePolicy(models.Model):
    """One version of the knobs that a submitting script waits and retries by.

    Versions are told apart by their content: the same knobs are the same row. Null is untold;
    `max_polls` 0 is unlimited, `retry_budget` 0 is no retry. `more` holds knobs without a column.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="queue_policies")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of everything below.")
    max_wait_s = models.FloatField(null=True)
    max_polls = models.PositiveIntegerField(null=True, help_text="0: unlimited.")
    poll_interval_s = models.FloatField(null=True)
    grace_s = models.FloatField(null=True, help_text="Goes on polling so long after the end.")
    retry_budget = models.PositiveIntegerField(null=True, help_text="0: no retry.")
    more = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "queue policies"
        constraints = [
            models.UniqueConstraint(fields=["team", "fingerprint"], name="policy_once_per_team"),
            models.CheckConstraint(
                condition=models.Q(max_wait_s__isnull=True) | models.Q(max_wait_s__gte=0),
                name="policy_wait_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(poll_interval_s__isnull=True) | models.Q(poll_interval_s__gte=0),
                name="policy_interval_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(grace_s__isnull=True) | models.Q(grace_s__gte=0),
                name="policy_grace_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.fingerprint[:8]}"

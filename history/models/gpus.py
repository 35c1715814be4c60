"""GPUs over time."""

from django.db import models

from history.models.checks import not_negative, words
from history.models.choices import GRADES, SPANS
from telemetry.models import Server


class GpuSample(models.Model):
    """One device during one span: 10 s as they came, a minute or an hour rolled up from those.

    `at` is the begin of the span, a multiple of it since 1970; a span without a sample has no row.
    `index` is the device's place in `/system_stats`. Memory is free bytes; null is untold, also
    for the sensors, which only the driver tells.
    """

    server = models.ForeignKey(Server, models.CASCADE, related_name="gpu_samples", db_index=False)
    index = models.PositiveSmallIntegerField()
    span_s = models.PositiveSmallIntegerField(choices=SPANS)
    at = models.DateTimeField()
    samples = models.PositiveIntegerField()
    grade = models.CharField(max_length=10, choices=GRADES)
    total_bytes = models.BigIntegerField(null=True)
    free_lowest_bytes = models.BigIntegerField(null=True)
    free_mean_bytes = models.BigIntegerField(null=True)
    utilisation_mean_percent = models.FloatField(null=True)
    utilisation_highest_percent = models.FloatField(null=True)
    temperature_highest_c = models.FloatField(null=True)
    power_mean_w = models.FloatField(null=True)

    class Meta:
        ordering = ["server", "index", "span_s", "at"]
        verbose_name = "GPU sample"
        constraints = [
            models.UniqueConstraint(
                fields=["server", "index", "span_s", "at"], name="gpu_sample_once_per_span"
            ),
            words("gpu_sample", span_s=SPANS, grade=GRADES),
            not_negative(
                "gpu_sample",
                *("total_bytes", "free_lowest_bytes", "free_mean_bytes", "power_mean_w"),
                *("utilisation_mean_percent", "utilisation_highest_percent"),
            ),
        ]
        indexes = [models.Index(fields=["span_s", "at"], name="gpu_sample_by_age")]

    def __str__(self) -> str:
        return f"#{self.index} of {self.server_id} at {self.at:%d %b %H:%M:%S}"

"""Kinds of work: what a graph asks of a GPU, once for all prompts that ask the same."""

from typing import Any

from django.db import models

from history.baseline.fingerprint import Drivers, Fingerprint, Model

DRIVERS = ("steps", "width", "height", "frames", "batch")


class Workload(models.Model):
    """What all prompts of one workload have in common (docs/statistics.md).

    `digest` is what attempts, scenes and runs call their workload. Of one `family` and with the
    same models and samplers, work differs in its size at most. Only model files, sampler names and
    numbers are kept: no text of a prompt.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    family = models.CharField(max_length=64, null=True)
    steps = models.FloatField(null=True, help_text="Of all samplers together.")
    width = models.FloatField(null=True)
    height = models.FloatField(null=True)
    frames = models.FloatField(null=True)
    batch = models.FloatField(null=True)
    files = models.JSONField(default=list, help_text="Pairs of kind and file name.")
    samplers = models.JSONField(default=list)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["digest"]
        indexes = [
            models.Index(fields=["family", "-first_seen_at"], name="workload_of_family"),
            models.Index(fields=["first_seen_at"], name="workload_by_age"),
        ]

    def __str__(self) -> str:
        return f"workload {self.digest[:8]}"

    @property
    def fingerprint(self) -> Fingerprint:
        """Return it as baselines see it."""
        drivers = Drivers(**{name: getattr(self, name) for name in DRIVERS})
        files = tuple(Model(*told) for told in self.files)
        return Fingerprint(self.digest, self.family, drivers, files, tuple(self.samplers))


def columns_of(found: Fingerprint) -> dict[str, Any]:
    """Return a fingerprint as the columns of a Workload."""
    drivers = {name: getattr(found.drivers, name) for name in DRIVERS}
    told = {"files": [list(model) for model in found.models], "samplers": list(found.samplers)}
    return {"digest": found.workload, "family": found.family, **drivers, **told}

"""Who follows a server now, and the times in which nobody did."""

import datetime as dt

from django.db import models

from telemetry.models.servers import Server


class Lease(models.Model):
    """Which collector follows a server: the row that makes writes and publications safe.

    `fence` grows by one with every new owner and never shrinks. Who writes names the fence that he
    holds; if the row holds a higher one, somebody else took over and the write is refused.
    """

    server = models.OneToOneField(Server, models.CASCADE, related_name="lease", primary_key=True)
    owner = models.CharField(max_length=120, blank=True, default="")
    fence = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField(default=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    renewed_at = models.DateTimeField(null=True, help_text="When its owner last lived.")
    url = models.CharField(
        max_length=300,
        blank=True,
        default="",
        help_text="The address that the record is of; another than the server's: not judged yet.",
    )
    backfilling = models.BooleanField(
        default=False, help_text="The server's history has been read in part only."
    )

    def __str__(self) -> str:
        return f"{self.server}: {self.owner or 'nobody'} (fence {self.fence})"


class BlindWindow(models.Model):
    """A time in which a server was not watched: what is missing there is missing, not zero."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="blind_windows")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(fields=["server", "began_at"], name="blind_window_once"),
        ]
        indexes = [models.Index(fields=["server", "-began_at"], name="blind_window_newest")]

    def __str__(self) -> str:
        return f"{self.server} from {self.began_at:%d %b %H:%M:%S}"

"""How long a workload takes, from its earlier attempts."""

from statistics import median

from django.db.models import F, Q

from history.models import Attempt
from telemetry.models import Server
from telemetry.outlook import Outlook
from telemetry.words import Outcome

# The newest say most about now; the first of them loaded models and may stand out.
SAMPLE = 20
# A clock that jumped while a prompt ran: nothing takes so long, and no time could be reckoned with
# the millennia of a queue of such.
LONGEST_S = 30 * 86400.0


def outlook(server_id: int, workload: str) -> Outlook | None:
    """Return the outlook of a workload on a server, else on its team's other servers, else None.

    Only completed attempts count, and not those that came wholly out of the cache.
    """
    done = Attempt.objects.filter(
        Q(cached_nodes=None) | Q(node_count=None) | Q(cached_nodes__lt=F("node_count")),
        workload=workload,
        outcome=Outcome.SUCCESS,
        duration_s__lte=LONGEST_S,
        scene__run__deleted_at=None,
    ).order_by("-ended_at")
    team = Server.objects.filter(pk=server_id).values("team_id")
    here = _durations(done.filter(server_id=server_id))
    sample = here or _durations(done.filter(server__team_id__in=team))
    if not sample:
        return None
    return Outlook(len(sample), median(sample), min(sample), max(sample))


def _durations(attempts: object) -> list[float]:
    return list(attempts.values_list("duration_s", flat=True)[:SAMPLE])  # type: ignore[attr-defined]

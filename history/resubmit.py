"""Submit lost prompts again: the kept graph under a new prompt_id, for the same run and scene.

Each attempt at most once, whoever presses how often: its Resubmission is written before ComfyUI is
asked. It is taken back only where ComfyUI surely has not got the prompt; after a silence nobody
knows, and then it is not submitted a second time.
"""

import json
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from history.access import attempts_on, graphs_of
from history.models import Attempt, Resubmission
from telemetry.client import comfyui_of
from telemetry.models import Server
from telemetry.text import plural, sentence
from telemetry.unanswered import NoAnswer, Refused, Rejected
from telemetry.words import Outcome

AT_ONCE = 50
LONGEST_S = 10.0
RECENT = timedelta(days=30)


@dataclass(slots=True)
class Result:
    """How many prompts were taken, and what was said of the others."""

    taken: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return it in words."""
        return " ".join([f"{plural(self.taken, 'prompt')} submitted again.", *self.said])


def lost_on(server: Server, at: datetime) -> QuerySet[Attempt]:
    """Return the lost attempts of a server that can be submitted again, in their old order.

    Their graphs are still kept, they were not submitted again yet, and their scene has neither
    been completed nor been tried again since. Not those of more than RECENT before `at`: the index
    on ends bounds what a server's page has to look through.
    """
    later = Attempt.objects.filter(scene=OuterRef("scene"), pk__gt=OuterRef("pk"))
    recent = attempts_on(server).filter(ended_at__gte=at - RECENT)
    lost = recent.filter(outcome=Outcome.LOST, graph__isnull=False, resubmission=None)
    untried = lost.exclude(scene__outcome=Outcome.SUCCESS).filter(~Exists(later))
    return untried.order_by("seen_at", "pk")


def submit_again(server: Server, attempts: Iterable[Attempt]) -> Result:
    """Submit attempts of `lost_on`; ends at the first silence of the server."""
    result = Result()
    wanted = list(attempts)
    graphs = {graph.pk: bytes(graph.compressed) for graph in graphs_of(wanted)}
    try:
        # What stands in the way of all of them is found before any of them is at stake.
        async_to_sync(_look)(server)
    except (Refused, NoAnswer) as error:
        return Result(said=[f"{server.name}: {sentence(str(error))}"])
    for attempt in wanted:
        try:
            result.taken += _submit_once(server, attempt, graphs.get(attempt.pk))
        except Rejected as error:
            result.said.append(f"{attempt.prompt_id[:8]} was refused: {sentence(str(error))}")
        except (Refused, NoAnswer) as error:
            result.said.append(f"{server.name}: {sentence(str(error))} {_fate(error)}")
            break
    return result


def _submit_once(server: Server, attempt: Attempt, compressed: bytes | None) -> bool:
    """Submit an attempt unless that was done; say whether it was taken now."""
    if compressed is None:
        return False
    again, first = Resubmission.objects.get_or_create(
        attempt=attempt, defaults={"prompt_id": str(uuid.uuid4()), "at": timezone.now()}
    )
    if not first:
        return False
    try:
        async_to_sync(_post)(server, body_of(attempt, again.prompt_id, compressed))
    except (Rejected, Refused):
        again.delete()
        raise
    except NoAnswer as error:
        if _surely_not(error):
            again.delete()
        raise
    again.taken = True
    again.save(update_fields=["taken"])
    return True


def body_of(attempt: Attempt, prompt_id: str, compressed: bytes) -> dict[str, Any]:
    """Return what is posted: our own clientId, and whose prompt it is as before."""
    extra = {**attempt.extra_data, "attempt": (attempt.attempt_number or 1) + 1}
    if attempt.submitter:
        extra.setdefault("user", attempt.submitter)
    return {
        "prompt": json.loads(zlib.decompress(compressed)),
        "prompt_id": prompt_id,
        "client_id": f"scenewatch-{uuid.uuid4().hex}",
        "extra_data": extra,
    }


def _surely_not(error: NoAnswer) -> bool:
    """Say whether ComfyUI has not got the prompt; a proxy's 502 or 504 leaves that open."""
    return error.status is not None and error.status < 500


async def _look(server: Server) -> None:
    comfyui = comfyui_of(server, LONGEST_S)
    try:
        await comfyui.get("/prompt")
    finally:
        await comfyui.close()


async def _post(server: Server, body: dict[str, Any]) -> None:
    comfyui = comfyui_of(server, LONGEST_S)
    try:
        await comfyui.post("/prompt", body)
    finally:
        await comfyui.close()


def _fate(error: Exception) -> str:
    """Say what became of the prompt that was under way."""
    if isinstance(error, NoAnswer) and not _surely_not(error):
        return "Whether it took the last one is not known: look at its queue."
    return "Nothing more was submitted."

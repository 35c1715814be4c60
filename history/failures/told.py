"""Failures as attempts on record tell them, each with its signature and where it was."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from history.failures.signature import FAILING, Signature, signature_of
from history.models import Attempt, Scene, ScriptReport
from history.purge import parted
from telemetry.models import Device
from telemetry.words import Outcome, Status

# So many ids go into one question.
AT_ONCE = 5000
# Without frames a scene that must have some failed, whatever ComfyUI says (history/settling.py).
EMPTY = Q(outcome=Outcome.SUCCESS, frames=0, scene__frame_floor__gt=0)
FAILED = Q(status=Status.ENDED) & (Q(outcome__in=FAILING) | EMPTY)
NO_FRAMES = "No frames came of it."

# The same but for what its scene must have, which is looked up beside it.
MAYBE = Q(status=Status.ENDED) & (Q(outcome__in=FAILING) | Q(outcome=Outcome.SUCCESS, frames=0))

_COLUMNS = (
    *("pk", "server", "outcome", "ended_at", "seen_at"),
    *("error_type", "error_message", "error_node", "error_node_type", "reason"),
)
_SCENE = Scene.objects.filter(pk=OuterRef("scene")).order_by()
_SCRIPT = ScriptReport.objects.filter(attempt=OuterRef("pk")).order_by()
_BESIDE = {
    "team": Subquery(_SCENE.values("team")),
    "run": Subquery(_SCENE.values("run")),
    "gpu": Subquery(_SCENE.values("gpu_model")),
    "floor": Subquery(_SCENE.values("frame_floor")),
    "said": Subquery(_SCRIPT.values("exit_reason")),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed; `server` is an id, `gpu` a model, `node` an id, "" unknown."""

    attempt: int
    team: int
    run: int
    at: datetime
    server: str
    gpu: str
    node: str
    message: str
    signature: Signature

    @property
    def key(self) -> tuple[int, str]:
        """Return what makes its family one of its kind."""
        return self.team, self.signature.digest


def may_be_failure(attempt: Attempt) -> bool:
    """Say whether an attempt that ended may be a failure: one that may not be need not be asked."""
    return attempt.outcome in FAILING or attempt.frames == 0


def failures_among(ids: list[int]) -> list[Failure]:
    """Return those of the attempts that failed, locked until the transaction ends."""
    rows = [row for part in parted(ids, AT_ONCE) for row in _rows(part)]
    models = _models({row["server"] for row in rows if row["server"]})
    return [_failure(row, models) for row in rows]


def _rows(ids: list[int]) -> list[dict[str, Any]]:
    """Return what is told of each failure: of its scene and its script by a look-up a row.

    Joined, that takes minutes where PostgreSQL takes the tables for empty (history/settling.py).
    """
    found = Attempt.objects.filter(MAYBE, pk__in=ids).order_by("pk").annotate(**_BESIDE)
    rows = found.select_for_update().values(*_COLUMNS, *_BESIDE)
    return [row for row in rows if row["outcome"] in FAILING or (row["floor"] or 0) > 0]


def _models(servers: set[int]) -> dict[int, str]:
    """Return the model of each server's first GPU, as history/settling.py takes it."""
    found = Device.objects.filter(server__in=servers) if servers else ()
    ordered = sorted(found, key=lambda one: (one.kind == "cpu", one.index), reverse=True)
    return {device.server_id: device.model for device in ordered}


def _failure(row: dict[str, Any], models: dict[int, str]) -> Failure:
    server = row["server"]
    message = row["error_message"] or row["reason"] or row["said"] or ""
    outcome = row["outcome"]
    if outcome == Outcome.SUCCESS:
        outcome, message = Outcome.FAILED.value, message or NO_FRAMES
    return Failure(
        attempt=row["pk"],
        team=row["team"],
        run=row["run"],
        at=row["ended_at"] or row["seen_at"],
        server=str(server or ""),
        gpu=(models.get(server) or row["gpu"] or "")[:60],
        node=row["error_node"] or "",
        message=message,
        signature=signature_of(outcome, row["error_type"], row["error_node_type"], message),
    )

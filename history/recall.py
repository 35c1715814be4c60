"""What is on record of a server, as the collector needs it to go on after a restart."""

import zlib

from history.models import Attempt
from history.turn import runs_before
from telemetry.attempt import AttemptState
from telemetry.graph import facts_of
from telemetry.identity import Identity
from telemetry.machine import KNOWN_LIMIT, RECENT_LIMIT, Ended
from telemetry.protocol.outputs import Outputs
from telemetry.record import Memory
from telemetry.transitions import AttemptEnded, Fault, Key
from telemetry.words import Grade, Outcome, Status


def recall(server_id: int) -> Memory:
    """Return the prompts that ComfyUI might still know, those still open, and the newest ends."""
    rows = Attempt.objects.filter(server_id=server_id)
    ended = rows.filter(status=Status.ENDED, outcome__isnull=False).order_by("-ended_at", "-pk")
    open_ = list(rows.exclude(status=Status.ENDED).order_by("pk"))
    known = ended.defer("traceback", "extra_data")[:KNOWN_LIMIT]
    newest = [_state(row) for row in ended.filter(found_later=False)[:RECENT_LIMIT]]
    return Memory(
        ended=[_ended(row) for row in reversed(known)],
        open=[_state(row) for row in open_],
        recent=newest,
        # Asked last: what a purge deletes from here on is known by the rows read above.
        forgotten_before=runs_before(),
    )


def _ended(row: Attempt) -> Ended:
    key = Key(row.prompt_id, row.repeat)
    return Ended(key, row.number, _end(row))


def _end(row: Attempt) -> AttemptEnded:
    told = (row.error_type, row.error_message, row.error_node, row.error_node_type)
    return AttemptEnded(
        Key(row.prompt_id, row.repeat),
        Outcome(row.outcome or Outcome.LOST),
        Grade(row.outcome_grade or Grade.POLLED),
        row.started_at,
        row.ended_at,
        Fault(*told) if any(told) else None,
        row.reason,
        row.cached_nodes,
        row.found_later,
        # Recorded as it ended, or never: nothing to be told again.
        Outputs(),
    )


def _state(row: Attempt) -> AttemptState:
    words = {k: v for k, v in row.extra_data.items() if isinstance(v, str)}
    identity = Identity(row.client_id, row.submitted_at, row.attempt_number, words)
    raw = _graph(row)
    attempt = AttemptState(
        Key(row.prompt_id, row.repeat),
        row.seen_at,
        row.number,
        identity,
        facts_of(raw or b"{}"),
        raw,
        Status(row.status),
        row.submitted_at,
        row.started_at,
        Grade.POLLED if row.started_at else None,
        _end(row) if row.status == Status.ENDED else None,
        row.found_later,
        row.cached_nodes,
    )
    return attempt


def _graph(row: Attempt) -> bytes | None:
    graph = getattr(row, "graph", None) if row.status != Status.ENDED else None
    return zlib.decompress(bytes(graph.compressed)) if graph is not None else None

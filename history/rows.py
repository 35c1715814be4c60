"""Transitions as rows: whole batches of many servers in a few statements, safe to repeat.

Called inside the writer's transaction, under the fences of the servers, in the order in which
things happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from history.attempt_rows import AttemptRows, keys_of
from history.gpu_samples import sampled
from history.memory_rows import identified, write_memory
from history.models import ActivityEvent
from history.output_rows import write_outputs
from history.server_rows import address, backfill, blind, environment
from history.upsert import upsert
from telemetry import transitions as t
from telemetry.activity import Happening
from telemetry.leases import Leased
from telemetry.transitions import Transition


@dataclass(frozen=True, slots=True)
class Told:
    """What one event changed of one server, and what that means to people."""

    leased: Leased
    changes: list[Transition]
    lines: list[Happening]


# What is rare enough to be written one by one, after the attempts.
WRITERS: dict[type[Any], Callable[[Leased, Any], None]] = {
    t.BlindWindowEnded: blind,
    t.BackfillChanged: backfill,
    t.EnvironmentChanged: environment,
    t.DevicesIdentified: identified,
    t.DevicesSampled: sampled,
    t.AddressChanged: address,
}


def write_rows(batch: Sequence[Told]) -> None:
    """Write what servers told, and their lines of activity."""
    changes = [(told.leased, change) for told in batch for change in told.changes]
    keys = {key for told in batch for key in keys_of(told.leased, (*told.changes, *told.lines))}
    seen = [(leased, change) for leased, change in changes if isinstance(change, t.AttemptSeen)]
    attempts = AttemptRows(keys, seen)
    for leased, change in changes:
        attempts.take(leased, change)
    attempts.save()
    write_memory(
        (attempts.pk(leased, change.key), change.devices)
        for leased, change in changes
        if isinstance(change, t.AttemptMemory)
    )
    write_outputs(
        (attempts.pk(leased, change.key), change.outputs)
        for leased, change in changes
        if isinstance(change, t.AttemptEnded) and change.outputs
    )
    for leased, change in changes:
        if writer := WRITERS.get(type(change)):
            writer(leased, change)
    _write_activity(batch, attempts)


ACTIVITY_COLUMNS = (
    *("server", "key"),
    *("kind", "tone", "text", "detail", "at"),
    *("team", "attempt"),
)


def _write_activity(batch: Sequence[Told], attempts: AttemptRows) -> None:
    """Write the feed's lines; one that is told again takes over its newest words."""
    rows = {
        (told.leased.server_id, line.event_id): _activity(told.leased, line, attempts)
        for told in batch
        for line in told.lines
    }
    upsert(
        ActivityEvent,
        ACTIVITY_COLUMNS[:2],
        ACTIVITY_COLUMNS,
        rows.values(),
        kept=ACTIVITY_COLUMNS[-2:],
    )


def _activity(leased: Leased, line: Happening, attempts: AttemptRows) -> tuple[Any, ...]:
    """Return a line's values, in the order of ACTIVITY_COLUMNS."""
    attempt = attempts.pk(leased, line.key) if line.key else None
    words = line.kind, str(line.tone), line.text[:300], line.detail[:300]
    return leased.server_id, line.event_id, *words, line.at, leased.team_id, attempt
